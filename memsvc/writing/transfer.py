"""Export and import: JSON lines, one header, then one line a message, then one line a fact, then one line an episode.

The raw message travels with its memory's correction, if it has one, and with its write key, and so does an episode, and
with the intent that it shares with similar ones; a fact travels with the ids of its messages. Ids follow from the
contents, so they are the same after an import, and importing twice stores once. What was deleted or retired is not
exported, nor is what was learned: traces and feedback belong to the database that gave the answers.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from itertools import groupby, islice
from typing import TYPE_CHECKING, Any

from memsvc.checks import checked_id, checked_metadata, checked_name, checked_occurrence, checked_text
from memsvc.episodes.attempts import checked_outcome, checked_trajectory
from memsvc.errors import InvalidInput, InvalidMessage
from memsvc.writing.messages import as_came, with_hyperedge
from memsvc_store.errors import shown
from memsvc_store.values.clock import parse_timestamp
from memsvc_store.values.drafts import Draft, EpisodeDraft, Fact
from memsvc_store.values.memories import EXPERIENCE_BY, FACT_BY, Message, Node
from memsvc_store.values.nodes import INTENT, hyperedge
from memsvc_store.writing.episodes import intents, own_intent
from memsvc_store.writing.writes import checked_interval, draft_id

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from memsvc_store.values.memories import Episode, Memory

    Item = Draft | Fact | EpisodeDraft

FORMAT = 5
"""Since 2 there are lines of facts, since 3 of episodes, since 4 equal messages and echoes, since 5 facts of the
caller, metadata that were changed, and what expires; older ones are read."""


def write(namespace: str, records: Iterable[tuple[Message | Episode | None, Memory, str | None]]) -> Iterator[str]:
    """The lines of an export."""
    yield json.dumps({"memsvc_export": FORMAT, "namespace": namespace}, ensure_ascii=False)
    for origin, memory, key in records:
        if origin is None:
            yield fact_line(memory)
        elif isinstance(origin, Message):
            yield line(origin, memory, key)
        else:
            yield episode_line(origin, key)


def line(message: Message, memory: Memory, key: str | None) -> str:
    """One message as a line."""
    record: dict[str, Any] = {
        "id": message.id, "session_id": message.session_id, "role": message.role, "name": message.speaker,
        "content": message.text, "timestamp": message.said_at.isoformat(),
    }  # fmt: skip
    if key is not None:
        record["key"] = key
    if message.occurrence:
        record["occurrence"] = message.occurrence
    if memory.echo_of is not None:
        record["echo_of"] = memory.echo_of
    if message.metadata:
        record["metadata"] = dict(message.metadata)
    if memory.metadata != as_came(message.metadata)["metadata"]:
        record["corrected_metadata"] = dict(memory.metadata)
    return json.dumps(record | _changed(memory, message.text, message.said_at) | _ends(memory), ensure_ascii=False)


def fact_line(fact: Memory) -> str:
    """One fact as a line."""
    record: dict[str, Any] = {
        "id": fact.id, "fact": fact.text, "sources": fact.sources, "session_id": fact.session_id,
        "name": fact.speaker, "valid_from": fact.valid_from.isoformat(),
    }  # fmt: skip
    if fact.valid_to is not None:
        record["valid_to"] = fact.valid_to.isoformat()
    if fact.metadata:
        record["metadata"] = dict(fact.metadata)
    if fact.fact_by != "model":
        record["fact_by"] = fact.fact_by
    return json.dumps(record | _ends(fact), ensure_ascii=False)


def episode_line(episode: Episode, key: str | None) -> str:
    """One episode as a line."""
    memory = episode.memory
    record: dict[str, Any] = {
        "id": episode.id, "episode": episode.intent, "trajectory": episode.trajectory, "session_id": memory.session_id,
        "name": memory.speaker, "timestamp": episode.happened_at.isoformat(), "experience": episode.experience,
        "experience_by": episode.experience_by,
    }  # fmt: skip
    nth = episode.occurrence or None
    for field, value in (("reward", episode.reward), ("success", episode.success), ("key", key), ("occurrence", nth)):
        if value is not None:
            record[field] = value
    if memory.metadata:
        record["metadata"] = dict(memory.metadata)
    for node in intents(memory.entities):
        if node != own_intent(memory.text):  # it was put to a similar intent
            record["intent"] = node.name
    changed = _changed(memory, episode.intent, episode.happened_at)
    return json.dumps(record | changed | _ends(memory), ensure_ascii=False)


def _changed(memory: Memory, text: str, at: datetime) -> dict[str, Any]:
    """What was corrected in a memory since it was stored with this text and time."""
    found: dict[str, Any] = {}
    if memory.text != text:
        found["corrected"] = memory.text
    if memory.valid_from != at:
        found["valid_from"] = memory.valid_from.isoformat()
    if memory.valid_to is not None:
        found["valid_to"] = memory.valid_to.isoformat()
    return found


def _ends(memory: Memory) -> dict[str, Any]:
    return {} if memory.expires_at is None else {"expires_at": memory.expires_at.isoformat()}


def batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """What was read, in order, in batches of one kind each."""
    for _, run in groupby(items, type):
        while batch := list(islice(run, size)):
            yield batch


def moved(fact: Fact, ids: Mapping[str, str]) -> Fact:
    """A fact with the ids that its messages have here: one that was stored under its write key before has another."""
    given = [ids.get(source, source) for source in fact.sources]  # by the names that they have here
    return replace(fact, sources=tuple(ids.get(source, source) for source in given))


def read(
    lines: Iterable[str], max_text_chars: int, max_trajectory_chars: int, ids: dict[str, str] | None = None
) -> Iterator[Item]:
    """The messages, facts and episodes of an export, in order.

    Args:
        ids: gathers the ids that messages had where they come from, each with the one that it gets here.

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
            elif "fact" in record:
                yield _fact(record, max_text_chars)
            elif "episode" in record:
                yield _episode(record, max_text_chars, max_trajectory_chars)
            else:
                draft = with_hyperedge(_draft(record, max_text_chars))
                if ids is not None and isinstance(record.get("id"), str):
                    ids[record["id"]] = draft_id(draft)
                yield draft
        except KeyError as error:
            raise InvalidMessage(f"line {number} lacks {error}; is it an export of memsvc?") from error
        except InvalidInput as error:  # before ValueError, which it is as well
            raise type(error)(f"line {number}: {error}") from error
        except (ValueError, RecursionError) as error:
            raise InvalidMessage(f"line {number} is not JSON ({error}); is the file whole?") from error
    if not number:
        raise InvalidMessage("an empty file came, which is no export; give a file that `export` wrote")


