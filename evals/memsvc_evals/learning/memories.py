"""What a study works in: a memory in this process's own memory, a clock that it turns, vectors made ahead."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from memsvc import Memory, Settings
from memsvc_evals.errors import MeasurementError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from memsvc_retrievers.protocols import Embedder, Purpose

    Vectors = dict[Purpose, dict[str, NDArray[np.float32]]]

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
    """An embedder that notes what its model gave, and `sealed` gives the same again without it, in another process too.

    Every vector of a study is made ahead: a vector's last bits depend on its batch, and ties on last bits.
    """

    def __init__(self, embedder: Embedder) -> None:
        self.model, self.dimension = embedder.model, embedder.dimension
        self._embedder: Embedder | None = embedder
        self._vectors: Vectors = {"document": {}, "query": {}}

    def embed(self, texts: Sequence[str], *, purpose: Purpose = "document") -> NDArray[np.float32]:
        """The rows of the texts.

        Raises:
            MeasurementError: sealed, and a text was not embedded ahead, which is a fault of the study.
        """
        known = self._vectors[purpose]
        if self._embedder is not None:
            rows = self._embedder.embed(texts, purpose=purpose)
            known.update(zip(texts, rows, strict=True))
            return rows
        if unknown := [text for text in texts if text not in known]:
            raise MeasurementError(f"{unknown[0][:80]!r} was not embedded ahead as a {purpose}")
        return np.asarray([known[text] for text in texts], np.float32).reshape(len(texts), self.dimension)

    def sealed(self) -> Self:
        """With all that was asked so far, and no model."""
        self._embedder = None
        return self


def ahead(embedder: Embedder, intents: Sequence[str]) -> Ahead:
    """The vectors of intents, as they are stored and as they are asked for."""
    noted = Ahead(embedder)
    noted.embed(intents)
    noted.embed(intents, purpose="query")
    return noted.sealed()
