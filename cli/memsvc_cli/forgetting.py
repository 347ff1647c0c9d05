"""forget: erasing for good, with a receipt, and checking receipts."""

import json as json_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from memsvc_cli import options, output, views
from memsvc_cli.opening import opened
from memsvc_cli.short_ids import full

if TYPE_CHECKING:
    from memsvc import Erasure


@options.takes("forget")
def forget(
    namespace: Annotated[
        str | None, typer.Option("--namespace", "-n", metavar="NAME", help="What to forget; all of it, or a part.")
    ] = None,
    check: Annotated[
        Path | None, typer.Option("--check", metavar="FILE", help="Forget nothing; check the receipt in this file.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask; a script has to say so.")] = False,
    db: options.Db = None,
    json: options.Json = False,
    expired: Annotated[bool, typer.Option("--expired", help=options.told("forget", "expired"))] = False,
    **part: Any,
) -> None:
    """Erase for good, from every table, file and snapshot, and print a signed receipt.

    With --check, exits with 1 if the database did not issue the receipt, or it was changed since.

    \b
    memsvc forget -n acme/ann --session monday --json > receipt.json
    memsvc forget --check receipt.json
    """
    part |= {"expired": True} if expired else {}
    if check is not None:
        if namespace or part:
            raise typer.BadParameter("--check goes with a receipt alone; it names what was forgotten")
        _check(check, db, json=json)
        return
    if namespace is None:
        raise typer.BadParameter("name what to forget with --namespace, or a receipt with --check")
    if not yes and not output.can_ask():
        raise typer.BadParameter("nobody is there to ask; confirm with --yes")
    with opened(db) as memory:
        if part.keys() == {"memory_id"}:
            part |= {"memory_id": full(memory, part["memory_id"], namespace)}
        if not yes and not output.confirmed(f"Erase {_named(namespace, part)} for good?"):
            output.note("Nothing was erased.")
            raise typer.Exit(1)
        with output.spinner("Erasing, and rewriting the database"):
            receipt = memory.forget(namespace=namespace, **part)
    _show(receipt, json=json)


def _named(namespace: str, part: dict[str, Any]) -> str:
    """What is asked for, as a person says it."""
    chosen = [
        "what has expired" if value is True else f"{name.removesuffix('_id')} “{value}”" for name, value in part.items()
    ]
    return f"{' and '.join(chosen) or 'everything'} of namespace “{namespace}”"


def _show(receipt: "Erasure", *, json: bool) -> None:
    if json:
        output.document(receipt)
        return
    target = receipt.what if receipt.target is None else f"{receipt.what} {receipt.target}"
    output.pairs(
        [
            ("namespace", receipt.namespace),
            ("erased", target),
            *((kind, f"{count:,}") for kind, count in receipt.counts.items() if count),
            ("at", views.when(receipt.at, seconds=True)),
            ("compacted", "yes" if receipt.compacted else "no"),
            ("key", receipt.key_id),
            ("signature", receipt.signature),
        ]
    )
    if not receipt.compacted:
        output.note("This role may not rewrite the tables: PostgreSQL clears the freed space when it vacuums them.")


def _check(file: Path, db: str | None, *, json: bool) -> None:
    with opened(db) as memory:
        good = memory.verify_erasure(_read(file))
    output.document({"valid": good}) if json else output.line("valid" if good else "not valid")
    if not good:
        raise typer.Exit(1)


def _read(file: Path) -> Any:
    from memsvc.errors import InvalidInput

    try:
        return json_module.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InvalidInput(f"{file} is not JSON ({error}); give a file that `forget --json` wrote") from error
