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


@options.takes("add", "messages")
def add(
    text: Annotated[str | None, typer.Argument(help="What was said.", show_default=False)] = None,
    file: Annotated[
        str | None,
        typer.Option(
            "--file", "-f", metavar="FILE",
            help="Messages from a file, or from stdin with '-': one JSON message a line, or one JSON list.",
        ),
    ] = None,
    metadata: Annotated[
        list[str] | None,
        typer.Option(
            "--metadata", metavar="KEY=VALUE", help="What else is known of it, or a JSON object. May be repeated."
        ),
    ] = None,
    namespace: options.Namespace = options.DEFAULT_NAMESPACE,
    db: options.Db = None,
    json: options.Json = False,
    **given: Any,
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
    given |= {"namespace": namespace, "metadata": read_metadata(metadata) if metadata else None}
    if text is not None:
        with opened(db, create=True) as memory:
            receipts = memory.add(text, **given)
        report(namespace, receipts, ["message"], json=json)
        return
    assert file is not None, "it was one of the two"
    items = read_messages(file, given.pop("key", None), facts=given["kind"] == "fact")
    with opened(db, create=True) as memory:
        receipts = (_add_strictly if given["strict"] else _add_all)(memory, items, given)
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


def _add_strictly(memory: "Opened", items: Sequence[Item], given: Mapping[str, Any]) -> "Receipts":
    """One write; exits with 1, and nothing stored, if a message is rejected."""
    from memsvc import MessagesRejected

    try:
        return memory.add([item.message for item in items], **given)
    except MessagesRejected as error:
        list_rejected({items[place].place: reason for place, reason in error.reasons.items()})
        output.error(f"{len(error.reasons):,} of {len(items):,} messages were rejected; nothing was stored")
        raise typer.Exit(1) from error


def _add_all(memory: "Opened", items: Sequence[Item], given: Mapping[str, Any]) -> "Receipts":
    """Batches: each is on disk before the next begins, so that an interrupted run loses one at most."""
    from memsvc import MessagesRejected, Receipt, Receipts
    from memsvc.times import later

    receipts, timestamp, zone = Receipts(), given.get("timestamp"), given.get("timezone")
    with output.progress("Storing", len(items)) as advance:
        for start in range(0, len(items), BATCH):
            batch = [item.message for item in items[start : start + BATCH]]
            try:
                said_at = None if timestamp is None else later(timestamp, zone, start)
                receipts += memory.add(batch, **{**given, "timestamp": said_at})
            except MessagesRejected as error:  # all of this batch
                receipts += [Receipt("rejected", None, error.reasons.get(place)) for place in range(len(batch))]
            advance(len(batch))
    return receipts
