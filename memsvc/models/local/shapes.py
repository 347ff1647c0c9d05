"""What goes into an in-process model, and what comes out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

FinishReason = Literal["stop", "length"]
PROVIDER = "local"
DEFAULT_MAX_TOKENS = 1024


def never() -> bool:
    """The answer of a caller that doesn't cancel."""
    return False


@dataclass(frozen=True, slots=True)
class Request:
    """A chat to continue.

    `temperature` 0 takes the likeliest token. Above it, tokens are drawn from the likeliest that together
    reach `top_p` (None: as the model's own generation settings say). `schema` is a JSON schema as JSON text,
    which the reply is constrained to; None leaves it free.
    """

    messages: Sequence[Mapping[str, str]]
    max_tokens: int = DEFAULT_MAX_TOKENS
    temperature: float = 0.0
    top_p: float | None = None
    seed: int = 0
    schema: str | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A request in tokens: one row of a batch. `cancelled` is asked before every token."""

    prompt: tuple[int, ...]
    max_tokens: int = DEFAULT_MAX_TOKENS
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0
    schema: str | None = None
    cancelled: Callable[[], bool] = never


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model wrote. `finish_reason` is "length" when it was cut by `max_tokens` or by the context window."""

    text: str
    prompt_tokens: int
    completion_tokens: int
    finish_reason: FinishReason
