"""Export and import: JSON lines, one header and then one line a message.

The raw message travels with its memory's correction, if it has one, and with its write key. Ids
follow from the contents, so they are the same after an import, and importing twice stores once.
What was deleted is not exported.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from memsvc.errors import InvalidInput, InvalidMessage
from memsvc.ingest import checked_metadata, checked_name, checked_text, with_hyperedge
from memsvc_store.clock import parse_timestamp
from memsvc_store.shapes import Draft
from memsvc_store.writes import checked_interval

if TYPE_CHECKING:
    from collections.abc import Iterator

    from memsvc_store.shapes import Memory, Message

FORMAT = 1


def write(namespace: str, records: Iterable[tuple[Message, Memory, str | None]]) -> Iterator[str]:
    """The lines of an export."""
    yield json.dumps({"memsvc_export": FORMAT, "namespace": namespace}, ensure_ascii=False)
    for message, memory, key in records:
        yield line(message, memory, key)


def line(message: Message, memory: Memory, key: str | None) -> str:
    """One message as a line."""
    record: dict[str, Any] = {
        "id": message.id, "session_id": message.session_id, "role": message.role, "name": message.speaker,
        "content": message.text, "timestamp": message.said_at.isoformat(),
    }  # fmt: skip
    if key is not None:
        record["key"] = key
    if message.metadata:
        record["metadata"] = dict(message.metadata)
    if memory.text != message.text:
        record["corrected"] = memory.text
    if memory.valid_from != message.said_at:
        record["valid_from"] = memory.valid_from.isoformat()
    if memory.valid_to is not None:
        record["valid_to"] = memory.valid_to.isoformat()
    return json.dumps(record, ensure_ascii=False)


def read(lines: Iterable[str], max_text_chars: int) -> Iterator[Draft]:
    """The drafts of an export, in order.

    Raises:
        InvalidInput: naming the line. Lines before it may be stored already;
            importing the corrected file again stores nothing twice.
    """
    if isinstance(lines, str | bytes) or not isinstance(lines, Iterable):
        raise InvalidMessage(f"an export came as {type(lines).__name__}; give its lines, such as an open file")
    number = 0
    for number, text in enumerate(lines, 1):
        if not text.strip():
            continue
        try:
            record = json.loads(text)
            if not isinstance(record, dict):
                raise InvalidMessage(f"{type(record).__name__} came; each line is one JSON object")
            if number == 1:
                _check_header(record)
            else:
                yield with_hyperedge(_draft(record, max_text_chars))
        except KeyError as error:
            raise InvalidMessage(f"line {number} lacks {error}; is it an export of memsvc?") from error
        except InvalidInput as error:  # before ValueError, which it is as well
            raise type(error)(f"line {number}: {error}") from error
        except (ValueError, RecursionError) as error:
            raise InvalidMessage(f"line {number} is not JSON ({error}); is the file whole?") from error
    if not number:
        raise InvalidMessage("an empty file came, which is no export; give a file that `export` wrote")


def _check_header(record: dict[str, Any]) -> None:
    if record.get("memsvc_export") != FORMAT:
        raise InvalidMessage(
            f"the first line is not the header of an export of format {FORMAT}; give a file that `export` wrote"
        )


def _draft(record: dict[str, Any], max_text_chars: int) -> Draft:
    def moment(field: str) -> Any:
        return None if record.get(field) is None else parse_timestamp(record[field])

    corrected, key = record.get("corrected"), record.get("key")
    said_at, valid_from, valid_to = parse_timestamp(record["timestamp"]), moment("valid_from"), moment("valid_to")
    checked_interval(valid_from or said_at, valid_to)
    return Draft(
        text=checked_text(record["content"], max_text_chars),
        speaker=checked_name("name", record["name"]),
        role=checked_name("role", record["role"]),
        session_id=checked_name("session_id", record["session_id"]),
        said_at=said_at,
        key=None if key is None else checked_name("key", key),
        metadata=checked_metadata(record.get("metadata")),
        corrected=None if corrected is None else checked_text(corrected, max_text_chars),
        valid_from=valid_from,
        valid_to=valid_to,
    )
