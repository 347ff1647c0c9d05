"""What a study works in: a memory in this process's own memory, a clock that it turns, vectors made ahead."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from memsvc import Memory, Settings
from memsvc_evals.errors import MeasurementError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from memsvc_retrievers.protocols import Embedder, Purpose

    Vectors = Mapping[Purpose, Mapping[str, NDArray[np.float32]]]

_START = datetime(2026, 1, 1, tzinfo=UTC)
_ATTEMPT = timedelta(seconds=10)
_EPOCH = timedelta(days=1)


@dataclass(slots=True)
class Clock:
    """The time of a study: an attempt takes seconds, and epochs are days apart.

    So that times don't depend on the machine, and that an epoch is a window of its own for the cap on what one source
    may move (`feedback_window`, 24 hours).
    """

    now: datetime = field(default=_START)

    def attempt(self) -> None:
        """The time of the next attempt."""
        self.now += _ATTEMPT

    def epoch(self) -> None:
        """The time at which the next epoch begins."""
        self.now += _EPOCH


@contextmanager
def opened(embedder: Embedder, clock: Clock, **settings: Any) -> Iterator[Memory]:
    """An empty memory, gone at the end. Settings that are not named have their defaults, whatever the user's are."""
    defaults = {name: one.get_default(call_default_factory=True) for name, one in Settings.model_fields.items()}
    chosen = Settings.model_construct(**{**defaults, **settings})
    with Memory.open(":memory:", embedder=embedder, settings=chosen, now=lambda: clock.now) as memory:
        yield memory


class Ahead:
    """An embedder of texts that were embedded ahead: it needs no model, and another process can be given it."""

    def __init__(self, model: str, dimension: int, vectors: Vectors) -> None:
        self.model, self.dimension = model, dimension
        self._vectors = vectors

    def embed(self, texts: Sequence[str], *, purpose: Purpose = "document") -> NDArray[np.float32]:
        """The rows of the texts.

        Raises:
            MeasurementError: a text that was not embedded ahead, which is a fault of the study.
        """
        known = self._vectors[purpose]
        if unknown := [text for text in texts if text not in known]:
            raise MeasurementError(f"{unknown[0][:80]!r} was not embedded ahead as a {purpose}")
        rows = [known[text] for text in texts]
        return np.asarray(rows, dtype=np.float32).reshape(len(rows), self.dimension)


class Recorder:
    """An embedder that notes what it was asked, so that the same can be asked again without it."""

    def __init__(self, inner: Embedder) -> None:
        self._inner = inner
        self._vectors: dict[Purpose, dict[str, NDArray[np.float32]]] = {"document": {}, "query": {}}

    @property
    def model(self) -> str:
        """The inner one's vector space."""
        return self._inner.model

    @property
    def dimension(self) -> int:
        """Length of every vector."""
        return self._inner.dimension

    def embed(self, texts: Sequence[str], *, purpose: Purpose = "document") -> NDArray[np.float32]:
        """What the inner one gives."""
        rows = self._inner.embed(texts, purpose=purpose)
        self._vectors[purpose].update(zip(texts, rows, strict=True))
        return rows

    def ahead(self) -> Ahead:
        """An embedder of all that was asked so far."""
        return Ahead(self.model, self.dimension, {purpose: dict(known) for purpose, known in self._vectors.items()})
