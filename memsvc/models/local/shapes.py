"""What goes into an in-process model, how it becomes batches, what comes out, and what can be refused. Pure.

What is refused is permanent, so that a retry is useless:

ModelRefused
├── ModelUnusable       not found, not loadable on this device, or not made for chats
├── PromptTooLong       more tokens than the context window has
├── OutOfMemory         one prompt alone is more than the device can hold
└── UnsupportedSchema   a JSON schema that decoding cannot be constrained to
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from memsvc_retrievers.errors import ModelRefused

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


class ModelUnusable(ModelRefused):
    """A model that is not found, cannot be loaded on this device, or is not made for chats."""


class PromptTooLong(ModelRefused):
    """A prompt has more tokens than the model's context window."""


class OutOfMemory(ModelRefused):
    """One prompt alone is more than the device can hold."""


class UnsupportedSchema(ModelRefused):
    """A JSON schema that decoding cannot be constrained to."""


def plan(rows: Sequence[Row], budget: int, context: int) -> list[list[int]]:
    """Places of the rows, cut into batches, the longest first, so that what cannot fit shows at once.

    Rows of like length stand together, and rows x (longest prompt + longest reply) stays within `budget`
    tokens; a row that is over it by itself is a batch of its own. No batch is wider than the context window: a row
    that is done is padded until its batch ends, and models with learned positions have none behind the window.
    """
    batches: list[list[int]] = []
    longest_prompt = longest_reply = 0
    for place in sorted(range(len(rows)), key=lambda at: -len(rows[at].prompt)):
        row = rows[place]
        longest_reply = max(longest_reply, row.max_tokens)
        width = longest_prompt + longest_reply
        if batches and width <= context and (len(batches[-1]) + 1) * width <= budget:
            batches[-1].append(place)
        else:
            batches.append([place])
            longest_prompt, longest_reply = len(row.prompt), row.max_tokens
    return batches


def halves(places: Sequence[int]) -> list[list[int]]:
    """Two batches of one that was too big."""
    middle = (len(places) + 1) // 2
    return [list(places[:middle]), list(places[middle:])]


def repeats(rows: Sequence[Row]) -> list[int]:
    """How many earlier rows are the same question with the same seed: equal rows get draws of their own."""
    seen: dict[tuple[tuple[int, ...], int], int] = {}
    counted = []
    for row in rows:
        key = (row.prompt, row.seed)
        counted.append(seen.get(key, 0))
        seen[key] = counted[-1] + 1
    return counted
