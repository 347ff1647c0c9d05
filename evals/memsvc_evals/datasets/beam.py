"""BEAM (Tavakoli et al. 2025, "Beyond a Million Tokens"): a folder a chat, a user with an assistant, long messages.

    100K/1/chat.json                blocks of turns of messages: role, id, content, sometimes time_anchor
    100K/1/probing_questions.json   ten kinds of question, most with the ids of the messages that hold the answer

A block is a session. A message is said at the latest anchor (a day) before it, plus its position in microseconds. What
follows `->->` in a user's message is the data set's own annotation and is cut off.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from memsvc_evals.datasets.parts import Notes
from memsvc_evals.datasets.reading import as_list, as_object, complain, moment, read_json, require, text_of
from memsvc_evals.datasets.values import Conversation, Dataset, Note, Question, Turn
from memsvc_evals.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

CHAT, QUESTIONS = "chat.json", "probing_questions.json"
CATEGORIES = dict(
    enumerate(
        (
            "abstention", "contradiction_resolution", "event_ordering", "information_extraction",
            "instruction_following", "knowledge_update", "multi_session_reasoning", "preference_following",
            "summarization", "temporal_reasoning",
        ),
        start=1,
    )
)  # fmt: skip
ANNOTATION = "->->"
ANCHOR_FORM = "%B-%d-%Y"
_ROLES = ("user", "assistant")
_UNDATED = datetime(2024, 1, 1, tzinfo=UTC)
"""Of what stands before the first anchor."""


def load_beam(path: str | Path, *, limit: int | None = None) -> Dataset:
    """The chats of a BEAM folder such as `100K`, in the order of their numbers, or one chat's folder.

    Only the first `limit` of them, if given.

    Raises:
        DatasetError: nothing to read, or something that is not of this form.
    """
    root, notes = Path(path), Notes()
    files: dict[str, str] = {}
    chats: list[Conversation] = []
    for folder in _folders(root)[:limit]:
        chat, files[f"{folder.name}/{CHAT}"] = read_json(folder / CHAT)
        asked, files[f"{folder.name}/{QUESTIONS}"] = read_json(folder / QUESTIONS)
        turns = tuple(_turns(as_list(chat, f"{folder.name}/{CHAT}"), f"{folder.name}/{CHAT}", notes))
        known = {turn.id for turn in turns}
        questions = tuple(_questions(as_object(asked, f"{folder.name}/{QUESTIONS}"), folder.name, known, notes))
        chats.append(Conversation(folder.name, turns, questions))
    return notes.dataset("beam", root.resolve().name, files, chats, CATEGORIES)


def _folders(root: Path) -> list[Path]:
    if (root / CHAT).is_file():
        return [root]
    found = sorted(root.glob(f"*/{CHAT}"), key=lambda file: (len(file.parent.name), file.parent.name))
    if not found:
        raise DatasetError(f"{root}: holds no <number>/{CHAT}; give a folder of BEAM chats, such as BEAM/chats/100K")
    return [file.parent for file in found]


def _turns(blocks: list[Any], place: str, notes: Notes) -> Iterator[Turn]:
    day, seen = _UNDATED, set[str]()
    for number, block in enumerate(blocks, start=1):
        where = f"{place}[{number}]"
        messages = [one for turn in as_list(require(as_object(block, where), "turns", where), where) for one in turn]
        for position, one in enumerate(messages):
            message, at = as_object(one, where), f"{where}, message {position + 1}"
            if (anchor := message.get("time_anchor")) is not None:
                day = moment(str(anchor), ANCHOR_FORM, at)
            name = str(require(message, "id", at))
            if name in seen:
                raise complain(at, name, "an id that no message before it has")
            seen.add(name)
            if (role := text_of(message, "role", at)) not in _ROLES:
                raise complain(at, role, " or ".join(_ROLES))
            text = text_of(message, "content", at).partition(ANNOTATION)[0].strip()
            if not text:
                notes.exclusions.append(Note("turn without text or caption", at, name))
                continue
            yield Turn(name, f"block_{number}", role, text, day + timedelta(microseconds=position), role=role)


def _questions(asked: Mapping[str, Any], chat: str, known: set[str], notes: Notes) -> Iterator[Question]:
    numbers = {name: number for number, name in CATEGORIES.items()}
    for kind, questions in asked.items():
        if kind not in numbers:
            raise complain(f"{chat}/{QUESTIONS}", kind, f"one of {', '.join(numbers)}")
        for position, record in enumerate(as_list(questions, f"{chat}/{QUESTIONS}.{kind}"), start=1):
            place = f"{chat}/{QUESTIONS}.{kind}[{position}]"
            question = as_object(record, place)
            named = tuple(dict.fromkeys(_flattened(question.get("source_chat_ids"))))
            notes.exclusions.extend(Note("evidence id of no message", place, one) for one in named if one not in known)
            evidence = tuple(one for one in named if one in known)
            if not evidence:
                notes.exclusions.append(Note("question without valid evidence", place, kind))
            answer = question.get("answer", question.get("ideal_answer"))
            yield Question(
                f"{chat}/{kind}-{position}", text_of(question, "question", place), numbers[kind], evidence,
                None if answer is None else str(answer),
            )  # fmt: skip


def _flattened(value: object) -> Iterator[str]:
    """Ids in whatever they are wrapped: a number, a text, a list, an object of lists."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from _flattened(one)
    elif value is not None:
        yield str(value)
