"""Policies of one question share their calls: a batch that one has made costs the others nothing but the waiting.

Drafts at temperature 0 are the same for `fast` and `quality`, the chunks that `scan` reads the same whichever gate
escalates. Each batch is made once; each policy is still shown what it would have cost alone.
"""

from __future__ import annotations

import hashlib
import threading
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from memsvc.errors import Cancelled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import BaseModel

    from memsvc_retrievers.language import Completion, LanguageModel, Prompt, Watch

    Batch = tuple[tuple[Prompt, ...], type[BaseModel] | None]


@dataclass(slots=True)
class _Made:
    """A batch that was made, or is being made under its lock."""

    lock: threading.Lock
    completions: tuple[Completion, ...] | None = None
    seconds: float = 0.0


class Memo:
    """The batches of one question in one run. Safe to share between threads.

    Args:
        model: makes the calls.
        identity: of the question: seed of the whole, run, question. Seeds of prompts follow from it, so that a server
            that honours seeds draws the same again, and another run draws anew.
    """

    def __init__(self, model: LanguageModel, *identity: object) -> None:
        self._model, self._identity = model, identity
        self._made: dict[Batch, _Made] = {}
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        """The model's."""
        return self._model.name

    def batch(
        self, prompts: Sequence[Prompt], schema: type[BaseModel] | None, watch: Watch | None
    ) -> tuple[tuple[Completion, ...], float | None]:
        """Completions, and the seconds that it took to make them when they were made before; None if they are new."""
        with self._lock:
            made = self._made.setdefault((tuple(prompts), schema), _Made(threading.Lock()))
        with made.lock:
            if made.completions is not None:
                return made.completions, made.seconds
            began = time.perf_counter()
            made.completions = tuple(self._model.complete_many(self._seeded(prompts), schema=schema, watch=watch))
            made.seconds = time.perf_counter() - began
            return made.completions, None

    def _seeded(self, prompts: Sequence[Prompt]) -> list[Prompt]:
        return [
            replace(prompt, seed=seed_of(*self._identity, prompt.purpose, place))
            for place, prompt in enumerate(prompts)
        ]


class Shared:
    """The model as one policy sees it. Implements `LanguageModel`.

    `spared` are the seconds that it would have waited for batches that others had made.
    """

    def __init__(self, memo: Memo) -> None:
        self._memo = memo
        self.spared = 0.0

    @property
    def name(self) -> str:
        """The model's."""
        return self._memo.name

    def complete_many(
        self, prompts: Sequence[Prompt], *, schema: type[BaseModel] | None = None, watch: Watch | None = None
    ) -> list[Completion]:
        """As the model; what was completed before comes at once, and is told to the watch all the same."""
        completions, seconds = self._memo.batch(prompts, schema, watch)
        if seconds is not None:
            self.spared += seconds
            _tell(watch, completions)
        return list(completions)


def seed_of(*parts: object) -> int:
    """A number below 2^31 that follows from the parts: what every server takes as a seed."""
    digest = hashlib.sha256("\x1f".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1


def _tell(watch: Watch | None, completions: Sequence[Completion]) -> None:
    if watch is None:
        return
    for completion in completions:
        if watch.cancelled():
            raise Cancelled("stopped by the caller")
        watch.finished(completion)
