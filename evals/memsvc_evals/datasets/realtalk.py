"""REALTALK (Lee et al. 2025, arXiv 2502.13270): one JSON file a chat, `Chat_<n>_<names>.json`.

Read: `session_N` and `qa`. Every turn has its own time, which carries no zone and is taken as UTC.
The session in a `dia_id` differs from the list that holds the turn in half of the chats: evidence
is joined by `dia_id` alone, and the session of a turn is the list that holds it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from memsvc_evals.datasets.parts import Notes, read_questions, read_turns
from memsvc_evals.datasets.reading import complain, moment, read_json, text_of
from memsvc_evals.datasets.values import Conversation, Dataset
from memsvc_evals.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

CATEGORIES = {1: "multi-hop", 2: "temporal", 3: "commonsense"}
DATE_FORM = "%d.%m.%Y, %H:%M:%S"


def load_realtalk(path: str | Path, *, limit: int | None = None) -> Dataset:
    """The chats of a REALTALK file, or of all `Chat_*.json` in a directory in the order of their numbers.

    Only the first `limit` of them, if given.

    Raises:
        DatasetError: nothing to read, or something that no stated rule repairs.
    """
    root, notes = Path(path), Notes()
    files: dict[str, str] = {}
    chats: list[Conversation] = []
    for file in _files(root)[:limit]:
        record, files[file.name] = read_json(file)
        if not isinstance(record, dict):
            raise complain(file.name, record, "a REALTALK chat, an object with 'session_1', 'session_2', ...")
        chats.append(_chat(record, file, notes))
    return notes.dataset("realtalk", root.resolve().name, files, chats, CATEGORIES)


def _files(root: Path) -> list[Path]:
    if not root.is_dir():
        return [root]
    files = sorted(root.glob("Chat_*.json"), key=_by_number)
    if not files:
        raise DatasetError(f"{root}: holds no Chat_*.json; give a REALTALK chat or the directory of several")
    return files


def _by_number(file: Path) -> tuple[int, str]:
    number = re.match(r"Chat_(\d+)", file.name)
    return (int(number[1]) if number else 0, file.name)


def _chat(record: Mapping[str, Any], file: Path, notes: Notes) -> Conversation:
    turns = read_turns(record, text="clean_text", clock=_said_at, place=file.name, notes=notes)
    questions = read_questions(
        record, conversation=file.stem, turns=turns, categories=CATEGORIES, place=file.name, notes=notes
    )
    return Conversation(file.stem, turns, questions)


def _said_at(session: str, turn: Mapping[str, Any], place: str) -> datetime:
    return moment(text_of(turn, "date_time", place), DATE_FORM, f"{place}.date_time")
