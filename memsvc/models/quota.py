"""How many tokens language models may take in a day (UTC): of all processes on a database together, and of a key.

They are counted in the database, by what the models' servers count, so that several processes keep to one limit, and a
restart forgets nothing. A call that begins is finished: the limit is passed by what was under way when it was reached.
"""

from __future__ import annotations

import logging
import math
import threading
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

from memsvc.errors import Cancelled, DatabaseError, QuotaExhausted
from memsvc_store.tokens import EVERYBODY, TokenTable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pydantic import BaseModel

    from memsvc_retrievers.language import Completion, LanguageModel, Prompt, Watch
    from memsvc_store.sql.database import Database

WARNED_AT = 0.8
"""The share of a limit from which the log says that it is near."""

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Payer:
    """A key with a limit of its own. `used`: what it has taken today, once that was looked up."""

    key_id: str
    limit: int
    used: int | None = None


PAYER: ContextVar[Payer | None] = ContextVar("memsvc_payer", default=None)
"""Whose request this thread or task works for; none in background work, which only the limit of all is for."""


class Quota:
    """The limits of one database. Safe to share between threads.

    Args:
        limit: tokens a day of all processes together; None: no bound.
        now: the clock; it gives aware datetimes.
    """

    def __init__(self, database: Database, limit: int | None, now: Callable[[], datetime]) -> None:
        self._table, self.limit, self._now = TokenTable(database), limit, now
        self._owed: dict[frozenset[str], int] = {}
        self._lock = threading.Lock()

    def around(self, model: LanguageModel) -> LanguageModel:
        """The model, kept to the limits."""
        return RationedModel(model, self)

    def used(self) -> int:
        """What all processes have taken today, where there is a limit."""
        return self._table.spent(self._day(), [EVERYBODY])[EVERYBODY]

    def left(self) -> float:
        """How many tokens the caller may still take today; inf without a limit.

        Raises:
            QuotaExhausted: none.
        """
        limits = self._limits()
        used = self._used(limits)
        for payer, limit in limits.items():
            if used[payer] >= limit:
                raise self._exhausted(payer, used[payer], limit)
        return min((limit - used[payer] for payer, limit in limits.items()), default=math.inf)

    def spend(self, tokens: int) -> None:
        """Count what the caller's calls have taken. Where the database is away it is counted the next time."""
        limits = self._limits()
        if not limits or not tokens:
            return
        payers = frozenset(limits)
        with self._lock:
            self._owed[payers] = self._owed.get(payers, 0) + tokens
            try:
                for each, owed in list(self._owed.items()):
                    self._table.spend(self._day(), each, owed)
                    del self._owed[each]
            except DatabaseError as error:
                logger.warning("%d tokens of a language model will be counted later: %s", tokens, error)
                return
        for payer, used in self._used(limits).items():
            near = WARNED_AT * limits[payer]
            if used - tokens < near <= used:
                logger.warning("%s took %s of %s tokens today", _who(payer), f"{used:,}", f"{limits[payer]:,}")

    def _limits(self) -> dict[str, int]:
        payer = PAYER.get()
        own = {} if payer is None else {payer.key_id: payer.limit}
        return own if self.limit is None else {EVERYBODY: self.limit, **own}

    def _used(self, limits: dict[str, int]) -> dict[str, int]:
        used = self._table.spent(self._day(), list(limits)) if limits else {}
        if (payer := PAYER.get()) is not None:
            payer.used = used[payer.key_id]
        return used

    def _day(self) -> datetime:
        return self._now().astimezone(UTC)

    def _exhausted(self, payer: str, used: int, limit: int) -> QuotaExhausted:
        now = self._day()
        opens = datetime.combine(now.date() + timedelta(days=1), time(), UTC)
        raised = (
            "set MEMSVC_MODEL_TOKENS_PER_DAY higher" if payer == EVERYBODY else "have a key made with a higher limit"
        )
        return QuotaExhausted(
            f"{_who(payer)} took {used:,} of {limit:,} tokens of language models today; they go on at "
            f"{opens:%Y-%m-%d %H:%M} UTC, or {raised}. Writes and look-ups work as before",
            math.ceil((opens - now).total_seconds()),
        )


def charged(key_id: str | None, limit: int | None) -> Payer | None:
    """Have what follows in this context paid by a key, if it has a limit; who pays."""
    payer = None if key_id is None or limit is None else Payer(key_id, limit)
    PAYER.set(payer)
    return payer


def rate_limit(payer: Payer) -> dict[str, str]:
    """What a key is told of its limit, as draft-ietf-httpapi-ratelimit-headers has it: r tokens are left, of q in w
    seconds.
    """
    left = max(0, payer.limit - (payer.used or 0))
    return {
        "RateLimit": f'"tokens-per-day";r={left}',
        "RateLimit-Policy": f'"tokens-per-day";q={payer.limit};w=86400',
    }


def _who(payer: str) -> str:
    return "this memory" if payer == EVERYBODY else f"key {payer}"


class RationedModel:
    """A language model that keeps to the limits of a day. Implements `LanguageModel`."""

    def __init__(self, inner: LanguageModel, quota: Quota) -> None:
        self._inner, self._quota = inner, quota

    @property
    def name(self) -> str:
        """The inner one's."""
        return self._inner.name

    def complete_many(
        self, prompts: Sequence[Prompt], *, schema: type[BaseModel] | None = None, watch: Watch | None = None
    ) -> list[Completion]:
        """As the inner one; stopped where a limit is reached before its end.

        Raises:
            QuotaExhausted: a limit of the day is reached.
        """
        if not prompts:
            return []
        spent = _Spent(watch, self._quota.left(), len(prompts))
        try:
            return self._inner.complete_many(prompts, schema=schema, watch=spent)
        except Cancelled:
            if spent.exhausted:
                self._quota.spend(spent.take())
                self._quota.left()  # says so
            raise
        finally:
            self._quota.spend(spent.take())


class _Spent:
    """A batch's own watch, if it has one, and what its calls have taken."""

    def __init__(self, inner: Watch | None, left: float, calls: int) -> None:
        self._inner, self._left, self._calls = inner, left, calls
        self._tokens = 0
        self.exhausted = False

    def take(self) -> int:
        """What was taken since it was last asked for."""
        tokens, self._tokens = self._tokens, 0
        return tokens

    def finished(self, completion: Completion) -> None:
        self._calls -= 1
        self._tokens += completion.call.prompt_tokens + completion.call.completion_tokens
        if self._inner is not None:
            self._inner.finished(completion)

    def cancelled(self) -> bool:
        self.exhausted = self._calls > 0 and self._tokens >= self._left
        return self.exhausted or (self._inner is not None and self._inner.cancelled())
