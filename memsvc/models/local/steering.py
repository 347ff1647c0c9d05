"""How transformers' `generate` is steered: what each row of a batch may write, what it draws, and when it is done.

`generate` itself reads the prompts, keeps the cache, and takes the likeliest of the tokens that are left to it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

import torch
from transformers import (
    LogitsProcessor,
    LogitsProcessorList,
    StoppingCriteria,
    TemperatureLogitsWarper,
    TopPLogitsWarper,
)

from memsvc.models.local.constraint import forbid
from memsvc_retrievers.errors import InvalidReply, ModelError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from memsvc.models.local.constraint import Grammars
    from memsvc.models.local.shapes import FinishReason, Row


@dataclass(slots=True, eq=False)
class Written:
    """A row under way: its tokens so far, and the grammar that it follows.

    `repeat` is its number among equal rows, `done` also says that its caller has gone.
    """

    place: int
    row: Row
    repeat: int
    matcher: Any
    tokens: list[int] = field(default_factory=list)
    finish_reason: FinishReason = "length"
    error: ModelError | None = None
    done: bool = False

    def take(self, token: int, stops: frozenset[int]) -> None:
        """Adds the token, and notes whether the row is done with it."""
        ended = token in stops
        if not ended:
            self.tokens.append(token)
            if self.matcher is not None:
                self.matcher.consume_token(token)
        if self.matcher is not None:
            # At the end, too: past its limits llguidance lets nothing but the end through, wherever the reply stands.
            if self.matcher.is_error():
                reason = self.matcher.get_error().partition("\n")[0]
                self.error = InvalidReply(f"The reply left its schema after {len(self.tokens)} tokens: {reason}")
            ended = ended or self.matcher.is_stopped()
        if ended:
            self.finish_reason = "stop"
        self.done = ended or self.error is not None or len(self.tokens) >= self.row.max_tokens


class Constrained(LogitsProcessor):  # type: ignore[misc]  # transformers is untyped here
    """Leaves each row what its grammar lets through."""

    def __init__(self, batch: Sequence[Written], grammars: Grammars) -> None:
        self._batch = batch
        self._grammars = grammars

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """The scores `(rows, vocabulary)`, minus infinity where a token is not allowed."""
        matchers = [None if written.done else written.matcher for written in self._batch]
        if not any(matchers):
            return scores
        # The grammars are worked out on the CPU while the device still computes the scores.
        return forbid(scores, self._grammars.mask(matchers))


class Drawn(LogitsProcessor):  # type: ignore[misc]  # transformers is untyped here
    """Leaves each row with a temperature the one token that it draws.

    `generate` has one temperature, top_p and random generator for a whole batch. Here each row has its own, and the
    generator follows from its seed and its prompt, so that a draw depends neither on the batch nor on the device.
    """

    def __init__(self, batch: Sequence[Written]) -> None:
        self._rows = [
            (at, written, _warpers(written.row), _generator(written))
            for at, written in enumerate(batch)
            if written.row.temperature > 0
        ]

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """The scores `(rows, vocabulary)`, minus infinity for all tokens but the one that a row drew."""
        for at, written, warpers, generator in self._rows:
            if not written.done:
                likely = warpers(input_ids[at : at + 1], scores[at : at + 1]).softmax(dim=-1)
                token = torch.multinomial(likely[0].cpu(), 1, generator=generator).item()
                scores[at] = float("-inf")
                scores[at, token] = 0.0
        return scores


class Ended(StoppingCriteria):  # type: ignore[misc]  # transformers is untyped here
    """Gives each token to its row, and says which rows are done; `generate` stops when all are.

    Args:
        batch: the rows.
        stops: the tokens that end a reply.
        settle: called with each row as soon as it is done, but not for one whose caller has gone.
    """

    def __init__(self, batch: Sequence[Written], stops: frozenset[int], settle: Callable[[Written], None]) -> None:
        self._batch = batch
        self._stops = stops
        self._settle = settle

    def __call__(self, input_ids: torch.Tensor, scores: Any, **_: Any) -> torch.Tensor:
        """Whether each row is done, bool `(rows,)`."""
        for written, token in zip(self._batch, input_ids[:, -1].tolist(), strict=True):
            if written.done:
                continue
            if written.row.cancelled():
                written.done = True
                continue
            written.take(token, self._stops)
            if written.done:
                self._settle(written)
        return torch.tensor([written.done for written in self._batch], device=input_ids.device)


def _warpers(row: Row) -> LogitsProcessorList:
    warpers = LogitsProcessorList([TemperatureLogitsWarper(float(row.temperature))])
    if row.top_p < 1:
        warpers.append(TopPLogitsWarper(max(0.0, row.top_p)))
    return warpers


def _generator(written: Written) -> torch.Generator:
    """Follows from the seed and the prompt, so that each row has its own, whatever its batch."""
    seed = Random(f"{written.row.seed}/{written.repeat}/{written.row.prompt}").getrandbits(63)
    return torch.Generator().manual_seed(seed)
