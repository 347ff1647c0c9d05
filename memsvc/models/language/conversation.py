"""The course of one call: negotiate the constraint, retry, read, ask again; and its line in the ledger."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import TYPE_CHECKING, Protocol

from memsvc.errors import InvalidInput, ModelError
from memsvc.models.language.border import Reply, Request
from memsvc.models.language.failures import Failure, address, as_error, unreadable
from memsvc.models.language.replies import Unreadable, read_text, read_value
from memsvc.models.language.schemas import in_words, response_format
from memsvc_retrievers.language import Completion
from memsvc_retrievers.ledger import Call

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from pydantic import BaseModel
    from tenacity import RetryCallState

    from memsvc.models.language.schemas import Constraint, Negotiation
    from memsvc_retrievers.language import Prompt

LONGEST_PAUSE = 8.0  # seconds between two tries
LONGEST_RETRY_AFTER = 60.0  # seconds; a server that asks for more is given up at once
SHOWN_TO_MODEL = 4000  # characters of a bad reply that are sent back with the reason


@dataclass(frozen=True, slots=True)
class Patience:
    """How often to ask again. `pause`: seconds before the first retry, doubled at each further one."""

    retries: int = 3
    repairs: int = 2
    pause: float = 0.5

    def __post_init__(self) -> None:
        if min(self.retries, self.repairs, self.pause) < 0:
            raise InvalidInput(f"{self} has a number below 0: 0 retries, repairs or seconds are the least")


class Asked(Protocol):
    """Who is asked: a server that LiteLLM reaches, or a function."""

    @property
    def model(self) -> str:
        """Its name in the ledger."""
        ...

    @property
    def api_base(self) -> str | None:
        """Its address, for messages; None where it has none."""
        ...

    async def ask(self, request: Request) -> Reply | Failure:
        """One request, without retries."""
        ...


@dataclass(slots=True)
class _Bill:
    requests: int = 0
    repairs: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float | None = 0.0

    def add(self, reply: Reply) -> None:
        self.prompt_tokens += reply.prompt_tokens
        self.completion_tokens += reply.completion_tokens
        self.cost = None if self.cost is None or reply.cost is None else self.cost + reply.cost


@dataclass(slots=True)
class Conversation:
    """One prompt, brought to a completion."""

    server: Asked
    negotiation: Negotiation
    patience: Patience
    prompt: Prompt
    schema: type[BaseModel] | None
    _bill: _Bill = field(default_factory=_Bill)

    async def completion(self) -> Completion:
        """The completion; one that failed carries its error.

        Raises:
            MissingDependency: a package that a custom provider needs is not installed.
        """
        started = perf_counter()
        text, parsed, error = "", None, None
        try:
            text, parsed = await self._outcome()
        except ModelError as failed:
            error = failed.with_traceback(None)
        call = Call(
            purpose=self.prompt.purpose,
            model=self.server.model,
            prompt_tokens=self._bill.prompt_tokens,
            completion_tokens=self._bill.completion_tokens,
            seconds=perf_counter() - started,
            retries=max(0, self._bill.requests - 1 - self._bill.repairs),
            repairs=self._bill.repairs,
            cost=self._bill.cost,
            error=None if error is None else str(error),
        )
        return Completion(call, reply=text, parsed=parsed, error=error)

    async def _outcome(self) -> tuple[str, BaseModel | None]:
        """The reply's text and value; asks again, a bounded number of times, when it cannot be read."""
        opening = request = self._opening()
        while True:
            reply = await self._reply(request)
            read = read_text(reply.text) if self.schema is None else read_value(reply.text, self.schema)
            if isinstance(read, str):
                return read, None
            if not isinstance(read, Unreadable):
                return reply.text, read
            if self._bill.repairs == self.patience.repairs:
                raise self._invalid(reply, read)
            self._bill.repairs += 1
            request = _roomier(request) if reply.cut else _repaired(opening, request.max_tokens, reply, read)

    def _opening(self) -> Request:
        prompt = self.prompt
        told = [prompt.system, in_words(self.schema) if self.schema else ""]
        system = "\n\n".join(part for part in told if part)
        messages = [{"role": "system", "content": system}] if system else []
        messages.append({"role": "user", "content": prompt.user})
        return Request(tuple(messages), prompt.max_tokens, prompt.temperature, seed=prompt.seed)

    async def _reply(self, request: Request) -> Reply:
        """The server's reply under the strongest constraint that it takes.

        A constraint that is rejected is stepped down from for good. A 500 may be the constraint's fault (llama.cpp,
        of a schema) or the server's: the weaker ones are tried once each, and what that tells is not kept.
        """
        asked_before, doubted = self._bill.requests, False
        steps = list(self.negotiation.steps(self.schema))

        async def ask() -> Reply | Failure:
            nonlocal doubted
            outcome = await self._strongest(steps, request)
            if isinstance(outcome, Reply):
                self.negotiation.worked(self.schema, steps[0])
            elif outcome.status == 500 and not doubted:
                doubted = True
                return await self._weaker(steps[1:], request) or outcome
            return outcome

        outcome = await retried(ask, self.patience)
        if isinstance(outcome, Reply):
            self._bill.add(outcome)
            return outcome
        raise as_error(
            outcome,
            purpose=self.prompt.purpose,
            model=self.server.model,
            where=address(self.server.api_base),
            tries=self._bill.requests - asked_before,
        )

    async def _strongest(self, steps: list[Constraint | None], request: Request) -> Reply | Failure:
        """What the first constraint gets that is not rejected; those that are leave `steps`, but for the last."""
        while True:
            outcome = await self._under(steps[0], request)
            if isinstance(outcome, Reply) or outcome.kind != "rejected" or len(steps) == 1:
                return outcome
            del steps[0]

    async def _weaker(self, steps: Sequence[Constraint | None], request: Request) -> Reply | None:
        """The reply that the first of these constraints gets, if one does."""
        for constraint in steps:
            if isinstance(outcome := await self._under(constraint, request), Reply):
                return outcome
        return None

    async def _under(self, constraint: Constraint | None, request: Request) -> Reply | Failure:
        """One request under a constraint."""
        self._bill.requests += 1
        wanted = response_format(self.schema, constraint) if self.schema and constraint else None
        return await self.server.ask(replace(request, response_format=wanted))

    def _invalid(self, reply: Reply, why: Unreadable) -> ModelError:
        reason = f"{why.reason}, and the server stopped it at max_tokens" if reply.cut else why.reason
        return unreadable(
            reason,
            purpose=self.prompt.purpose,
            model=self.server.model,
            reply=reply.text,
            tries=1 + self._bill.repairs,
        )


