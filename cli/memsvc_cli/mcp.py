"""mcp: the memory as tools for a program that speaks the Model Context Protocol."""

from typing import Annotated

import typer

from memsvc_cli import options


def mcp(
    db: options.Db = None,
    namespace: Annotated[
        list[str] | None,
        typer.Option(
            "--namespace", "-n", metavar="PATTERN", show_default=False,
            help="Whose memories: acme/alice fixes it, 'acme/*' lets the tools choose; may be repeated. "
            "[default: MEMSVC_NAMESPACE, then memsvc.toml, then 'default']",
        ),
    ] = None,
    allow: Annotated[
        str, typer.Option("--allow", metavar="LIST", help="Of read, write and erase; other tools are not offered.")
    ] = "read,write",
) -> None:  # fmt: skip
    """Offer a memory as MCP tools on stdin and stdout, to the program that starts this; the log goes to stderr.

    \b
    memsvc mcp --db agent.db --namespace alice --allow read,write
    """
    from memsvc import Settings
    from memsvc.mcp.stdio import serve

    settings = Settings.load(database=db)
    names = namespace or [settings.namespace]
    serve(settings, namespaces=names, allow=[one.strip() for one in allow.split(",")])