def _check_header(record: dict[str, Any]) -> None:
    if record.get("memsvc_export") not in range(1, FORMAT + 1):
        raise InvalidMessage(
            f"the first line is not the header of an export of format 1 to {FORMAT}; give a file that `export` wrote"
        )


def _moment(record: dict[str, Any], field: str) -> datetime | None:
    return None if record.get(field) is None else parse_timestamp(record[field])


def _draft(record: dict[str, Any], max_text_chars: int) -> Draft:
    corrected, key, echo_of = record.get("corrected"), record.get("key"), record.get("echo_of")
    said_at, valid_to = parse_timestamp(record["timestamp"]), _moment(record, "valid_to")
    valid_from = _moment(record, "valid_from")
    checked_interval(valid_from or said_at, valid_to)
    return Draft(
        text=checked_text(record["content"], max_text_chars),
        speaker=checked_name("name", record["name"]),
        role=checked_name("role", record["role"]),
        session_id=checked_name("session_id", record["session_id"]),
        said_at=said_at,
        key=None if key is None else checked_name("key", key),
        occurrence=checked_occurrence(record.get("occurrence", 0)),
        echo_of=None if echo_of is None else checked_id(echo_of),
        corrected=None if corrected is None else checked_text(corrected, max_text_chars),
        valid_from=valid_from,
        valid_to=valid_to,
        expires_at=_moment(record, "expires_at"),
        **_known(record),
    )


