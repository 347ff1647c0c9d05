"""The values that loaders make and the runner reads: conversations, their questions, what was left out.

A data set lists everything that it left out or repaired, by reason and place, so that a score can
always be read beside what it was computed on.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

ExclusionReason = Literal[
    "turn without text or caption",
    "evidence string without an id",
    "evidence id of no message",
    "question without valid evidence",
]
RepairReason = Literal["evidence string read by rule", "answer was a number", "question without an answer"]


@dataclass(frozen=True, slots=True)
class Note:
    """One thing that was left out or repaired: `place` is where in which file, `value` what stood there."""

    reason: ExclusionReason | RepairReason
    place: str
    value: str

    def to_dict(self) -> dict[str, str]:
        """The note as JSON holds it."""
        return {"reason": self.reason, "place": self.place, "value": self.value}


@dataclass(frozen=True, slots=True)
class Turn:
    """One utterance. `id` is the data set's own (`D3:14`), `text` carries the caption of a shared photo.

    In a chat of a user with an assistant the speaker is the role; between two people each is a user by name.
    """

    id: str
    session_id: str
    speaker: str
    text: str
    said_at: datetime
    role: str = "user"


@dataclass(frozen=True, slots=True)
class Question:
    """One question with the ids of the turns that hold its answer.

    `evidence` names turns that exist; where it is empty, no recall can be computed. An adversarial
    question has no `answer`.
    """

    id: str
    text: str
    category: int
    evidence: tuple[str, ...]
    answer: str | None = None


@dataclass(frozen=True, slots=True)
class Conversation:
    """All turns of two speakers in the order they were said, and the questions about them."""

    id: str
    turns: tuple[Turn, ...]
    questions: tuple[Question, ...]

    def sessions(self) -> dict[str, tuple[Turn, ...]]:
        """The turns by session, in order."""
        grouped: dict[str, list[Turn]] = {}
        for turn in self.turns:
            grouped.setdefault(turn.session_id, []).append(turn)
        return {session: tuple(turns) for session, turns in grouped.items()}


@dataclass(frozen=True, slots=True)
class Dataset:
    """Conversations of one kind, with where they came from and what was left out of them.

    `files` maps each file's name to the SHA-256 of its bytes. `categories` names the numbers that
    questions carry; `groups` are the sets of categories that scores are averaged over.
    """

    name: str
    source: str
    files: Mapping[str, str]
    conversations: tuple[Conversation, ...]
    categories: Mapping[int, str]
    groups: Mapping[str, tuple[int, ...]]
    exclusions: tuple[Note, ...] = ()
    repairs: tuple[Note, ...] = ()

    @property
    def sha256(self) -> str:
        """The file's SHA-256; of several files, that of the lines `<sha256>  <name>` in name order."""
        if len(self.files) == 1:
            return next(iter(self.files.values()))
        lines = "".join(f"{digest}  {name}\n" for name, digest in sorted(self.files.items()))
        return hashlib.sha256(lines.encode()).hexdigest()

    @property
    def turns(self) -> int:
        """How many messages there are in all."""
        return sum(len(conversation.turns) for conversation in self.conversations)

    @property
    def questions(self) -> int:
        """How many questions there are in all, those without evidence included."""
        return sum(len(conversation.questions) for conversation in self.conversations)

    def to_dict(self) -> dict[str, Any]:
        """What it is and how large, as JSON holds it."""
        found = {"name": self.name, "source": self.source, "sha256": self.sha256, "files": dict(self.files)}
        return {**found, "conversations": len(self.conversations), "messages": self.turns, "questions": self.questions}


def listed(notes: Iterable[Note]) -> dict[str, Any]:
    """Notes counted by reason and in full, as JSON holds them."""
    found = list(notes)
    return {"counts": count_by_reason(found), "list": [note.to_dict() for note in found]}


def count_by_reason(notes: Iterable[Note]) -> dict[str, int]:
    """How often each reason occurs, most frequent first, then by name."""
    return dict(sorted(Counter(note.reason for note in notes).items(), key=lambda item: (-item[1], item[0])))


def score_groups(categories: Iterable[int], **unions: Iterable[int]) -> dict[str, tuple[int, ...]]:
    """A group for each category by its number, then the named unions, then "all"."""
    numbers = tuple(categories)
    groups: dict[str, tuple[int, ...]] = {str(number): (number,) for number in numbers}
    groups.update({name: tuple(members) for name, members in unions.items()})
    return {**groups, "all": numbers}
