"""The next token of every row, from its logits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Sequence


def choose(
    logits: torch.Tensor, temperatures: Sequence[float], top_p: Sequence[float], draws: Sequence[float]
) -> torch.Tensor:
    """One token a row, int64 `(rows,)`, from float32 logits `(rows, vocabulary)`.

    At temperature 0 the likeliest token. Above it nucleus sampling (Holtzman et al. 2020, section 3.1): among
    the likeliest tokens, up to the one that brings their sum to `top_p`, the one at which the cumulative
    probability passes `draw` x that sum; `draw` is uniform in [0, 1). So a row's token depends on nothing
    but its own logits and its own draw: not on the batch, and not on the device's random generator.
    """
    likeliest = logits.argmax(dim=-1)
    if not any(temperatures):
        return likeliest
    # Rows at 0 are divided by 1 and overruled below.
    heat = _column([warmth or 1.0 for warmth in temperatures], logits)
    probability, order = torch.softmax(logits / heat, dim=-1).sort(dim=-1, descending=True, stable=True)
    reached = probability.cumsum(dim=-1)
    inside = (reached - probability < _column(top_p, logits)) & (probability > 0)
    nucleus = (probability * inside).cumsum(dim=-1)
    place = torch.searchsorted(nucleus, _column(draws, logits) * nucleus[:, -1:], right=True)
    # A draw of 1 - 2^-53 is 1 in float32, and would point behind the nucleus.
    place = torch.minimum(place, inside.sum(dim=-1, keepdim=True) - 1)
    drawn = order.gather(-1, place).squeeze(-1)
    return torch.where(_column(temperatures, logits).squeeze(-1) > 0, drawn, likeliest)


def _column(values: Sequence[float], like: torch.Tensor) -> torch.Tensor:
    return torch.tensor(values, dtype=like.dtype, device=like.device).unsqueeze(-1)
