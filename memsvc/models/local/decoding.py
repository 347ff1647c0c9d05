"""One batch, from its prompts to its replies, token by token."""

from __future__ import annotations

from dataclasses import dataclass, field
from inspect import signature
from random import Random
from typing import TYPE_CHECKING, Any

import torch

from memsvc.models.local.constraint import forbid
from memsvc.models.local.planning import shared_prefix
from memsvc.models.local.sampling import choose
from memsvc_retrievers.errors import InvalidReply, ModelError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from memsvc.models.local.engine import Engine
    from memsvc.models.local.shapes import FinishReason, Row


@dataclass(slots=True)
class Written:
    """A row under way: its tokens so far, its draws, and the grammar that it follows."""

    place: int
    row: Row
    draws: Random
    matcher: Any
    tokens: list[int] = field(default_factory=list)
    finish_reason: FinishReason = "length"
    error: ModelError | None = None

    def take(self, token: int, stops: frozenset[int]) -> bool:
        """Adds the token; whether the row is done with it."""
        done = token in stops
        if not done:
            self.tokens.append(token)
            if self.matcher is not None:
                self.matcher.consume_token(token)
        if self.matcher is not None:
            # At the end, too: past its limits llguidance lets nothing but the end through, wherever the reply stands.
            if self.matcher.is_error():
                reason = self.matcher.get_error().partition("\n")[0]
                self.error = InvalidReply(f"The reply left its schema after {len(self.tokens)} tokens: {reason}")
                return True
            done = done or self.matcher.is_stopped()
        if done:
            self.finish_reason = "stop"
        return done or len(self.tokens) >= self.row.max_tokens


class Decoding:
    """One batch. The rows by their places, each with the number of its draws among equal rows."""

    def __init__(self, engine: Engine, rows: Mapping[int, tuple[Row, int]], *, reuse_prefix: bool) -> None:
        self._engine = engine
        self._reuse_prefix = reuse_prefix
        self._live = [
            Written(place, row, _draws(row, repeat), engine.grammars.matcher(row.schema) if row.schema else None)
            for place, (row, repeat) in rows.items()
        ]

    @torch.inference_mode()  # type: ignore[untyped-decorator]  # torch is untyped here
    def run(self) -> Iterator[tuple[int, Written | None]]:
        """Each row's place with what it wrote, as soon as it is done; None for one whose caller has gone."""
        if not self._live:
            return
        cache = Cache(self._engine.model)
        logits = self._prefill(cache)
        while True:
            tokens = self._next(logits)
            keep = []
            for at, (written, token) in enumerate(zip(self._live, tokens, strict=True)):
                if written.row.cancelled():
                    yield written.place, None
                elif written.take(token, self._engine.stops):
                    yield written.place, written
                else:
                    keep.append(at)
            if not keep:
                return
            if len(keep) < len(self._live):
                self._live = [self._live[at] for at in keep]
                cache.select(keep)
            logits = cache.read([[tokens[at]] for at in keep])

    def _prefill(self, cache: Cache) -> torch.Tensor:
        """Reads the prompts, what they share only once; the logits of the first tokens."""
        prompts = [written.row.prompt for written in self._live]
        shared = shared_prefix(prompts) if self._reuse_prefix and cache.can_share else 0
        if shared:
            cache.read([prompts[0][:shared]])
            cache.select([0] * len(prompts))
        return cache.read([prompt[shared:] for prompt in prompts])

    def _next(self, logits: torch.Tensor) -> list[int]:
        live = self._live
        if any(written.matcher is not None for written in live):
            # The grammars are worked out on the CPU while the device still computes the logits.
            logits = forbid(logits, self._engine.grammars.mask([written.matcher for written in live]))
        tokens: list[int] = choose(
            logits,
            [written.row.temperature for written in live],
            [written.row.top_p for written in live],
            [written.draws.random() for written in live],
        ).tolist()
        return tokens


class Cache:
    """What the model has read of every row: the keys and values, and which of them are padding.

    Columns are laid out `[shared prefix | left padding | rest | reply]`; a token's position counts the real
    tokens before it, so padding moves nothing.
    """

    def __init__(self, model: Any) -> None:
        from transformers import DynamicCache

        self._model = model
        self._kv = DynamicCache(config=model.config)
        # Renamed in transformers 5.24; a model whose code is older than its transformers keeps the old name.
        self._argument = "cache" if "cache" in signature(model.forward).parameters else "past_key_values"
        self._mask: torch.Tensor | None = None

    @property
    def can_share(self) -> bool:
        """Whether padding may stand in the middle: not where a layer sees a window of columns or keeps a state."""
        config = self._model.config.get_text_config()
        kinds = getattr(config, "layer_types", None)
        if kinds is not None:
            return set(kinds) == {"full_attention"}
        return getattr(config, "sliding_window", None) is None and not getattr(self._model, "_is_stateful", False)

    def read(self, rows: Sequence[Sequence[int]]) -> torch.Tensor:
        """Reads these further tokens of every row; the logits after each row's last, float32 `(rows, vocabulary)`."""
        width = max(map(len, rows))
        device = self._model.device
        # Padding is masked, so any token will do.
        ids = torch.tensor([[0] * (width - len(row)) + list(row) for row in rows], device=device)
        new = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows], device=device)
        self._mask = new if self._mask is None else torch.cat([self._mask, new], dim=-1)
        output = self._model(
            input_ids=ids,
            attention_mask=self._mask,
            position_ids=(self._mask.cumsum(dim=-1) - 1).clamp(min=0)[:, -width:],
            use_cache=True,
            logits_to_keep=1,
            **{self._argument: self._kv},
        )
        logits: torch.Tensor = output.logits[:, -1].float()
        return logits

    def select(self, rows: Sequence[int]) -> None:
        """Keeps these rows, in this order; a row that is named more than once is copied."""
        assert self._mask is not None, "nothing was read yet"
        places = torch.tensor(rows, device=self._mask.device)
        self._kv.reorder_cache(places)
        self._mask = self._mask[places]


def _draws(row: Row, repeat: int) -> Random:
    """Uniform numbers that follow from the seed and the prompt, so that each row has its own, whatever its batch."""
    return Random(f"{row.seed}/{repeat}/{row.prompt}")
