"""The options that several commands share, and what they mean to the library."""

from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

if TYPE_CHECKING:
    from memsvc.contract.options import Filters

DEFAULT_NAMESPACE = "default"

Db = Annotated[
    str | None,
    typer.Option(
        "--db",
        metavar="PATH_OR_URL",
        help="The database: a file, or a URL such as postgresql+psycopg://... "
        "[default: MEMSVC_DATABASE, then memsvc.toml, then a file among the user's data]",
        show_default=False,
    ),
]
Namespace = Annotated[
    str, typer.Option("--namespace", "-n", metavar="NAME", help="Whose memories: a path such as acme/alice.")
]
AnyNamespace = Annotated[
    str | None,
    typer.Option("--namespace", "-n", metavar="NAME", help="Only this namespace; all of them when left out."),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else on stdout.")]

Since = Annotated[
    str | None, typer.Option("--since", metavar="TIME", help="Said at or after this ISO 8601 time.", show_default=False)
]
Until = Annotated[
    str | None, typer.Option("--until", metavar="TIME", help="Said at or before this time.", show_default=False)
]
AsOf = Annotated[str | None, typer.Option("--as-of", metavar="TIME", help="Valid at this moment.", show_default=False)]
Session = Annotated[
    list[str] | None,
    typer.Option("--session", metavar="ID", help="Only this session; may be repeated.", show_default=False),
]
Speaker = Annotated[
    list[str] | None,
    typer.Option("--speaker", metavar="NAME", help="Only what this one said; may be repeated.", show_default=False),
]
Kind = Annotated[
    list[str] | None,
    typer.Option("--kind", metavar="KIND", help="message, fact or episode; may be repeated.", show_default=False),
]


def filters(**given: Any) -> "Filters":
    """The filters that were given on the command line, under the library's names."""
    return cast("Filters", {name: value for name, value in given.items() if value})
