"""The ledger: what every call of one question cost."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import computed_field

from memsvc_store.values.document import Value


@dataclass(frozen=True, slots=True)
class Call(Value):
    """What one call cost: a line of the ledger. Tokens and seconds include every retry and repair.

    `retries`: requests repeated because the server failed. `repairs`: replies asked for again because
    they could not be read. `cost`: US dollars, 0 for local models, None where no price is known.
    """

    purpose: str
    model: str
    prompt_tokens: int
    completion_tokens: int
    seconds: float
    retries: int = 0
    repairs: int = 0
    cost: float | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Ledger(Value):
    """Calls in the order in which they were asked for, with their sums.

    `seconds` adds up what each call took; calls of one batch run side by side, so that the clock may show less.
    """

    calls: tuple[Call, ...] = ()

    @computed_field  # type: ignore[prop-decorator]  # mypy knows no decorator of a property
    @property
    def prompt_tokens(self) -> int:
        """Tokens read by the model."""
        return sum(call.prompt_tokens for call in self.calls)

    @computed_field  # type: ignore[prop-decorator]  # mypy knows no decorator of a property
    @property
    def completion_tokens(self) -> int:
        """Tokens written by the model."""
        return sum(call.completion_tokens for call in self.calls)

    @computed_field  # type: ignore[prop-decorator]  # mypy knows no decorator of a property
    @property
    def seconds(self) -> float:
        """Seconds of all calls together."""
        return sum(call.seconds for call in self.calls)

    @property
    def retries(self) -> int:
        """Requests repeated, and replies asked for again."""
        return sum(call.retries + call.repairs for call in self.calls)

    @computed_field  # type: ignore[prop-decorator]  # mypy knows no decorator of a property
    @property
    def cost(self) -> float | None:
        """US dollars; None as soon as one price is not known."""
        costs = [call.cost for call in self.calls]
        return None if None in costs else sum(cost for cost in costs if cost is not None)

    def by_purpose(self) -> dict[str, Ledger]:
        """The same calls, apart by what they were for, in the order of their first."""
        purposes = dict.fromkeys(call.purpose for call in self.calls)
        return {purpose: Ledger(tuple(c for c in self.calls if c.purpose == purpose)) for purpose in purposes}
