"""A write of one namespace, however long it takes, keeps nobody from reading another; on SQLite and PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from memsvc import Memory
from memsvc.testing import HashEmbedder
from memsvc_store.values.drafts import Draft
from memsvc_store.writing import transaction, writes
from tests.memsvc.conftest import START, ticking
from tests.store.conftest import postgres_uri, postgres_url, target

pytestmark = pytest.mark.slow

__all__ = ["postgres_uri", "postgres_url", "target"]

LONG = 20.0
"""Seconds; shorter than a database waits for a lock (30), so that who is blocked fails here."""

READS: dict[str, Callable[[Memory, str], object]] = {
    "search": lambda memory, name: [hit.text for hit in memory.search("Oslo", namespace=name)],
    "list": lambda memory, name: [one.text for one in memory.list(namespace=name)],
    "get": lambda memory, name: memory.get(memory.list(namespace=name)[0].id, namespace=name).text,
    "history": lambda memory, name: len(memory.history(memory.list(namespace=name)[0].id, namespace=name)),
    "stats": lambda memory, name: memory.stats(namespace=name)["messages"],
    "export": lambda memory, name: len(list(memory.export(namespace=name))),
    "namespaces": lambda memory, _: memory.namespaces(),
}


@pytest.fixture
def memory(target: str) -> Iterator[Memory]:
    with Memory.open(target, embedder=HashEmbedder(), now=ticking()) as opened:
        for namespace in ("ann", "not loaded yet", "ben"):
            opened.add("I moved to Oslo.", namespace=namespace)
        opened.search("Oslo", namespace="ann")
        yield opened


@contextmanager
def held_open(memory: Memory, namespace: str, text: str) -> Iterator[None]:
    """A write of this namespace that has written, and is not committed until the block ends."""
    written, done = threading.Event(), threading.Event()

    def write() -> None:
        draft = Draft(text, "Ben", "user", "default", START, vector=memory.embedder.embed([text])[0])
        with transaction.writing(memory.store.database, namespace, START) as write:
            [receipt] = writes.add(write, [draft], memory.store.model)
            assert receipt.status == "stored"
            written.set()
            assert done.wait(10 * LONG)

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write)
        try:
            assert written.wait(LONG)
            yield
            assert not writing.done()
        finally:
            done.set()
        writing.result(LONG)


@pytest.mark.parametrize("read", READS.values(), ids=READS)
@pytest.mark.parametrize("name", ["ann", "not loaded yet", "ben"])
def test_reads_go_on_while_a_write_is_open(memory: Memory, name: str, read: Callable[[Memory, str], object]) -> None:
    before = read(memory, "ann")  # all three hold the same
    with held_open(memory, "ben", "I moved on to Bergen."), ThreadPoolExecutor(1) as pool:
        found = pool.submit(read, memory, name).result(LONG)
    assert found == before, "what is not committed shows nowhere"
    assert [hit.text for hit in memory.search("Bergen", namespace="ben", top_k=1)] == ["I moved on to Bergen."]


def test_on_postgresql_writes_of_other_namespaces_go_on_too(postgres_url: str) -> None:
    """SQLite has one writer a file: there they queue."""
    with Memory.open(postgres_url, embedder=HashEmbedder(), now=ticking()) as memory:
        for namespace in ("ann", "ben"):
            memory.add("I moved to Oslo.", namespace=namespace)
        with held_open(memory, "ben", "I moved on to Bergen."), ThreadPoolExecutor(1) as pool:
            [receipt] = pool.submit(memory.add, "Bees are loud.", namespace="ann").result(LONG)
            assert receipt.status == "stored"
            assert pool.submit(memory.search, "bees", namespace="ann", trace=True).result(LONG).trace_id
