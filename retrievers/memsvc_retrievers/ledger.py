"""The ledger: what every call of one question cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from memsvc_retrievers.errors import Cancelled

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pydantic import BaseModel

    from memsvc_retrievers.language import Call, Completion, LanguageModel, Prompt, Watch


@dataclass(frozen=True, slots=True)
class Ledger:
    """Calls in the order in which they were asked for, with their sums.

    `seconds` adds up what each call took; calls of one batch run side by side, so that the clock may show less.
    """

    calls: tuple[Call, ...] = ()

    @property
    def prompt_tokens(self) -> int:
        """Tokens read by the model."""
        return sum(call.prompt_tokens for call in self.calls)

    @property
    def completion_tokens(self) -> int:
        """Tokens written by the model."""
        return sum(call.completion_tokens for call in self.calls)

    @property
    def seconds(self) -> float:
        """Seconds of all calls together."""
        return sum(call.seconds for call in self.calls)

    @property
    def retries(self) -> int:
        """Requests repeated, and replies asked for again."""
        return sum(call.retries + call.repairs for call in self.calls)

    @property
    def cost(self) -> float | None:
        """US dollars; None as soon as one price is not known."""
        costs = [call.cost for call in self.calls]
        return None if None in costs else sum(cost for cost in costs if cost is not None)

    def by_purpose(self) -> dict[str, Ledger]:
        """The same calls, apart by what they were for, in the order of their first."""
        purposes = dict.fromkeys(call.purpose for call in self.calls)
        return {purpose: Ledger(tuple(c for c in self.calls if c.purpose == purpose)) for purpose in purposes}


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
