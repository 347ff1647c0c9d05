"""The turns and questions of one conversation, by the same rules for every data set.

Rules, each of which notes what it changed or left out:

- evidence strings are read with `D\\s*:?\\s*(\\d+)\\s*[:;]\\s*(\\d+)`, numbers as integers (`D30:05`
  is `D30:5`), repeats dropped, order kept; a string without any id is left out
- ids that name no message are left out; a question with none left keeps no evidence
- a number given as an answer becomes its digits; a question may lack an answer
- the text of a message is its words plus ` [shares a photo: <caption>]`, or the caption alone
- a turn without words and caption is left out
- a turn is said at the time that the data set gives, plus its position in the session in
  microseconds: order is kept, and two equal utterances of one session stay two messages

Everything else that is not as it should be raises `DatasetError`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from memsvc_evals.datasets.reading import as_list, as_object, complain, name_of, require, text_of
from memsvc_evals.datasets.values import Dataset, Note, Question, Turn, score_groups

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from memsvc_evals.datasets.values import Conversation

_EVIDENCE = re.compile(r"D\s*:?\s*(\d+)\s*[:;]\s*(\d+)")
_TURN_ID = re.compile(r"D(\d+):(\d+)")
_SESSION = re.compile(r"session_\d{1,9}")


class Clock(Protocol):
    """Knows when things were said."""

    def __call__(self, session: str, turn: Mapping[str, Any], place: str) -> datetime:
        """When the turn was said, to the second; `session` is its key, `place` where the turn stands."""
        ...


@dataclass(frozen=True, slots=True)
class Notes:
    """Collects what is left out and what is repaired while a data set is read."""

    exclusions: list[Note] = field(default_factory=list)
    repairs: list[Note] = field(default_factory=list)

    def dataset(
        self,
        name: str,
        source: str,
        files: Mapping[str, str],
        conversations: Iterable[Conversation],
        categories: Mapping[int, str],
        **unions: Iterable[int],
    ) -> Dataset:
        """All of it; scores are averaged over each category, the unions of some, and all."""
        groups = score_groups(categories, **unions)
        found = (tuple(conversations), categories, groups, tuple(self.exclusions), tuple(self.repairs))
        return Dataset(name, source, files, *found)


def evidence_ids(strings: Iterable[str]) -> tuple[str, ...]:
    """Every id in the strings, each once, in order."""
    found = (_canonical(*pair) for string in strings for pair in _EVIDENCE.findall(string))
    return tuple(dict.fromkeys(found))


def message_text(turn: Mapping[str, Any], key: str, place: str) -> str:
    """What was said, with the caption of a shared photo; empty if there is neither."""
    text, caption = text_of(turn, key, place), turn.get("blip_caption")
    if caption is not None and not isinstance(caption, str):
        raise complain(f"{place}.blip_caption", caption, "a string")
    caption = (caption or "").strip()
    if not text.strip():
        return caption
    return f"{text} [shares a photo: {caption}]" if caption else text


def read_turns(record: Mapping[str, Any], *, text: str, clock: Clock, place: str, notes: Notes) -> tuple[Turn, ...]:
    """The turns of every `session_N` list, N ascending; `text` is the key of what was said."""
    turns: list[Turn] = []
    taken: set[str] = set()
    for session in _sessions(record, place):
        for position, entry in enumerate(as_list(record[session], f"{place}.{session}")):
            spot = f"{place}.{session}[{position}]"
            turn = as_object(entry, spot)
            identity = _turn_id(turn, taken, spot)
            taken.add(identity)
            said = message_text(turn, text, spot)
            if not said:
                notes.exclusions.append(Note("turn without text or caption", spot, identity))
                continue
            said_at = clock(session, turn, spot) + timedelta(microseconds=position)
            turns.append(Turn(identity, session, name_of(turn, "speaker", spot), said, said_at))
    return tuple(turns)


def read_questions(
    record: Mapping[str, Any],
    *,
    conversation: str,
    turns: Iterable[Turn],
    categories: Collection[int],
    place: str,
    notes: Notes,
) -> tuple[Question, ...]:
    """The entries of `qa`, in order; a question's id is `<conversation>/q<index>`."""
    known = {turn.id for turn in turns}
    return tuple(
        _question(entry, f"{conversation}/q{index}", known, categories, f"{place}.qa[{index}]", notes)
        for index, entry in enumerate(as_list(require(record, "qa", place), f"{place}.qa"))
    )


def _question(
    entry: object, identity: str, known: Collection[str], categories: Collection[int], place: str, notes: Notes
) -> Question:
    record = as_object(entry, place)
    category = require(record, "category", place)
    if isinstance(category, bool) or not isinstance(category, int) or category not in categories:
        raise complain(f"{place}.category", category, f"one of {sorted(categories)}")
    answer = _answer(record, "answer", place, notes)
    trap = _answer(record, "adversarial_answer", place, notes)
    if answer is None and trap is None:
        notes.repairs.append(Note("question without an answer", place, identity))
    return Question(
        id=identity,
        text=name_of(record, "question", place),
        category=category,
        evidence=_evidence(as_list(require(record, "evidence", place), f"{place}.evidence"), known, place, notes),
        answer=answer,
    )


def _evidence(values: list[Any], known: Collection[str], place: str, notes: Notes) -> tuple[str, ...]:
    for position, value in enumerate(values):
        spot = f"{place}.evidence[{position}]"
        if not isinstance(value, str):
            raise complain(spot, value, "a string with ids like 'D3:14'")
        ids = evidence_ids([value])
        if not ids:
            notes.exclusions.append(Note("evidence string without an id", spot, value))
        elif value != ids[0]:
            notes.repairs.append(Note("evidence string read by rule", spot, value))
    ids = evidence_ids(values)
    for unknown in (found for found in ids if found not in known):
        notes.exclusions.append(Note("evidence id of no message", f"{place}.evidence", unknown))
    valid = tuple(found for found in ids if found in known)
    if not valid:
        notes.exclusions.append(Note("question without valid evidence", place, "; ".join(values)))
    return valid


def _answer(record: Mapping[str, Any], key: str, place: str, notes: Notes) -> str | None:
    value = record.get(key)
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise complain(f"{place}.{key}", value, "a string or a number")
    notes.repairs.append(Note("answer was a number", f"{place}.{key}", str(value)))
    return str(value)


def _sessions(record: Mapping[str, Any], place: str) -> list[str]:
    # By the lists, not by their dates: conv-26 has sixteen dates without a session.
    keys = sorted((key for key in record if _SESSION.fullmatch(key)), key=lambda key: int(key.split("_")[1]))
    if not keys:
        raise complain(place, sorted(record), "an object with 'session_1', 'session_2', ...")
    return keys


def _turn_id(turn: Mapping[str, Any], taken: Collection[str], place: str) -> str:
    value = text_of(turn, "dia_id", place)
    match = _TURN_ID.fullmatch(value.strip())
    if match is None:
        raise complain(f"{place}.dia_id", value, "an id like 'D3:14'")
    found = _canonical(*match.groups())
    if found in taken:
        raise complain(f"{place}.dia_id", value, "an id that no other turn of the conversation has")
    return found


def _canonical(session: str, turn: str) -> str:
    return f"D{session.lstrip('0') or '0'}:{turn.lstrip('0') or '0'}"