def _roomier(request: Request) -> Request:
    """The same again with twice the room: half a list, salvaged, would be facts lost in silence."""
    return replace(request, max_tokens=2 * request.max_tokens)


def _repaired(opening: Request, max_tokens: int, reply: Reply, why: Unreadable) -> Request:
    """The conversation with the bad reply and what is wrong with it."""
    said = reply.text[:SHOWN_TO_MODEL] or "(nothing)"  # some servers refuse an empty message
    complaint = f"That cannot be read: {why.reason}. Reply again, in the form asked for and with nothing else."
    more = ({"role": "assistant", "content": said}, {"role": "user", "content": complaint})
    return replace(opening, messages=opening.messages + more, max_tokens=max_tokens)


async def retried(ask: Callable[[], Awaitable[Reply | Failure]], patience: Patience) -> Reply | Failure:
    """The first reply, or the failure that no retry mends, or the last one of the retries."""
    if patience.retries == 0:
        return await ask()
    from tenacity import AsyncRetrying, retry_if_result, stop_after_attempt

    def pause(state: RetryCallState) -> float:
        growing: float = min(LONGEST_PAUSE, patience.pause * 2 ** (state.attempt_number - 1))
        # Jitter, so that a batch that failed together doesn't come back together.
        return max(growing * random.uniform(0.5, 1.5), _outcome(state).retry_after or 0.0)

    retrying = AsyncRetrying(
        stop=stop_after_attempt(patience.retries + 1),
        wait=pause,
        retry=retry_if_result(_is_worth_a_retry),
        retry_error_callback=_outcome,
    )
    return await retrying(ask)


def _is_worth_a_retry(outcome: Reply | Failure) -> bool:
    if not isinstance(outcome, Failure) or outcome.kind != "passing":
        return False
    return (outcome.retry_after or 0.0) <= LONGEST_RETRY_AFTER


def _outcome(state: RetryCallState) -> Failure:
    """What the try that was judged came to: a failure, or it would not have been judged so."""
    assert state.outcome is not None
    outcome = state.outcome.result()
    assert isinstance(outcome, Failure)
    return outcome