def _known(record: dict[str, Any]) -> dict[str, Any]:
    """A message's metadata as they are now, and as they came where those are others (`Draft`)."""
    came = checked_metadata(record.get("metadata"))
    if record.get("corrected_metadata") is None:
        return as_came(came)
    return {"metadata": checked_metadata(record["corrected_metadata"]), "verbatim": came}


def _fact(record: dict[str, Any], max_text_chars: int) -> Fact:
    text, speaker = checked_text(record["fact"], max_text_chars, "fact"), checked_name("name", record["name"])
    session_id, sources = checked_name("session_id", record["session_id"]), record["sources"]
    valid_from, valid_to = parse_timestamp(record["valid_from"]), _moment(record, "valid_to")
    checked_interval(valid_from, valid_to)
    by = record.get("fact_by", "model")
    if by not in FACT_BY:
        raise InvalidMessage(f"'fact_by' came as {shown(by)}; give one of {', '.join(FACT_BY)}")
    if not isinstance(sources, list) or (not sources and by == "model"):
        raise InvalidMessage(f"'sources' came as {shown(sources)}; give a list of at least one message id")
    return Fact(
        text=text,
        sources=tuple(checked_id(source) for source in sources),
        speaker=speaker,
        session_id=session_id,
        valid_from=valid_from,
        valid_to=valid_to,
        expires_at=_moment(record, "expires_at"),
        entities=hyperedge(text, speaker, session_id, valid_from.date()),
        metadata=checked_metadata(record.get("metadata")),
        by=by,
    )


def _episode(record: dict[str, Any], max_text_chars: int, max_trajectory_chars: int) -> EpisodeDraft:
    corrected, key, shared = record.get("corrected"), record.get("key"), record.get("intent")
    happened_at, valid_to = parse_timestamp(record["timestamp"]), _moment(record, "valid_to")
    valid_from = _moment(record, "valid_from")
    checked_interval(valid_from or happened_at, valid_to)
    if record["experience_by"] not in EXPERIENCE_BY:
        raise InvalidMessage(
            f"'experience_by' came as {shown(record['experience_by'])}; give one of {', '.join(EXPERIENCE_BY)}"
        )
    reward, success = checked_outcome(record.get("reward"), record.get("success"))
    draft = EpisodeDraft(
        intent=checked_text(record["episode"], max_text_chars, "episode"),
        trajectory=checked_trajectory(record["trajectory"], max_trajectory_chars),
        experience=_experience(record, max_text_chars),
        experience_by=record["experience_by"],
        session_id=checked_name("session_id", record["session_id"]),
        happened_at=happened_at,
        reward=reward,
        success=success,
        speaker=checked_name("name", record["name"]),
        key=None if key is None else checked_name("key", key),
        occurrence=checked_occurrence(record.get("occurrence", 0)),
        metadata=checked_metadata(record.get("metadata")),
        corrected=None if corrected is None else checked_text(corrected, max_text_chars),
        valid_from=valid_from,
        valid_to=valid_to,
        expires_at=_moment(record, "expires_at"),
    )
    nodes = hyperedge(draft.memory_text, draft.speaker, draft.session_id, (valid_from or happened_at).date())
    intent = () if shared is None else (Node(INTENT, checked_name("intent", shared)),)
    return replace(draft, entities=(*nodes, *intent))


def _experience(record: dict[str, Any], max_text_chars: int) -> str:
    """What a rule or a model wrote is as long as they write; the limit is for callers, as it was with `add_episode`."""
    text = record["experience"]
    limit = max_text_chars if record["experience_by"] == "caller" or not isinstance(text, str) else len(text)
    return checked_text(text, limit, "experience")
