"""What expires is out of every look-up, listing and export at that moment, by the store's clock, on both databases."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memsvc_store.errors import NotFound
from memsvc_store.store import Store
from memsvc_store.values.erasure_receipts import Target
from memsvc_store.values.hits import NO_FILTER
from tests.store.values import START, Space, draft, fact

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Clock:
    """A clock that is set by hand, in minutes after START."""

    def __init__(self) -> None:
        self.minutes = 0.0

    def __call__(self) -> datetime:
        return START + timedelta(minutes=self.minutes)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(target: str, clock: Clock) -> Iterator[Store]:
    with Store(target, space=Space(), now=clock) as store:
        yield store


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def seen(store: Store) -> dict[str, set[str]]:
    """The texts that each way of looking gives."""
    with store.reading("ann") as reading:
        shard = {memory.text for memory in reading.memories(reading.shard.rows_of(reading.shard.live_ids))}
    return {
        "shard": shard,
        "listed": {memory.text for memory in store.page("ann", limit=99)},
        "log": {memory.text for memory in store.whole("ann").log(NO_FILTER)},
        "graph": {one.text for one in store.hyperedges("ann", 99).read},
        "exported": {memory.text for _, memory, _ in store.export("ann")},
    }


def everywhere(store: Store, *texts: str) -> bool:
    found = seen(store)
    assert all(one == {*texts} for one in found.values()), found
    assert store.verify("ann") == []
    return True


def test_it_is_gone_at_the_moment_without_a_write(store: Store, clock: Clock) -> None:
    [short, _] = store.add("ann", [draft("short", expires_at=at(10)), draft("long")])
    assert everywhere(store, "short", "long")
    clock.minutes = 9.99
    assert everywhere(store, "short", "long")
    clock.minutes = 10
    assert everywhere(store, "long")
    with pytest.raises(NotFound, match="expired at 2026-03-02 09:10:00Z"):
        store.get("ann", short.id or "")
    with pytest.raises(NotFound, match="expired at"):
        store.update("ann", short.id or "", text="again")
    assert [memory.text for memory in store.page("ann", limit=9, expired=True)] == ["short"]
    counts = store.counts("ann")
    assert (counts["memories"], counts["hot"], counts["expired"], counts["messages"]) == (1, 1, 1, 2)
    [again] = store.add("ann", [draft("short")])
    assert (again.status, again.reason) == ("duplicate", "it was deleted or has expired since, and stays so")


def test_a_clock_that_is_set_back_brings_it_back(store: Store, clock: Clock) -> None:
    store.add("ann", [draft("short", expires_at=at(10)), draft("long")])
    clock.minutes = 20
    assert everywhere(store, "long")
    clock.minutes = 5
    assert everywhere(store, "short", "long")


def test_it_can_be_changed_and_taken_back(store: Store, clock: Clock) -> None:
    [receipt] = store.add("ann", [draft("one", expires_at=at(10))])
    memory = store.update("ann", receipt.id or "", expires_at=at(20))
    assert memory.expires_at == at(20)
    clock.minutes = 15
    assert everywhere(store, "one")
    assert store.update("ann", receipt.id or "", expires_at="never").expires_at is None
    clock.minutes = 30
    assert everywhere(store, "one")
    assert [step.before for step in store.history("ann", receipt.id or "")] == [
        {}, {"expires_at": at(10).isoformat()}, {"expires_at": at(20).isoformat()},
    ]  # fmt: skip


def test_what_rests_on_it_and_echoes_it_expires_with_it(store: Store, clock: Clock) -> None:
    [first, second] = [one.id or "" for one in store.add("ann", [draft("a"), draft("b", expires_at=at(30))])]
    [echo] = [one.id or "" for one in store.add("ann", [draft("a!", echo_of=first)])]
    [own, both] = [
        one.id or ""
        for one in store.add_facts(
            "ann", [fact("A.", first, by="caller", expires_at=at(20)), fact("A, B.", first, second)]
        )
    ]

    def ends() -> list[datetime | None]:
        return [store.get("ann", one).expires_at for one in (first, echo, own, both)]

    assert ends() == [None, None, at(20), at(30)]
    store.update("ann", first, expires_at=at(10))
    assert ends() == [at(10)] * 4
    store.update("ann", first, expires_at=at(25))
    assert ends() == [at(25)] * 4
    store.update("ann", both, expires_at=at(99))
    assert ends() == [at(25)] * 4, "no longer than what it rests on"
    store.update("ann", first, expires_at="never")
    assert ends() == [None, None, None, at(30)]
    assert store.verify("ann") == []


def test_a_fact_that_expired_may_be_worked_out_anew(store: Store, clock: Clock) -> None:
    [message] = [one.id or "" for one in store.add("ann", [draft("a")])]
    [first] = store.add_facts("ann", [fact("A.", message, by="caller", expires_at=at(10))])
    clock.minutes = 10
    assert everywhere(store, "a")
    [again] = store.add_facts("ann", [fact("A.", message, by="caller")])
    assert (again.status, again.id) == ("stored", first.id)
    assert everywhere(store, "a", "A.")
    [lost] = store.add("ann", [draft("lost", expires_at=at(20))])
    clock.minutes = 20
    [rejected] = store.add_facts("ann", [fact("Lost.", lost.id or "")])
    assert rejected.status == "rejected"


def test_its_bytes_go_with_an_erasure_and_a_receipt(store: Store, clock: Clock, target: str) -> None:
    [short, _] = store.add("ann", [draft("xylophone", expires_at=at(10)), draft("long")])
    store.add_facts("ann", [fact("Xylophone!", short.id or "")])
    with pytest.raises(NotFound, match="nothing of namespace 'ann' has expired"):
        store.erasure.forget("ann", Target("expired"))
    clock.minutes = 10
    receipt = store.erasure.forget("ann", Target("expired"))
    assert (receipt.what, receipt.target, receipt.counts["memories"], receipt.counts["facts"]) == (
        "expired",
        None,
        2,
        1,
    )
    assert store.erasure.verify(receipt)
    assert store.page("ann", limit=9, expired=True) == []
    with pytest.raises(NotFound):
        store.history("ann", short.id or "")
    assert everywhere(store, "long")
    if "://" not in target:
        with open(target, "rb") as file:
            assert b"xylophone" not in file.read().lower()


def test_a_snapshot_keeps_when_it_expires(tmp_path: Path, clock: Clock) -> None:
    def opened() -> Store:
        return Store(tmp_path / "a.db", space=Space(), now=clock, snapshot_rows=2)

    with opened() as store:
        store.add("ann", [draft("short", expires_at=at(10)), draft("gone", expires_at=at(5)), draft("long")])
        clock.minutes = 6
        assert everywhere(store, "short", "long")
    with opened() as store:
        clock.minutes = 10
        assert everywhere(store, "long")
    with opened() as store:
        clock.minutes = 1
        assert everywhere(store, "short", "gone", "long")


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["add", "update", "tick"]), st.integers(0, 9), st.integers(1, 9)), max_size=12)
)
def test_the_shard_is_as_sql_whatever_the_clock_does(steps: list[tuple[str, int, int]]) -> None:
    clock = Clock()
    with Store(":memory:", space=Space(), now=clock) as store:
        store.add("ann", [draft("first")])
        for number, (step, minute, more) in enumerate(steps):
            if step == "tick":
                clock.minutes = minute
            elif step == "add":
                store.add("ann", [draft(f"text {number}", minutes=number, expires_at=at(clock.minutes + more))])
            else:
                for memory in store.page("ann", limit=1, offset=minute % 3):
                    store.update("ann", memory.id, expires_at=at(clock.minutes + more))
            everywhere(store, *(memory.text for memory in store.page("ann", limit=99)))
