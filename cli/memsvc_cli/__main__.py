"""`python -m memsvc_cli` is `memsvc`."""

from memsvc_cli.app import main

if __name__ == "__main__":
    main()
