"""Any sequence of writes, corrections, deletions, runs, failures and vanished workers, against a plain dictionary."""

from __future__ import annotations

import shutil
import tempfile
import zlib
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from memsvc import Memory, Settings
from memsvc.errors import InvalidReply, ModelUnavailable
from memsvc.testing import HashEmbedder, RuleModel
from memsvc_retrievers.language import Prompt
from memsvc_store.writing.job_queue import LEASE
from tests.memsvc.conftest import START
from tests.memsvc.extracting import every_message, extracting, fact_text, nothing_decided, numbered

pytestmark = pytest.mark.slow

NAMESPACES = st.sampled_from(["ann", "acme/bob"])
TEXTS = st.sampled_from(["I like tea.", "Tea or coffee?", "Oslo in May", "the harbour", "Biscuit the beagle", "yes"])
MERGED = "Merged: "


def anything(prompt: Prompt) -> dict[str, Any]:
    """Decisions that follow from the prompt alone: good ones, bad ones, of old facts that are not there."""
    old = list(numbered(prompt, "Old facts"))
    decisions = []
    for text, number in numbered(prompt, "New facts").items():
        dice = zlib.crc32(text.encode())
        target = dice // 4 % (len(old) + 2)
        action = ("ADD", "UPDATE", "DELETE", "NOOP")[dice % 4]
        decisions.append(
            {"new": number, "action": action, "old": target, "text": f"{MERGED}{dice}" if dice % 8 > 3 else ""}
        )
    return {"decisions": decisions[::2] if len(old) > 3 else decisions}


