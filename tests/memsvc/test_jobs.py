"""The worker: failures that show, models that are away, several at once, restarts, and the background."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from memsvc import Memory, Settings
from memsvc.errors import (
    Cancelled,
    EmbedderError,
    InvalidInput,
    ModelInaccessible,
    ModelRefused,
    ModelUnavailable,
    SettingsError,
)
from memsvc.testing import HashEmbedder, RuleModel
from memsvc.work.background import Background
from memsvc.work.extraction import GROUP_WAIT, Extraction
from memsvc.work.worker import BATCH, RENEW_SECONDS, Worker, _Lease
from memsvc_retrievers.language import Prompt
from memsvc_store.values.jobs import Job
from memsvc_store.writing.job_queue import BACKOFF, LEASE
from tests.memsvc.conftest import START
from tests.memsvc.extracting import every_message, extracting, fact_text, facts_of, new_messages, talk

pytestmark = pytest.mark.process

WORDS = [
    "The harbour at dawn.",
    "Biscuit the beagle barks.",
    "Seven green bottles.",
    "Quantum chess club.",
    "Oslo in May.",
]


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.at = START

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def opened(path: Path, clock: Clock) -> Iterator[Callable[..., Memory]]:
    """Opens the memory with a model, one message a call unless told; closed at the end."""
    memories = []

    def open_(model: RuleModel | None, **settings: Any) -> Memory:
        chosen = Settings.load(**({"extract_messages": 1} | settings))
        memories.append(Memory.open(path, embedder=HashEmbedder(), language_model=model, settings=chosen, now=clock))
        return memories[-1]

    yield open_
    for memory in memories:
        memory.close()


def failing(on: str, error: Exception) -> Callable[[Prompt], Any]:
    """The rule of every message, but for one text."""

    def rule(prompt: Prompt) -> Any:
        if any(text == on for *_, text in new_messages(prompt)):
            raise error
        return every_message(prompt)

    return rule


def states(memory: Memory, namespace: str | None = None) -> list[str]:
    return [job.state for job in memory.jobs(namespace=namespace)]


def test_the_error_of_one_job_stops_no_other(opened: Callable[..., Memory], clock: Clock) -> None:
    memory = opened(extracting(failing(WORDS[1], ModelRefused("facts: too long"))))
    talk(memory, *WORDS)
    seen: list[Job] = []
    summary = memory.extract(namespace="ann", on_event=seen.append)
    assert (summary.done, summary.put_back, summary.failed) == (4, 1, 0)
    assert [job.state for job in seen] == states(memory) == ["done", "queued", "done", "done", "done"]
    for attempt in (2, 3):
        clock.at += timedelta(minutes=5)
        memory.extract(namespace="ann")
        [job] = [job for job in memory.jobs(namespace="ann") if job.state != "done"]
        assert (job.attempts, job.error) == (attempt, "ModelRefused: facts: too long")
    assert [job.messages for job in memory.jobs(state="failed")] == [job.messages]
    assert len(facts_of(memory)) == 4
    assert memory.retry(namespace="nobody") == 0
    assert memory.retry() == 1
    assert states(memory).count("queued") == 1


def test_a_model_that_is_away_stops_the_run_and_fails_nothing(opened: Callable[..., Memory]) -> None:
    memory = opened(model := extracting(failing(WORDS[1], ModelUnavailable("the server is down"))))
    talk(memory, *WORDS, *(f"{word} Again." for word in WORDS))
    talk(memory, "Also here.", namespace="bob")
    with pytest.raises(ModelUnavailable, match="the server is down; 1 extraction jobs were put back"):
        memory.extract()
    assert states(memory, "ann") == ["done", "queued", *["done"] * 6, "queued", "queued"], "no second batch"
    assert {job.attempts for job in memory.jobs(state="queued")} == {0}
    model._rules["facts"] = every_message
    memory.extract()
    assert set(states(memory)) == {"done"}
    assert len(facts_of(memory)) == 10


def test_a_model_that_refuses_everything_stops_the_run_and_fails_nothing(opened: Callable[..., Memory]) -> None:
    def closed(_: Prompt) -> Any:
        raise ModelInaccessible("status 401: bad key; check the key")

    memory = opened(extracting(closed))
    talk(memory, *WORDS, *(f"{word} Again." for word in WORDS))
    with pytest.raises(ModelInaccessible, match="401: bad key; check the key; 8 extraction jobs were put back"):
        memory.extract()
    assert {(job.state, job.attempts) for job in memory.jobs()} == {("queued", 0)}


def test_what_an_attempt_cost_is_kept_also_if_it_failed(opened: Callable[..., Memory], clock: Clock) -> None:
    memory = opened(model := extracting(lambda _: "no JSON " * 50))
    talk(memory, WORDS[0])
    first = memory.extract()
    assert (first.error or "").startswith("InvalidReply: facts:")
    assert (first.waiting, first.held, first.free_at) == (1, 0, START + BACKOFF)
    [failed] = memory.jobs()
    assert failed.result["completion_tokens"] == first.completion_tokens == 100
    clock.at += BACKOFF
    model._rules["facts"] = every_message
    second = memory.extract()
    [done] = memory.jobs()
    assert (second.error, second.waiting, second.free_at) == (None, 0, None)
    assert second.completion_tokens < 100, "of this run"
    [(purpose, spent)] = done.result["spent"].items()
    assert (purpose, spent["calls"], spent["retries"], spent["cost"], spent["seconds"]) == ("facts", 2, 0, 0.0, 0.0)
    assert spent["completion_tokens"] == 100 + second.completion_tokens, "of both attempts"


def test_a_call_that_fails_after_another_counts_with_it(opened: Callable[..., Memory]) -> None:
    def unreadable(_: Prompt) -> Any:
        return "no JSON"

    memory = opened(
        extracting(lambda p: {"facts": [{"fact": "!" * len(p.user) + "Oslo", "messages": [1]}]}, unreadable)
    )
    talk(memory, "a", "b")
    memory.extract(namespace="ann")
    [failed] = memory.jobs(state="queued")
    assert {purpose: of["calls"] for purpose, of in failed.result["spent"].items()} == {"facts": 1, "update": 1}


def test_what_a_vanished_worker_holds_is_told(opened: Callable[..., Memory]) -> None:
    memory = opened(extracting())
    talk(memory, WORDS[0])
    memory.store.jobs.enqueue_extraction("ann", 1)
    memory.store.jobs.claim("ann")
    summary = memory.extract()
    assert (summary.done, summary.waiting, summary.held, summary.free_at) == (0, 0, 1, START + LEASE)


def test_how_much_there_is_to_do_is_told_first(opened: Callable[..., Memory]) -> None:
    memory = opened(extracting())
    talk(memory, *WORDS)
    seen: list[Any] = []
    memory.extract(on_queued=seen.append, on_event=lambda job: seen.append(job.state))
    assert seen == [5, *["done"] * 5]


def test_a_model_that_goes_away_between_the_calls(opened: Callable[..., Memory]) -> None:
    def away(_: Prompt) -> Any:
        raise ModelUnavailable("gone")

    memory = opened(
        extracting(lambda prompt: {"facts": [{"fact": WORDS[0] + "!" * len(prompt.user), "messages": [1]}]}, away)
    )
    talk(memory, "a", "b")
    with pytest.raises(ModelUnavailable, match="1 extraction jobs were put back"):
        memory.extract(namespace="ann")
    assert states(memory) == ["done", "queued"]


def test_an_embedder_that_is_away_stops_the_run_too(
    opened: Callable[..., Memory], monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = opened(extracting())
    talk(memory, *WORDS)
    memory.store.jobs.enqueue_extraction("ann", 1)
    with monkeypatch.context() as patch:
        patch.setattr(HashEmbedder, "embed", lambda *_, **__: (_ for _ in ()).throw(EmbedderError("away")))
        with pytest.raises(EmbedderError):
            memory.extract(namespace="ann")
    assert {(job.state, job.attempts) for job in memory.jobs()} == {("queued", 0)}
    assert memory.extract(namespace="ann").done == 5


@pytest.mark.parametrize("error", [KeyboardInterrupt, Cancelled, ZeroDivisionError])
def test_an_interruption_puts_the_rest_back(opened: Callable[..., Memory], error: type[BaseException]) -> None:
    memory = opened(extracting())
    talk(memory, *WORDS)

    def interrupt(_: Job) -> None:
        raise error

    with pytest.raises(error):
        memory.extract(namespace="ann", on_event=interrupt)
    assert [(job.state, job.attempts) for job in memory.jobs()] == [("done", 1), *[("queued", 0)] * 4]
    assert memory.extract(namespace="ann").done == 4


def test_a_run_has_a_limit(opened: Callable[..., Memory]) -> None:
    memory = opened(model := extracting())
    talk(memory, *WORDS)
    memory.store.jobs.enqueue_extraction("ann", 1)
    worker = Worker(memory.store, Extraction(memory.store, memory._checked, memory.settings), lambda: model)
    assert len(worker.do(["ann"], limit=2)) == 2
    assert states(memory) == ["done", "done", "queued", "queued", "queued"]


def test_namespaces_stay_apart(opened: Callable[..., Memory]) -> None:
    memory = opened(model := extracting())
    talk(memory, "Only Ann knows this.")
    talk(memory, "Only Bob knows that.", namespace="bob")
    memory.extract(namespace="ann")
    assert states(memory, "bob") == []
    memory.extract(namespace="bob")
    assert len(facts_of(memory)) == len(facts_of(memory, "bob")) == 1
    assert all("Ann knows" not in prompt.user for prompt in model.prompts if "Bob knows" in prompt.user)
    assert [job.namespace for job in memory.jobs(namespace="bob")] == ["bob"]
    assert len(memory.jobs()) == 2
    with pytest.raises(InvalidInput, match="state came as 'dreaming'"):
        memory.jobs(state="dreaming")  # type: ignore[arg-type]


def test_two_workers_at_once_do_each_job_once(path: Path, opened: Callable[..., Memory]) -> None:
    models = [extracting(), extracting()]
    memories = [opened(model) for model in models]
    texts = [f"{word} {number}" for number in range(8) for word in WORDS]
    talk(memories[0], *texts)
    with ThreadPoolExecutor(2) as pool:
        summaries = list(pool.map(lambda memory: memory.extract(namespace="ann"), memories))
    assert sum(summary.done for summary in summaries) == len(texts)
    asked = [prompt for model in models for prompt in model.prompts if prompt.purpose == "facts"]
    assert len(asked) == len(texts), "none was done twice"
    assert len(facts_of(memories[0])) == len(texts)
    assert memories[0].verify() == memories[1].verify() == []


def test_a_worker_that_was_overtaken_stores_nothing(opened: Callable[..., Memory], clock: Clock) -> None:
    def slow(prompt: Prompt) -> Any:
        clock.at += LEASE
        quick.extract(namespace="ann")
        return {"facts": [{"fact": "From the slow one.", "messages": [1]}]}

    memory, quick = opened(extracting(slow)), opened(extracting())
    talk(memory, WORDS[0])
    assert memory.extract(namespace="ann").done == 0
    assert list(facts_of(memory)) == [fact_text("2026-03-02 09:00", "Ann", WORDS[0])]
    assert states(memory) == ["done"]


def test_claims_are_renewed_while_calls_are_under_way(
    opened: Callable[..., Memory], clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = opened(extracting())
    talk(memory, WORDS[0])
    memory.store.jobs.enqueue_extraction("ann", 1)
    jobs = memory.store.jobs.claim("ann")
    lease = _Lease(memory.store.jobs, jobs, lambda: False)
    clock.at += LEASE / 2
    assert not lease.cancelled()
    assert memory.jobs()[0].leased_until == START + LEASE, "not yet"
    monkeypatch.setattr(lease, "_renewed", lease._renewed - RENEW_SECONDS - 1)
    assert not lease.cancelled()
    assert memory.jobs()[0].leased_until == START + LEASE * 1.5


def test_single_messages_are_worked_through_in_groups(opened: Callable[..., Memory], clock: Clock) -> None:
    memory = opened(extracting(), extract_messages=2)
    task = Extraction(memory.store, memory._checked, memory.settings)
    ids = []
    for word in WORDS:
        ids += talk(memory, word, hour=9 + len(ids))
        task.enqueue("ann")
    assert [job.messages for job in memory.jobs()] == [tuple(ids[:2]), tuple(ids[2:4]), tuple(ids[4:])]
    assert [job.due_at - START for job in memory.jobs()] == [timedelta(0), timedelta(0), GROUP_WAIT]
    assert memory.store.jobs.seconds_to_next("ann") == 0
    worker = Worker(memory.store, task, lambda: memory.language_model)
    assert len(worker.do(["ann"])) == 2
    assert memory.store.jobs.seconds_to_next("ann") == GROUP_WAIT.total_seconds(), "and then the background comes back"
    assert memory.retry() == 0, "it was never tried"
    clock.at += GROUP_WAIT
    assert len(worker.do(["ann"])) == 1
    assert len(facts_of(memory)) == 5


def test_whoever_extracts_now_waits_for_no_company(opened: Callable[..., Memory]) -> None:
    memory = opened(extracting(), extract_messages=2)
    talk(memory, *WORDS[:3])
    Extraction(memory.store, memory._checked, memory.settings).enqueue("ann")
    assert memory.extract().done == 2
    assert len(facts_of(memory)) == 3


# -- in the background ---------------------------------------------------------------------------


def settled(memory: Memory, enough: threading.Event) -> None:
    """Wait for the background; a hang is a failure."""
    assert enough.wait(20)
    memory.close()


def counting(rule: Callable[[Prompt], Any], calls: int) -> tuple[Callable[[Prompt], Any], threading.Event]:
    """A rule, and an event that is set when the prompt after so many comes."""
    event, seen = threading.Event(), [0]

    def counted(prompt: Prompt) -> Any:
        seen[0] += 1
        if seen[0] >= calls:
            event.set()
        return rule(prompt)

    return counted, event


def test_what_is_added_is_extracted_in_the_background(opened: Callable[..., Memory], path: Path) -> None:
    finished = threading.Semaphore(0)
    memory = opened(extracting(), extraction="background")
    original = memory.store.jobs.finish

    def finish(*arguments: Any, **named: Any) -> Any:
        ended = original(*arguments, **named)
        finished.release()
        return ended

    memory.store.jobs.finish = finish  # type: ignore[method-assign]
    ids = talk(memory, *WORDS)
    assert len(memory.jobs()) == 5, "queued before `add` returns"
    for _ in ids:
        assert finished.acquire(timeout=20)
    assert len(facts_of(memory)) == 5
    memory.update(ids[0], namespace="ann", text="Corrected.")
    assert finished.acquire(timeout=20)
    assert fact_text("2026-03-02 09:00", "Ann", "Corrected.") in facts_of(memory)
    assert memory.verify() == []


def test_what_a_process_left_behind_is_done_at_the_next_opening(opened: Callable[..., Memory]) -> None:
    talk(opened(None), *WORDS)
    rule, enough = counting(every_message, 5)
    settled(memory := opened(extracting(rule), extraction="background"), enough)
    assert memory.store.database.closed
    later = opened(extracting())
    later.extract(namespace="ann")
    assert len(facts_of(later)) == 5


def test_nobody_waits_until_another_ones_jobs_are_all_done(opened: Callable[..., Memory]) -> None:
    before = opened(None)
    talk(before, *(f"Word {number}." for number in range(3 * BATCH)))
    talk(before, "Bob's only word.", namespace="bob")
    seen: list[str] = []

    def noted(prompt: Prompt) -> Any:
        seen.extend(text for *_, text in new_messages(prompt))
        return every_message(prompt)

    rule, enough = counting(noted, 3 * BATCH + 1)
    settled(opened(extracting(rule), extraction="background"), enough)
    assert seen.index("Bob's only word.") <= BATCH


def test_closing_stops_the_background_and_puts_its_jobs_back(opened: Callable[..., Memory]) -> None:
    started = threading.Event()

    class Endless(RuleModel):
        """Answers when it is stopped, and not before."""

        def complete_many(self, prompts: Any, *, schema: Any = None, watch: Any = None) -> Any:
            started.set()
            while not watch.cancelled():
                pass
            raise Cancelled("stopped")

    memory = opened(Endless(), extraction="background")
    talk(memory, *WORDS)
    settled(memory, started)
    after = opened(extracting())
    assert {(job.state, job.attempts) for job in after.jobs()} == {("queued", 0)}
    assert after.extract(namespace="ann").done == 5


def test_the_background_comes_back_after_a_failure(
    opened: Callable[..., Memory], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("memsvc.work.worker.AWAY_SECONDS", 0.01)
    tries = []

    def rule(prompt: Prompt) -> Any:
        tries.append(prompt)
        if len(tries) < 4:
            raise ModelUnavailable("starting up")
        enough.set()
        return every_message(prompt)

    enough = threading.Event()
    memory = opened(extracting(rule), extraction="background")
    talk(memory, WORDS[0])
    settled(memory, enough)
    assert "extraction of ann waits" in caplog.text
    after = opened(extracting())
    after.extract()
    assert len(facts_of(after)) == 1
    assert after.jobs()[0].attempts == 1, "none of the tries counted"


def test_without_a_model_the_background_is_refused_at_the_opening(opened: Callable[..., Memory], path: Path) -> None:
    with pytest.raises(SettingsError, match=r"no language model is configured.*MEMSVC_MODEL"):
        opened(None, extraction="background")
    assert not path.exists()


def test_the_background_sees_to_what_is_due_first() -> None:
    seen: list[str] = []
    done = threading.Event()

    def see_to(name: str) -> float | None:
        seen.append(name)
        if name == "last":
            done.set()
        return 0.0 if len(seen) == 1 else None

    background = Background("test", see_to)
    background.wake("never", after=3_600)
    background.wake("last", after=0.05)
    background.wake("first")
    assert done.wait(20)
    background.close()
    assert seen == ["first", "first", "last"]
    background.wake("first")
    assert seen == ["first", "first", "last"], "closed is closed"


# -- crashes -------------------------------------------------------------------------------------

HERE = Path(__file__).resolve().parents[2]

# Forks before anything is opened, so that importing is paid once; each child kills itself with SIGKILL at its k-th
# SQL statement. Prints one line a child: what it had acknowledged.
DYING = """
import os, signal, sys
import sqlalchemy as sa
import memsvc_store.projections.vectors
from memsvc import Memory, Settings
from memsvc.testing import HashEmbedder
from tests.memsvc.extracting import extracting, talk
memsvc_store.projections.vectors.load_faiss()

