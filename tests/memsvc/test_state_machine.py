"""Any sequence of verbs, reopenings and writes by a second process, against a plain dictionary."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from memsvc import Memory
from memsvc.errors import NotFound
from memsvc.testing import HashEmbedder
from tests.memsvc.second_process import SecondProcess

pytestmark = pytest.mark.slow

NAMESPACES = st.sampled_from(["ann", "acme/bob"])
TEXTS = st.sampled_from(["I like tea.", "Tea or coffee?", "Oslo in May", "the harbour", "Biscuit the beagle", "yes"])
SPEAKERS = st.sampled_from(["Ann", "Bob"])
SESSIONS = st.sampled_from(["s1", "s2"])
MINUTES = st.integers(0, 3)


@pytest.fixture(scope="module")
def child() -> Iterator[SecondProcess]:
    process = SecondProcess()
    yield process
    process.close()


def message(text: str, speaker: str, session: str, minute: int) -> dict[str, Any]:
    return {"content": text, "name": speaker, "session_id": session, "timestamp": f"2026-03-02T09:{minute:02}:00Z"}


class Life(RuleBasedStateMachine):
    """A memory and its model: namespace -> id -> text; and which contents have which id."""

    child: SecondProcess
    ids = Bundle("ids")

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="memsvc-test-"))
        self.path = self.folder / "agent.db"
        self.memory = self._opened()
        self.child.call("open", str(self.path))
        self.live: dict[str, dict[str, str]] = {"ann": {}, "acme/bob": {}}
        self.known: dict[tuple[Any, ...], str] = {}

    def _opened(self) -> Memory:
        memory = Memory.open(self.path, embedder=HashEmbedder(32))
        memory.store._snapshot_rows = 3
        return memory

    def _note(self, namespace: str, contents: tuple[Any, ...], status: str, memory_id: str) -> tuple[str, str]:
        first = self.known.setdefault((namespace, *contents), memory_id)  # the very object, when it is new
        assert memory_id == first, "equal contents keep their id"
        if first is memory_id:
            assert status == "stored"
            self.live[namespace][memory_id] = contents[0]
        else:
            assert status == "duplicate", "also when it was deleted since"
        return namespace, memory_id

    @rule(target=ids, namespace=NAMESPACES, text=TEXTS, speaker=SPEAKERS, session=SESSIONS, minute=MINUTES)
    def add(self, namespace: str, text: str, speaker: str, session: str, minute: int) -> tuple[str, str]:
        [receipt] = self.memory.add([message(text, speaker, session, minute)], namespace=namespace)
        return self._note(namespace, (text, speaker, session, minute), receipt.status, receipt.id or "")

    @rule(target=ids, namespace=NAMESPACES, text=TEXTS, speaker=SPEAKERS, session=SESSIONS, minute=MINUTES)
    def add_elsewhere(self, namespace: str, text: str, speaker: str, session: str, minute: int) -> tuple[str, str]:
        status, memory_id = self.child.call("add", namespace, message(text, speaker, session, minute))
        return self._note(namespace, (text, speaker, session, minute), status, memory_id)

    @rule(which=ids, text=TEXTS)
    def update(self, which: tuple[str, str], text: str) -> None:
        namespace, memory_id = which
        if memory_id in self.live[namespace]:
            assert self.memory.update(memory_id, namespace=namespace, text=text).text == text
            self.live[namespace][memory_id] = text
        else:
            with pytest.raises(NotFound):
                self.memory.update(memory_id, namespace=namespace, text=text)

    @rule(which=consumes(ids), elsewhere=st.booleans())
    def delete(self, which: tuple[str, str], elsewhere: bool) -> None:
        namespace, memory_id = which
        if memory_id not in self.live[namespace]:
            with pytest.raises(NotFound):
                self.memory.delete(memory_id, namespace=namespace)
        else:
            if elsewhere:
                self.child.call("delete", namespace, memory_id)
            else:
                self.memory.delete(memory_id, namespace=namespace)
            del self.live[namespace][memory_id]

    @rule(clean=st.booleans())
    def reopen(self, clean: bool) -> None:
        if clean:
            self.memory.close()
        self.memory = self._opened()

    @rule(namespace=NAMESPACES)
    def seen_elsewhere(self, namespace: str) -> None:
        assert self.child.call("live", namespace) == self.live[namespace]

    @rule(namespace=NAMESPACES, text=TEXTS, speaker=SPEAKERS)
    def search(self, namespace: str, text: str, speaker: str) -> None:
        hits = self.memory.search(text, namespace=namespace, top_k=1000, speaker=speaker)
        assert {hit.id: hit.text for hit in hits}.items() <= self.live[namespace].items()
        assert all(hit.memory.speaker == speaker for hit in hits)
        here = [hit.id for hit in self.memory.search(text, namespace=namespace, top_k=1000)]
        self.memory.reindex(namespace=namespace)
        assert here == [hit.id for hit in self.memory.search(text, namespace=namespace, top_k=1000)], "order is rebuilt"

    @invariant()
    def everything_live_is_found_and_nothing_else(self) -> None:
        for namespace, live in self.live.items():
            hits = self.memory.search("tea", namespace=namespace, top_k=1000)
            assert {hit.id: hit.text for hit in hits} == live
            assert {item.id: item.text for item in self.memory.list(namespace=namespace, limit=1000)} == live

    def teardown(self) -> None:
        if hasattr(self, "memory"):
            assert self.memory.verify() == []
            self.memory.close()
            shutil.rmtree(self.folder)


def test_any_life_equals_its_model(child: SecondProcess) -> None:
    Life.child = child
    run_state_machine_as_test(Life, settings=settings(max_examples=40, stateful_step_count=25))
