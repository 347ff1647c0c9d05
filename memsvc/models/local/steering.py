"""How transformers' `generate` is steered: what each row of a batch may write, what it draws, and when it is done.

`generate` itself reads the prompts, keeps the cache, and takes the likeliest of the tokens that are left to it.

Where a row has a schema, llguidance follows its grammar; its lengths hold too (`maxLength`, `maxItems`, ...), so a
schema with bounds is one whose reply ends. Between two JSON tokens at most one blank may stand: a weak model otherwise
writes blanks until its tokens are used up.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
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

from memsvc.models.local.shapes import UnsupportedSchema
from memsvc_retrievers.errors import InvalidReply, ModelError
from memsvc_store.errors import MissingDependency

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from memsvc.models.local.shapes import FinishReason, Row

BLANKS = {"whitespace_pattern": "[ ]?"}
COMPILED = 64


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


class Grammars:
    """Compiles JSON schemas for one tokenizer and keeps the latest 64.

    Args:
        tokenizer: a fast Hugging Face tokenizer.
        vocabulary: how many logits the model gives, which may be more than the tokenizer has tokens.
        stops: the tokens that end a reply.

    Raises:
        MissingDependency: llguidance is not installed.
        UnsupportedSchema: the tokenizer is not a fast one.
    """

    def __init__(self, tokenizer: Any, vocabulary: int, stops: Iterable[int]) -> None:
        try:
            from llguidance import LLExecutor, hf
        except ImportError as error:
            raise MissingDependency(
                f"Replies of a local model are constrained with llguidance (missing: {error.name}): "
                "pip install 'memsvc[local]'."
            ) from error
        self._words = (vocabulary + 31) // 32
        try:
            self._tokenizer = hf.from_tokenizer(tokenizer, n_vocab=vocabulary, eos_token=sorted(stops))
        except ValueError as error:
            raise UnsupportedSchema(
                f"Replies cannot be constrained with a {type(tokenizer).__name__} ({error}): "
                "choose a model with a fast tokenizer (a tokenizer.json), or ask without a schema."
            ) from error
        self._executor = LLExecutor()
        self._compiled = lru_cache(COMPILED)(self._compile)

    def matcher(self, schema: str) -> Any:
        """A fresh llguidance matcher that stands at the start of the schema's grammar.

        Raises:
            UnsupportedSchema: decoding cannot be constrained to the schema.
        """
        return self._compiled(schema).deep_copy()

    def mask(self, matchers: Sequence[Any | None]) -> torch.Tensor:
        """The tokens each row may take, one bit a token, int32 `(rows, ceil(vocabulary / 32))` on the CPU.

        Rows without a matcher may take all. The rows are worked out side by side.
        """
        from llguidance.numpy import fill_next_token_bitmask_par

        bits = torch.full((len(matchers), self._words), -1, dtype=torch.int32)
        bound = [(matcher, place) for place, matcher in enumerate(matchers) if matcher is not None]
        fill_next_token_bitmask_par(self._executor, bound, bits.numpy())
        return bits

    def _compile(self, schema: str) -> Any:
        from llguidance import LLMatcher

        grammar = LLMatcher.grammar_from_json_schema(schema, defaults=BLANKS)
        matcher = LLMatcher(self._tokenizer, grammar, log_level=0)
        if matcher.is_error():
            raise UnsupportedSchema(
                f"Decoding cannot be constrained to the schema {schema[:200]}: {matcher.get_error()}. "
                "Use plain types, enums, bounds and $defs."
            )
        return matcher


def forbid(logits: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """The logits `(rows, vocabulary)` with minus infinity wherever the mask's bit is 0."""
    places = torch.arange(32, dtype=torch.int32, device=logits.device)
    allowed = (mask.to(logits.device).unsqueeze(-1) >> places) & 1
    return logits.masked_fill(allowed.flatten(1)[:, : logits.shape[-1]] == 0, float("-inf"))


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
