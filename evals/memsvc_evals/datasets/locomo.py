"""LoCoMo (Maharana et al. 2024, arXiv 2402.17753): one JSON file with a list of conversations.

Read: `session_N`, `session_N_date_time` and `qa`. Never read: `query`, which leaks answers, and
`observation`, `event_summary` and `session_summary`, which a model or an annotator made from the
conversation. A turn is said at the date of its session, which carries no zone and is taken as UTC.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from memsvc_evals.datasets.parts import Notes, read_questions, read_turns
from memsvc_evals.datasets.reading import as_object, complain, moment, name_of, read_json, require, text_of
from memsvc_evals.datasets.values import Conversation, Dataset

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

CATEGORIES = {1: "multi-hop", 2: "temporal", 3: "open-domain", 4: "single-hop", 5: "adversarial"}
"""As the paper's own statistics have them; other projects permute these names."""
DATE_FORM = "%I:%M %p on %d %B, %Y"


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
    return notes.dataset("locomo", file.name, {file.name: digest}, conversations.values(), CATEGORIES, **unions)


def _conversation(record: Mapping[str, Any], place: str, notes: Notes) -> Conversation:
    name = name_of(record, "sample_id", place)
    inside = f"{place}.conversation"
    sessions = as_object(require(record, "conversation", place), inside)

    def clock(session: str, turn: Mapping[str, Any], place: str) -> datetime:
        key = f"{session}_date_time"
        return moment(text_of(sessions, key, inside), DATE_FORM, f"{inside}.{key}")

    turns = read_turns(sessions, text="text", clock=clock, place=inside, notes=notes)
    questions = read_questions(record, conversation=name, turns=turns, categories=CATEGORIES, place=place, notes=notes)
    return Conversation(name, turns, questions)
