"""Two people chatting: LoCoMo, and REALTALK in nearly its form.

LoCoMo (Maharana et al. 2024, arXiv 2402.17753) is one JSON file with a list of conversations. Read: `session_N`,
`session_N_date_time` and `qa`. Never read: `query`, which leaks answers, and `observation`, `event_summary` and
`session_summary`, which a model or an annotator made from the conversation. A turn is said at the date of its session,
which carries no zone and is taken as UTC.

REALTALK (Lee et al. 2025, arXiv 2502.13270) is one JSON file a chat, `Chat_<n>_<names>.json`. Read: `session_N` and
`qa`. Every turn has its own time, which carries no zone and is taken as UTC. The session in a `dia_id` differs from the
list that holds the turn in half of the chats: evidence is joined by `dia_id` alone, and the session of a turn is the
list that holds it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from memsvc_evals.datasets.parts import Notes, read_questions, read_turns
from memsvc_evals.datasets.reading import as_object, complain, moment, name_of, read_json, require, text_of
from memsvc_evals.datasets.values import Conversation
from memsvc_evals.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from memsvc_evals.datasets.values import Dataset

LOCOMO_CATEGORIES = {1: "multi-hop", 2: "temporal", 3: "open-domain", 4: "single-hop", 5: "adversarial"}
"""As the paper's own statistics have them; other projects permute these names."""
REALTALK_CATEGORIES = {1: "multi-hop", 2: "temporal", 3: "commonsense"}
_SESSION_DATE = "%I:%M %p on %d %B, %Y"  # LoCoMo's
_TURN_DATE = "%d.%m.%Y, %H:%M:%S"  # REALTALK's


def load_locomo(path: str | Path, *, limit: int | None = None) -> Dataset:
    """The conversations of a LoCoMo file; only the first `limit` of them, if given.

    Raises:
        DatasetError: the file cannot be read, or holds something that no stated rule repairs.
    """
    file, notes = Path(path), Notes()
    records, digest = read_json(file)
    if not isinstance(records, list) or not records:
        raise complain(str(file), records, "a list of conversations, as in locomo10.json")
    conversations: dict[str, Conversation] = {}
    for index, record in enumerate(records[:limit]):
        place = f"{file.name}[{index}]"
        conversation = _conversation(as_object(record, place), place, notes)
        if conversation.id in conversations:
            raise complain(f"{place}.sample_id", conversation.id, "an id that no other conversation has")
        conversations[conversation.id] = conversation
    unions = {"1-4": (1, 2, 3, 4)}
    return notes.dataset("locomo", file.name, {file.name: digest}, conversations.values(), LOCOMO_CATEGORIES, **unions)


def _conversation(record: Mapping[str, Any], place: str, notes: Notes) -> Conversation:
    name = name_of(record, "sample_id", place)
    inside = f"{place}.conversation"
    sessions = as_object(require(record, "conversation", place), inside)

    def clock(session: str, turn: Mapping[str, Any], place: str) -> datetime:
        key = f"{session}_date_time"
        return moment(text_of(sessions, key, inside), _SESSION_DATE, f"{inside}.{key}")

    turns = read_turns(sessions, text="text", clock=clock, place=inside, notes=notes)
    questions = read_questions(
        record, conversation=name, turns=turns, categories=LOCOMO_CATEGORIES, place=place, notes=notes
    )
    return Conversation(name, turns, questions)


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
    return notes.dataset("realtalk", root.resolve().name, files, chats, REALTALK_CATEGORIES)


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
        record, conversation=file.stem, turns=turns, categories=REALTALK_CATEGORIES, place=file.name, notes=notes
    )
    return Conversation(file.stem, turns, questions)


def _said_at(session: str, turn: Mapping[str, Any], place: str) -> datetime:
    return moment(text_of(turn, "date_time", place), _TURN_DATE, f"{place}.date_time")
