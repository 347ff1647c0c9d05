"""What is to be written, before it has a place, and the receipt of what became of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from memsvc_store.values.document import Value

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


from memsvc_store.values.memories import ExperienceBy, FactBy, Node, Trajectory


@dataclass(frozen=True, slots=True)
class Draft:
    """A message on its way into the store, checked but not yet written.

    `key` is the writer's own name for it: a second write under the same key is a duplicate. Where the key tells
    nothing, `occurrence` says which one it is of several with the same session, speaker, text and time, counted from 0;
    None: the next of them in this call. `anew`: none of those that are there already, whatever it says.
    `timed`: its time was given with it. `echo_of` is the memory that it repeats, if its session was just given that.
    `vector` belongs to the model that the write names; None leaves the memory to be embedded
    later. `corrected`, `valid_from` and `valid_to` are set when an export is read back and the
    memory had been changed since it was said; the raw log still gets `text` and `said_at`. It gets `verbatim` in the
    place of `metadata` where that is set: what look-ups give is then lighter.
    """

    text: str
    speaker: str
    role: str
    session_id: str
    said_at: datetime
    entities: tuple[Node, ...] = ()
    vector: "NDArray[np.float32] | None" = None
    key: str | None = None
    occurrence: int | None = None
    anew: bool = False
    timed: bool = True
    echo_of: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    verbatim: Mapping[str, Any] | None = None
    corrected: str | None = None
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    expires_at: datetime | None = None

    @property
    def memory_text(self) -> str:
        """The text that look-ups see."""
        return self.text if self.corrected is None else self.corrected


@dataclass(frozen=True, slots=True)
class Fact:
    """What was worked out, on its way into the store. Its id follows from `text` and `sources`.

    `sources` are ids of live messages, at least one where a model worked it out (`by`). `speaker`, `session_id` and
    `valid_from` are those of the one said last, unless the caller says otherwise. `replaces` are ids of facts that are
    retired because this one says what is true now.
    """

    text: str
    sources: tuple[str, ...]
    speaker: str
    session_id: str
    valid_from: datetime
    valid_to: datetime | None = None
    entities: tuple[Node, ...] = ()
    vector: "NDArray[np.float32] | None" = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    replaces: tuple[str, ...] = ()
    by: FactBy = "model"
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class EpisodeDraft:
    """A task attempt on its way into the store. Its id follows from intent, trajectory, outcome and time.

    `intent` is what was asked: the text of its memory, which look-ups see. `trajectory` is what was done, verbatim: a
    text, or a list of what JSON can hold. `experience` is what to take from it, `experience_by` whom it is from.
    `key`, `occurrence`, `anew`, `vector`, `corrected`, `valid_from` and `valid_to` are as in `Draft`.
    """

    intent: str
    trajectory: Trajectory
    experience: str
    experience_by: ExperienceBy
    session_id: str
    happened_at: datetime
    reward: float | None = None
    success: bool | None = None
    speaker: str = "agent"
    entities: tuple[Node, ...] = ()
    vector: "NDArray[np.float32] | None" = None
    key: str | None = None
    occurrence: int | None = None
    anew: bool = False
    metadata: Mapping[str, Any] = field(default_factory=dict)
    corrected: str | None = None
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    expires_at: datetime | None = None

    @property
    def memory_text(self) -> str:
        """The text that look-ups see."""
        return self.intent if self.corrected is None else self.corrected


@dataclass(frozen=True, slots=True)
class Receipt(Value):
    """What a write did with one message, fact or episode, in the order given.

    `stored`: it is on disk under `id`. `duplicate`: it was written before, under `id`; if it was deleted since, it
    stays deleted and `reason` says so. `echo`: it is on disk under `id`, and has no place in the ranking of look-ups,
    since it repeats the memory `echo_of`, which a look-up had just given its session. `rejected`: it was not stored,
    and `reason` says why.
    """

    status: Literal["stored", "duplicate", "echo", "rejected"]
    id: str | None = None
    reason: str | None = None
    echo_of: str | None = None