def child(path, fatal, pipe):
    settings = Settings.load(extract_messages=1)
    memory = Memory.open(path, embedder=HashEmbedder(32), language_model=extracting(), settings=settings)
    seen = 0
    def die(*_):
        nonlocal seen
        seen += 1
        if seen == fatal:
            os.kill(os.getpid(), signal.SIGKILL)
    sa.event.listen(memory.store.database._engine, "before_cursor_execute", die)
    sa.event.listen(memory.store.database._engine, "commit", die)
    def say(text):
        os.write(pipe, (text + ";").encode())
    ids = talk(memory, "The harbour.", "Biscuit barks.", "Seven bottles.")
    say("added")
    memory.extract(namespace="ann")
    say("extracted")
    memory.delete(ids[0], namespace="ann")
    say("deleted")
    memory.update(ids[1], namespace="ann", text="Biscuit sleeps.")
    say("updated")
    memory.extract(namespace="ann")
    say("again")
    os._exit(0)

for fatal in range(int(sys.argv[2]), 1_000, 4):
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        child(os.path.join(sys.argv[1], f"{fatal}.db"), fatal, writer)
    os.close(writer)
    with os.fdopen(reader) as stream:
        said = stream.read()
    _, status = os.waitpid(pid, 0)
    print(fatal, os.WIFSIGNALED(status), said, sep="\\t", flush=True)
    if not os.WIFSIGNALED(status):
        break
