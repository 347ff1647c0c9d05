"""What slow reading needs of a language model: a batch of prompts in, a batch of completions out.

Implementations live in `memsvc/models/` and `memsvc/testing.py`; `tests/memsvc/models/language_model_laws.py`
holds for all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import BaseModel

    from memsvc_retrievers.errors import ModelError
    from memsvc_retrievers.ledger import Call

    Schema = TypeVar("Schema", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Prompt:
    """One call to make.

    `purpose` names it in the ledger and in errors: draft, gate, extract, filter, answer, ...
    Prompts of one batch should begin alike: an in-process model reads what they share once. `seed` is
    for replies drawn at random: models that honour it repeat them; None leaves it to the model.
    """

    system: str
    user: str
    purpose: str
    temperature: float = 0.0
    max_tokens: int = 1024
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class Completion:
    """The outcome of one prompt. One that failed raises its error when its text or value is asked for."""

    call: Call
    reply: str = ""
    parsed: Any = None
    error: ModelError | None = None

    @property
    def text(self) -> str:
        """What the model wrote.

        Raises:
            ModelError: the call failed.
        """
        if self.error is not None:
            raise self.error
        return self.reply

    def value(self, schema: type[Schema]) -> Schema:
        """The reply as the schema that the batch was asked for.

        Raises:
            ModelError: the call failed.
        """
        if self.error is not None:
            raise self.error
        assert isinstance(self.parsed, schema), f"asked for {schema.__name__}, the batch gave {self.parsed!r}"
        return self.parsed


class Watch(Protocol):
    """Who follows a batch, and may stop it. Both are called in the thread that called `complete_many`."""

    def finished(self, completion: Completion) -> None:
        """One more call is over; in the order in which they end. What it raises ends the batch."""
        ...

    def cancelled(self) -> bool:
        """Whether to stop; asked at least five times a second while calls are under way."""
        ...


class LanguageModel(Protocol):
    """Completes prompts. Safe to call from several threads."""

    @property
    def name(self) -> str:
        """The model, as the ledger names it."""
        ...

    def complete_many(
        self, prompts: Sequence[Prompt], *, schema: type[BaseModel] | None = None, watch: Watch | None = None
    ) -> list[Completion]:
        """One completion a prompt, in the order given; the calls are made together.

        With a `schema`, each reply is constrained where the back end can, always parsed, and repaired
        a bounded number of times. One that cannot be had fails alone: its completion carries the
        error, which names the purpose, and the others are unharmed.

        Raises:
            Cancelled: the watch asked for it; calls under way are given up.
            MissingDependency: a package that this model needs is not installed.
        """
        ...
