"""Tokens a day: counted durably and across processes, said before they are taken, and a clear end."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from time import sleep
from typing import TYPE_CHECKING, Any

import pytest

from memsvc import Memory, Settings
from memsvc.errors import Cancelled, DatabaseBusy, QuotaExhausted
from memsvc.models import FunctionModel
from memsvc.models.quota import Quota, RationedModel
from memsvc.testing import HashEmbedder, RuleModel
from memsvc_store.tokens import TokenTable

from .language_model_laws import AnyModelLaws, Recorder, prompt

if TYPE_CHECKING:
    from pathlib import Path

    from memsvc_retrievers.language import LanguageModel

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def opened(path: Path, clock: Clock, limit: int | None, model: LanguageModel | None = None, **settings: Any) -> Memory:
    chosen = Settings.load(model_tokens_per_day=limit, reflection="off", **settings)
    return Memory.open(
        path / "a.db", embedder=HashEmbedder(), language_model=model or RuleModel(), settings=chosen, now=clock
    )


def asked(memory: Memory) -> int:
    ledger = memory.ask("Where did I move?", namespace="ann", gate="never").ledger
    return ledger.prompt_tokens + ledger.completion_tokens


class TestRationedModel(AnyModelLaws):
    """The fake, far below its limit."""

    @pytest.fixture
    def model(self, tmp_path: Path, clock: Clock) -> Any:
        with opened(tmp_path, clock, None) as memory:
            yield RationedModel(RuleModel(default=lambda _: "yes"), Quota(memory.store.database, 10_000_000, clock))


def test_a_limit_holds_for_all_processes_and_opens_the_next_day(tmp_path: Path, clock: Clock) -> None:
    with opened(tmp_path, clock, None) as free:
        free.add("I moved to Oslo.", namespace="ann")
        once = asked(free)
    with opened(tmp_path, clock, 2 * once) as one, opened(tmp_path, clock, 2 * once) as other:
        assert (asked(one), asked(other)) == (once, once)
        for memory in (one, other):
            with pytest.raises(
                QuotaExhausted, match=r"took \d+ of \d+ tokens .* go on at 2026-03-03 00:00 UTC"
            ) as told:
                asked(memory)
            assert told.value.retry_after == 12 * 3600
        one.add("I moved to Bergen.", namespace="ann")  # what needs no model works
        assert one.search("Where did I move?", namespace="ann")
        clock.now += timedelta(hours=13)
        assert asked(one) > 0


def test_it_survives_a_restart_and_is_said_before(
    tmp_path: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    with opened(tmp_path, clock, None) as free:
        free.add("I moved to Oslo.", namespace="ann")
        once = asked(free)
    for said in (0, 1, 0):
        with opened(tmp_path, clock, 2 * once + 1) as memory, caplog.at_level(logging.WARNING):
            caplog.clear()
            asked(memory)
            assert len([one for one in caplog.messages if "tokens today" in one]) == said
    with opened(tmp_path, clock, 2 * once + 1) as memory, pytest.raises(QuotaExhausted):
        asked(memory)


def test_a_batch_stops_where_the_limit_is_reached(tmp_path: Path, clock: Clock) -> None:
    calls: list[str] = []

    def answer(asked: str) -> str:
        calls.append(asked)
        sleep(0.02)  # a batch is asked now and then whether it should stop
        return "yes " * 50

    with opened(tmp_path, clock, 200, FunctionModel(answer, concurrency=1)) as memory:
        model = memory.language_model
        assert model is not None
        with pytest.raises(QuotaExhausted, match="this memory took"):
            model.complete_many([prompt(f"Question {n}?") for n in range(100)])
        assert len(calls) < 100
        with pytest.raises(QuotaExhausted):
            model.complete_many([prompt("One more?")])


def test_who_stops_a_batch_is_not_told_of_limits(tmp_path: Path, clock: Clock) -> None:
    with opened(tmp_path, clock, 1_000_000) as memory:
        model = memory.language_model
        assert model is not None
        with pytest.raises(Cancelled):
            model.complete_many([prompt(f"Question {n}?") for n in range(5)], watch=Recorder(stop_after=1))
        assert memory.quota.used() > 0


def test_what_cannot_be_counted_now_is_counted_later(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: object) -> None:
        raise DatabaseBusy("another writer holds it")

    with opened(tmp_path, clock, 1_000_000) as memory:
        memory.add("I moved to Oslo.", namespace="ann")
        with monkeypatch.context() as patched:
            patched.setattr(TokenTable, "spend", busy)
            once = asked(memory)
        assert memory.quota.used() == 0
        assert asked(memory) == once
        assert memory.quota.used() == 2 * once


def test_jobs_wait_for_the_next_day(tmp_path: Path, clock: Clock) -> None:
    with opened(tmp_path, clock, 1) as memory:
        memory.add([f"I moved to town number {n} in the north." for n in range(40)], namespace="ann")
        with pytest.raises(QuotaExhausted):
            memory.extract(namespace="ann")
        states = {job.state for job in memory.jobs(namespace="ann")}
        assert states <= {"queued", "done"}
        assert "queued" in states
