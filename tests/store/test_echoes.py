"""Echoes in the store: rows like any other's, and none in the projections."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from memsvc_store.store import Store
from memsvc_store.values.erasure_receipts import Target
from memsvc_store.values.hits import NO_FILTER
from tests.store.values import START, Space, draft, fact, said, trace


@pytest.fixture
def store(target: str) -> Iterator[Store]:
    with Store(target, space=Space()) as opened:
        yield opened


def test_an_echo_is_in_the_log_and_in_no_projection(store: Store) -> None:
    [one] = said(store, "I moved to Oslo.")
    echo, plain = store.add("ann", [draft("I moved to Oslo.", minutes=1, echo_of=one), draft("Yes.", minutes=2)])
    assert (echo.status, echo.echo_of, plain.status, plain.echo_of) == ("echo", one, "stored", None)
    assert [memory.echo_of for memory in store.page("ann", limit=9)] == [None, one, None]
    assert [memory.position for memory in store.whole("ann").log(NO_FILTER)] == [0, 1, 2]
    with store.reading("ann") as reading:
        assert reading.shard.live_ids == [one, plain.id]
    assert len(store.hyperedges("ann", 9).read) == 2
    counts = store.counts("ann")
    assert (counts["messages"], counts["hot"], counts["echoes"], counts["stale"]) == (3, 2, 1, 0)
    assert store.jobs.enqueue_extraction("ann", 9) == 1
    assert store.jobs.find()[0].messages == (one, plain.id), "a fact would bring it into the ranking after all"
    assert store.reindex("ann") == 2
    assert store.verify("ann") == []


def test_what_repeats_a_memory_that_is_gone_is_a_message_of_its_own(store: Store) -> None:
    deleted, erased = said(store, "I moved to Oslo.", "I moved to Bergen.")
    store.delete("ann", deleted)
    store.erasure.forget("ann", Target("memory", erased))
    receipts = store.add("ann", [draft("Oslo.", echo_of=deleted), draft("Bergen.", echo_of=erased)])
    assert [(receipt.status, receipt.echo_of) for receipt in receipts] == [("stored", None)] * 2
    assert store.add("ann", [draft("Moss.", echo_of="0" * 20)], moved=True)[0].status == "echo", "an export says so"
    assert store.verify("ann") == []


def test_an_echo_goes_with_what_it_repeats_and_so_does_the_echo_of_a_fact(store: Store) -> None:
    one, other = said(store, "I moved to Oslo.", "Bob keeps bees.")
    [of_one] = store.add_facts("ann", [fact("Ann lives in Oslo.", one)])
    store.add("ann", [draft("Ann lives in Oslo.", session="s2", echo_of=of_one.id)])
    assert store.erasure.forget("ann", Target("memory", one)).counts["memories"] == 3
    assert [memory.id for memory in store.page("ann", limit=9)] == [other]
    assert store.verify("ann") == []


def test_what_a_session_was_told_is_the_latest_of_its_look_ups(store: Store) -> None:
    [one] = said(store, "I moved to Oslo.")
    for minute, session in enumerate(("s1", "s2", None, "s1", "s1")):
        store.learning.add_trace("ann", trace(one, at=START + timedelta(minutes=minute), session_id=session))
    found = store.learning.told("ann", ["s1"], START, 9)
    assert [(one.at - START).seconds // 60 for one in found] == [3, 4], "after the moment, oldest first"
    assert store.learning.told("ann", ["s1"], START, 1) == found[-1:]
    assert store.learning.told("nobody", ["s1"], START, 9) == []