class Life(RuleBasedStateMachine):
    """A memory with extraction, and its model: namespace -> id -> (minute, speaker, text) of the live messages."""

    decide = staticmethod(nothing_decided)

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="memsvc-test-"))
        self.at = START
        self.during: list[Any] = []
        self.model = extracting(self._facts, type(self).decide)
        self.memory, self.other = self._opened(), self._opened()
        self.live: dict[str, dict[str, tuple[int, str, str]]] = {"ann": {}, "acme/bob": {}}
        self.deleted_facts: set[str] = set()
        self.finished: dict[int, datetime | None] = {}
        self.serial = 0

    def _opened(self) -> Memory:
        chosen = Settings.load(extract_messages=2)
        return Memory.open(
            self.folder / "a.db", embedder=HashEmbedder(32), language_model=self.model, settings=chosen,
            now=lambda: self.at,
        )  # fmt: skip

    def _facts(self, prompt: Prompt) -> Any:
        if self.during:
            self.during.pop()()
        return every_message(prompt)

    def _pick(self, namespace: str, number: int) -> str | None:
        ids = sorted(self.live[namespace])
        return ids[number % len(ids)] if ids else None

    def _text(self, namespace: str, number: int) -> tuple[bool, str]:
        text = self.live[namespace][self._pick(namespace, number) or ""][2]
        return text.startswith("Fresh"), text

    @rule(namespace=NAMESPACES, text=TEXTS, speaker=st.sampled_from(["Ann", "Bob"]), minute=st.integers(0, 9))
    def add(self, namespace: str, text: str, speaker: str, minute: int) -> None:
        stamp = f"2026-03-02T09:{minute:02}:00Z"
        message = {"content": text, "name": speaker, "session_id": "s", "timestamp": stamp}
        [receipt] = self.memory.add([message], namespace=namespace)
        if receipt.status == "stored":
            self.live[namespace][receipt.id or ""] = (minute, speaker, text)

    @rule(namespace=NAMESPACES, number=st.integers(0, 9))
    def delete(self, namespace: str, number: int) -> None:
        if (memory_id := self._pick(namespace, number)) is not None:
            self.other.delete(memory_id, namespace=namespace)
            del self.live[namespace][memory_id]

    @rule(namespace=NAMESPACES, number=st.integers(0, 9))
    def correct(self, namespace: str, number: int) -> None:
        if (memory_id := self._pick(namespace, number)) is not None:
            self.serial += 1
            minute, speaker, _ = self.live[namespace][memory_id]
            text = f"Corrected, the {self.serial}. time."
            self.other.update(memory_id, namespace=namespace, text=text)
            self.live[namespace][memory_id] = (minute, speaker, text)

    @rule(namespace=NAMESPACES, number=st.integers(0, 9))
    def delete_a_fact(self, namespace: str, number: int) -> None:
        facts = self.memory.list(namespace=namespace, kind="fact", limit=99)
        if facts:
            fact = facts[number % len(facts)]
            self.memory.delete(fact.id, namespace=namespace)
            self.deleted_facts.add(fact.text)

    @rule(namespace=NAMESPACES)
    def extract(self, namespace: str) -> None:
        self.memory.extract(namespace=namespace)

    @rule(namespace=NAMESPACES, corrected=st.booleans())
    def extract_while_a_message_changes(self, namespace: str, corrected: bool) -> None:
        self.serial += 1
        self.add(namespace, f"Fresh, the {self.serial:04}. time.", "Ann", 5)
        newest = max(range(len(self.live[namespace])), key=lambda one: self._text(namespace, one))
        change = self.correct if corrected else self.delete
        self.during = [lambda: change(namespace, newest)]
        self.memory.extract(namespace=namespace)
        self.during = []

    @rule(namespace=NAMESPACES)
    def extract_while_another_does(self, namespace: str) -> None:
        self.during = [lambda: self.other.extract(namespace=namespace)]
        self.memory.extract(namespace=namespace)
        self.during = []

    @rule(namespace=NAMESPACES)
    def extract_so_slowly_that_another_overtakes(self, namespace: str) -> None:
        def overtake() -> None:
            self.at += LEASE
            self.other.extract(namespace=namespace)

        self.during = [overtake]
        self.memory.extract(namespace=namespace)
        self.during = []

    @rule(namespace=NAMESPACES, away=st.booleans())
    def extract_and_fail(self, namespace: str, away: bool) -> None:
        def fail() -> None:
            raise ModelUnavailable("away") if away else InvalidReply("no JSON")

        self.during = [fail, fail]
        try:
            self.memory.extract(namespace=namespace)
        except ModelUnavailable:
            assert away
        self.during = []

    @rule(namespace=NAMESPACES)
    def a_worker_vanishes(self, namespace: str) -> None:
        self.memory.store.jobs.enqueue_extraction(namespace, 2)
        self.memory.store.jobs.claim(namespace, 2)

    @rule()
    def time_goes_by(self) -> None:
        self.at += timedelta(minutes=3)

    @rule()
    def retry(self) -> None:
        self.memory.retry()

    @rule()
    def reopen(self) -> None:
        self.memory.close()
        self.memory = self._opened()

    @invariant()
    def messages_are_as_they_were_left(self) -> None:
        for namespace, live in self.live.items():
            listed = self.memory.list(namespace=namespace, kind="message", limit=999)
            assert {one.id: one.text for one in listed} == {key: text for key, (*_, text) in live.items()}

    @invariant()
    def facts_rest_on_live_messages_as_they_are_now(self) -> None:
        for namespace, live in self.live.items():
            for fact in self.memory.list(namespace=namespace, kind="fact", limit=999):
                assert fact.sources
                assert set(fact.sources) <= set(live)
                said = {fact_text(f"2026-03-02 09:{live[one][0]:02}", *live[one][1:]) for one in fact.sources}
                assert fact.text.startswith(MERGED) or fact.text in said

    @invariant()
    def a_job_ends_once(self) -> None:
        for job in self.memory.jobs(state="done"):
            assert self.finished.setdefault(job.key, job.finished_at) == job.finished_at

    def teardown(self) -> None:
        if not hasattr(self, "memory"):
            return
        self.at += timedelta(days=1)
        self.memory.retry()
        self.memory.extract()
        assert {job.state for job in self.memory.jobs()} <= {"done"}
        self.in_the_end()
        assert self.memory.verify() == self.other.verify() == []
        self.memory.close()
        self.other.close()
        shutil.rmtree(self.folder)

    def in_the_end(self) -> None:
        """Where nothing is merged, each live message has its fact, unless that was deleted."""
        for namespace, live in self.live.items():
            wanted = {fact_text(f"2026-03-02 09:{minute:02}", who, text) for minute, who, text in live.values()}
            found = {one.text for one in self.memory.list(namespace=namespace, kind="fact", limit=999)}
            assert wanted - self.deleted_facts <= found <= wanted


class DecidedLife(Life):
    """The same with decisions of every kind."""

    decide = staticmethod(anything)  # type: ignore[assignment]

    def in_the_end(self) -> None:
        """What was merged or replaced is gone by right."""


@pytest.mark.parametrize("life", [Life, DecidedLife])
def test_any_life_keeps_its_messages_and_no_unfounded_fact(life: type[Life]) -> None:
    run_state_machine_as_test(life, settings=settings(max_examples=20, stateful_step_count=25))


def test_the_decisions_are_of_every_kind() -> None:
    texts = [f"(2026-03-02) Fact {number}." for number in range(30)]
    lines = "\n".join(f"[{number}] {text}" for number, text in enumerate(texts, 1))
    prompt = Prompt("", f"Old facts:\n[1] (2026-03-02) Old.\n\nNew facts:\n{lines}", "update")
    assert {one["action"] for one in anything(prompt)["decisions"]} == {"ADD", "UPDATE", "DELETE", "NOOP"}
    assert isinstance(extracting(), RuleModel)
