"""Constrained decoding: which tokens may come next, so that the reply can only be JSON of the schema.

llguidance follows one grammar a row; its lengths hold too (`maxLength`, `maxItems`, `minimum`, ...), so a
schema with bounds is one whose reply ends. Between two JSON tokens at most one blank may stand: a
weak model otherwise writes blanks until its tokens are used up.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import torch

from memsvc.models.local.shapes import UnsupportedSchema
from memsvc_store.errors import MissingDependency

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

BLANKS = {"whitespace_pattern": "[ ]?"}
COMPILED = 64


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
