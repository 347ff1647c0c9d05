"""A language model that keeps a ledger, and stops when it is told to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from memsvc_retrievers.errors import Cancelled
from memsvc_retrievers.ledger import Call, Ledger

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pydantic import BaseModel

    from memsvc_retrievers.language import Completion, LanguageModel, Prompt, Watch


class Recorder:
    """A language model that writes down what each call of it cost, and stops when told. Implements `LanguageModel`."""

    def __init__(self, inner: LanguageModel, cancelled: Callable[[], bool] = lambda: False) -> None:
        self._inner, self._cancelled = inner, cancelled
        self._calls: list[Call] = []

    @property
    def name(self) -> str:
        """The inner one's."""
        return self._inner.name

    @property
    def ledger(self) -> Ledger:
        """What was called so far."""
        return Ledger(tuple(self._calls))

    def complete_many(
        self, prompts: Sequence[Prompt], *, schema: type[BaseModel] | None = None, watch: Watch | None = None
    ) -> list[Completion]:
        """As the inner one; stopped before it begins where that was asked for meanwhile.

        Raises:
            Cancelled: it was stopped.
        """
        if self._cancelled():
            raise Cancelled(f"stopped before {len(prompts)} calls for {prompts[0].purpose!r}")
        completions = self._inner.complete_many(prompts, schema=schema, watch=_Watch(watch, self._cancelled))
        self._calls += [completion.call for completion in completions]
        return completions


@dataclass(frozen=True, slots=True)
class _Watch:
    """A batch's own watch, if it has one, and who may stop all of the work."""

    inner: Watch | None
    stopped: Callable[[], bool]

    def finished(self, completion: Completion) -> None:
        if self.inner is not None:
            self.inner.finished(completion)

    def cancelled(self) -> bool:
        return self.stopped() or (self.inner is not None and self.inner.cancelled())