"""


def expected(texts: dict[str, str]) -> set[str]:
    """The facts of messages: minute -> text."""
    return {fact_text(f"2026-03-02 09:{at}", "Bob" if at == "01" else "Ann", text) for at, text in texts.items()}


def test_killed_at_its_statements(tmp_path: Path) -> None:
    command = [sys.executable, "-c", DYING, str(tmp_path), "2"]
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, timeout=240, check=True)
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    assert lines[-1][1:] == ["False", "added;extracted;deleted;updated;again;"]
    assert len({said for _, _, said in lines}) == 6, "deaths fell into every step"
    later = datetime.now().astimezone() + timedelta(hours=1)
    for fatal, _, said in lines:
        settings = Settings.load(extract_messages=1)
        with Memory.open(
            tmp_path / f"{fatal}.db", embedder=HashEmbedder(32), language_model=extracting(), settings=settings,
            now=lambda: later,
        ) as memory:  # fmt: skip
            steps = said.count(";")
            messages = {one.text for one in memory.list(namespace="ann", kind="message")}
            whole = {"The harbour.", "Biscuit barks.", "Seven bottles."}
            dropped = whole - {"The harbour."}
            corrected = dropped - {"Biscuit barks."} | {"Biscuit sleeps."}
            possible = {0: [set(), whole], 1: [whole], 2: [whole, dropped], 3: [dropped, corrected]}
            assert messages in possible.get(steps, [corrected]), f"killed at {fatal} after {said!r}"
            assert memory.verify() == []
            memory.extract()
            memory.extract()
            left = {f"{one.valid_from:%M}": one.text for one in memory.list(namespace="ann", kind="message")}
            assert set(facts_of(memory)) == expected(left), f"killed at {fatal} after {said!r}"
            assert {job.state for job in memory.jobs()} <= {"done"}
            assert memory.verify() == []
