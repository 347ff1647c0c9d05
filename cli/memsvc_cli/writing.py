"""add, update, delete: the commands that write."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from memsvc_cli import options, output, views
from memsvc_cli.messages import Item, read_messages, read_metadata
from memsvc_cli.opening import opened
from memsvc_cli.receipts import list_rejected, report
from memsvc_cli.short_ids import full

if TYPE_CHECKING:
    from memsvc import Receipts
    from memsvc_cli.opening import Opened

BATCH = 256


def add(
    text: Annotated[str | None, typer.Argument(help="What was said.", show_default=False)] = None,
    file: Annotated[
        str | None,
        typer.Option(
            "--file", "-f", metavar="FILE",
            help="Messages from a file, or from stdin with '-': one JSON message a line, or one JSON list.",
        ),
    ] = None,
    name: Annotated[
        str | None, typer.Option("--speaker", "--name", metavar="NAME", help="Who said what names nobody.")
    ] = None,
    role: Annotated[
        str | None, typer.Option("--role", metavar="ROLE", help="user, assistant, system or tool.  [default: user]")
    ] = None,
    timestamp: Annotated[
        str | None,
        typer.Option("--timestamp", metavar="TIME", help="When: ISO 8601, a date, yesterday, 7d (ago). [default: now]"),
    ] = None,
    timezone: Annotated[
        str | None, typer.Option("--timezone", metavar="ZONE", help=options.told("add", "timezone"))
    ] = None,
    metadata: Annotated[
        list[str] | None,
        typer.Option(
            "--metadata", metavar="KEY=VALUE", help="What else is known of it, or a JSON object. May be repeated."
        ),
    ] = None,
    tags: Annotated[
        list[str] | None, typer.Option("--tags", metavar="TAGS", help="A label of it. May be repeated.")
    ] = None,
    session: Annotated[str | None, typer.Option("--session", metavar="ID", help="The session it belongs to.")] = None,
    key: Annotated[
        str | None, typer.Option("--key", metavar="KEY", help="Your name for this write; a second one stores nothing.")
    ] = None,
    kind: Annotated[
        str, typer.Option("--kind", metavar="KIND", help="message, or fact: what you worked out yourself.")
    ] = "message",
    sources: Annotated[
        list[str] | None,
        typer.Option("--source", metavar="ID", help="A message that the fact rests on; may be repeated."),
    ] = None,
    expires_at: Annotated[
        str | None, typer.Option("--expires-at", metavar="TIME", help=options.told("add", "expires_at"))
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Store all or nothing, in one write: none if a message is rejected.")
    ] = False,
    namespace: options.Namespace = options.DEFAULT_NAMESPACE,
    db: options.Db = None,
    json: options.Json = False,
) -> None:  # fmt: skip
    """Store what was said, word for word.

    A message is {"content": ...} with, if you like, "role", "name", "timestamp", "session_id", "key" and
    "metadata", or one of OpenAI, Anthropic, LangChain, pydantic-ai or the AI SDK as it is. What was stored before, by
    its key or by its time, is a duplicate. Exits with 1 if a message was rejected; the others are stored all the same,
    unless it is --strict.

    \b
    memsvc add "I moved to Oslo last week." --speaker Ann --timestamp 2026-03-02T09:00 --metadata source=phone
    memsvc add -f chat.jsonl -n acme/ann --session monday
    memsvc add "Ann prefers tea." --kind fact --source 3f2a... --expires-at 90d
    """
    if (text is None) == (file is None):
        raise typer.BadParameter("give either a text or --file")
    common: dict[str, Any] = {
        "namespace": namespace, "session_id": session, "role": role, "name": name, "timezone": timezone,
        "kind": kind, "sources": sources or None, "expires_at": expires_at,
        "metadata": read_metadata(metadata) if metadata else None, "tags": tags,
    }  # fmt: skip
    if text is not None:
        with opened(db, create=True) as memory:
            receipts = memory.add(text, key=key, timestamp=timestamp, strict=strict, **common)
        report(namespace, receipts, ["message"], json=json)
        return
    assert file is not None, "it was one of the two"
    items = read_messages(file, key, facts=kind == "fact")
    with opened(db, create=True) as memory:
        receipts = (_add_strictly if strict else _add_all)(memory, items, common, timestamp)
    report(namespace, receipts, [item.place for item in items], json=json)


@options.takes("update")
def update(
    memory_id: Annotated[str, typer.Argument(metavar="ID", help="Its id, or four characters of it.")],
    metadata: Annotated[
        list[str] | None,
        typer.Option(
            "--metadata", metavar="KEY=VALUE",
            help="What else is known of it, or a JSON object, of which null takes a key away. May be repeated.",
        ),
    ] = None,
    namespace: options.Namespace = options.DEFAULT_NAMESPACE,
    db: options.Db = None,
    json: options.Json = False,
    **given: Any,
) -> None:  # fmt: skip
    """Correct a memory's text, the time it is valid, or what else is known of it; `history` keeps what was replaced.

    \b
    memsvc update 3f2a... --text "I moved to Bergen." --valid-to 2027-01-01
    memsvc update 3f2a... --metadata topic=home --metadata '{"draft": null}'
    """
    if metadata:
        given["metadata"] = read_metadata(metadata)
    if not given:
        raise typer.BadParameter("give --text, --valid-from, --valid-to, --expires-at or --metadata")
    with opened(db) as memory:
        changed = memory.update(full(memory, memory_id, namespace), namespace=namespace, **given)
    output.document(changed) if json else output.pairs(views.memory(changed))


def delete(
    memory_id: Annotated[str, typer.Argument(metavar="ID", help="Its id, or four characters of it.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    namespace: options.Namespace = options.DEFAULT_NAMESPACE,
    db: options.Db = None,
    json: options.Json = False,
) -> None:
    """Take a memory out of every look-up, listing and export.

    \b
    memsvc delete 3f2a... -n acme/ann --yes
    """
    if not yes and not output.can_ask():
        raise typer.BadParameter("nobody is there to ask; confirm with --yes")
    with opened(db) as memory:
        memory_id = full(memory, memory_id, namespace)
        if not yes:
            one = memory.get(memory_id, namespace=namespace)
            if not output.confirmed(f"Delete “{one.text}” ({one.speaker}, {views.day(one.valid_from)})?"):
                output.note("Nothing was deleted.")
                raise typer.Exit(1)
        memory.delete(memory_id, namespace=namespace)
    output.document({"id": memory_id, "deleted": True}) if json else output.line(f"deleted {memory_id}")


def _add_strictly(
    memory: "Opened", items: Sequence[Item], common: Mapping[str, Any], timestamp: str | None
) -> "Receipts":
    """One write; exits with 1, and nothing stored, if a message is rejected."""
    from memsvc import MessagesRejected

    try:
        return memory.add([item.message for item in items], timestamp=timestamp, strict=True, **common)
    except MessagesRejected as error:
        list_rejected({items[place].place: reason for place, reason in error.reasons.items()})
        output.error(f"{len(error.reasons):,} of {len(items):,} messages were rejected; nothing was stored")
        raise typer.Exit(1) from error


def _add_all(memory: "Opened", items: Sequence[Item], common: Mapping[str, Any], timestamp: str | None) -> "Receipts":
    """Batches: each is on disk before the next begins, so that an interrupted run loses one at most."""
    from memsvc import MessagesRejected, Receipt, Receipts
    from memsvc.times import later

    receipts, zone = Receipts(), common["timezone"]
    with output.progress("Storing", len(items)) as advance:
        for start in range(0, len(items), BATCH):
            batch = [item.message for item in items[start : start + BATCH]]
            try:
                said_at = None if timestamp is None else later(timestamp, zone, start)
                receipts += memory.add(batch, timestamp=said_at, **common)
            except MessagesRejected as error:  # all of this batch
                receipts += [Receipt("rejected", None, error.reasons.get(place)) for place in range(len(batch))]
            advance(len(batch))
    return receipts
