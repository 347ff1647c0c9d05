"""serve: the memory as an HTTP service."""

from typing import TYPE_CHECKING, Annotated

import typer

from memsvc_cli import options, output

if TYPE_CHECKING:
    from memsvc.server.serving import Started


def serve(
    db: options.Db = None,
    host: Annotated[
        str | None,
        typer.Option("--host", metavar="ADDRESS", help="Where to listen. [default: MEMSVC_SERVER_HOST, or 127.0.0.1]"),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            "--port", min=0, max=65_535, metavar="NUMBER",
            help="The port; 0: any. [default: MEMSVC_SERVER_PORT, or 8321]",
        ),
    ] = None,
    no_auth: Annotated[
        bool, typer.Option("--no-auth", help="Ask nobody for a key; only where nobody but this machine can connect.")
    ] = False,
) -> None:  # fmt: skip
    """Serve a memory over HTTP until told to stop (Ctrl-C, or SIGTERM): what was begun is finished first.

    \b
    memsvc keys create --namespace 'acme/*' --allow read,write --db agent.db
    memsvc serve --db agent.db
    """
    from memsvc import Settings
    from memsvc.server.serving import serve as run

    run(Settings.load(database=db, server_host=host, server_port=port), no_auth=no_auth, on_start=_say)


def _say(started: "Started") -> None:
    """Where it is, for a person; for a program it is in the log."""
    if not output.on_terminal():
        return
    output.pairs(
        [
            ("service", started.url),
            ("docs", f"{started.url}/docs"),
            ("database", started.database),
            ("embedder", started.embedder),
            ("model", started.model or "none: `ask` quotes"),
            ("access", "by key" if started.keys else "open to everybody on this machine"),
        ]
    )
