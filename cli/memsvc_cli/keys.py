"""keys create, list, revoke: who may use the service, and for what."""

import shlex
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from memsvc_cli import options, output, views
from memsvc_cli.group import Commands
from memsvc_cli.opening import opened_here
from memsvc_evals.table import Column, Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memsvc_store.keys import Key

app = typer.Typer(cls=Commands, name="keys", help="Keys of the service: create, list, revoke.", no_args_is_help=True)


@app.command("create")
def create(
    namespace: Annotated[
        list[str],
        typer.Option(
            "--namespace", "-n", metavar="PATTERN",
            help="Where it holds: acme/ann, 'acme/*' (all below acme, not acme itself) or '*'; may be repeated.",
        ),
    ],
    allow: Annotated[
        str,
        typer.Option(
            "--allow", metavar="LIST", help="Of read, write, erase, admin and metrics; none implies another."
        ),
    ] = "read,write",
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="What the list shows: whose it is.")] = "",
    expires: Annotated[
        str | None,
        typer.Option(
            "--expires", metavar="TIME", show_default=False,
            help="How long it holds: hours, days or weeks, as in 12h, 90d, 4w; until it is revoked when left out.",
        ),
    ] = None,
    tokens_per_day: Annotated[
        int | None,
        typer.Option(
            "--tokens-per-day", metavar="N", min=1, show_default=False,
            help="Tokens that language models may take for it in a day (UTC); no bound of its own when left out.",
        ),
    ] = None,
    db: options.Db = None,
    json: options.Json = False,
) -> None:  # fmt: skip
    """Make a key, and print its token: this once, since only a hash of it is kept.

    \b
    memsvc keys create --namespace 'acme/*' --allow read,write --name billing-bot --expires 90d --db agent.db
    """
    from memsvc.service.keys import Keys, parse_lifetime

    lifetime = None if expires is None else parse_lifetime(expires)
    with opened_here(db, create=True) as memory:
        made = Keys(memory.store.database).create(
            namespaces=namespace, allow=[one.strip() for one in allow.split(",")], name=name, lifetime=lifetime,
            tokens_per_day=tokens_per_day,
        )  # fmt: skip
    if json:
        output.document({"token": made.token, "key": _document(made.key)})
        return
    output.stream([made.token])  # never wrapped: it is to be copied
    output.note(f"Key {made.key.id}; keep the token, it is not shown again. Send it as Authorization: Bearer <token>.")


@app.command("list")
def list_(db: options.Db = None, json: options.Json = False) -> None:
    """List the keys, also those that no longer hold: what each may do, and when it was last used, to the minute."""
    from memsvc.service.keys import Keys

    with opened_here(db) as memory:
        found = Keys(memory.store.database).all()
    if json:
        output.document({"keys": [_document(one) for one in found]})
    elif found:
        output.table(_table(found))
    else:
        here = "" if db is None else f" --db {shlex.quote(db)}"
        output.note(f"There is no key yet; `memsvc keys create --namespace NAME{here}` makes one.")


@app.command("revoke")
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="The key, as `memsvc keys list` names it.")],
    db: options.Db = None,
    json: options.Json = False,
) -> None:
    """Take a key back: every service on this database refuses it from the next request on.

    \b
    memsvc keys revoke 3f9a0c2be41d7785
    """
    from memsvc.service.keys import Keys

    with opened_here(db) as memory:
        key = Keys(memory.store.database).revoke(key_id)
    output.document({"key": _document(key)}) if json else output.line(f"{key.id} revoked")


_COLUMNS = [
    Column("id", below="name"),
    Column("name", wrap=True, style="cyan"),
    Column("state"),
    Column("namespaces", wrap=True),
    Column("allow", below="namespaces"),
    Column("expires"),
    Column("last used"),
]
"""What stands below another has no room beside it in 80 columns, where a time takes 16."""


def _table(found: "Sequence[Key]") -> Table:
    """The keys, with their tokens a day where one has a limit."""
    if all(one.tokens_per_day is None for one in found):
        return Table(_COLUMNS, [_row(one) for one in found])
    limits = ["" if one.tokens_per_day is None else f"{one.tokens_per_day:,}" for one in found]
    columns = [*_COLUMNS, Column("tokens a day", below="state")]
    return Table(columns, [[*_row(one), limit] for one, limit in zip(found, limits, strict=True)])


def _row(key: "Key") -> list[str]:
    return [
        key.id, key.name, key.state(datetime.now(UTC)), " ".join(key.namespaces), " ".join(key.allow),
        "never" if key.expires_at is None else views.when(key.expires_at),
        "never" if key.last_used_at is None else views.when(key.last_used_at),
    ]  # fmt: skip


def _document(key: "Key") -> dict[str, Any]:
    from memsvc import to_dict

    return {**to_dict(key), "state": key.state(datetime.now(UTC))}
