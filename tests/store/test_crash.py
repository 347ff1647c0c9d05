"""Killed in the middle of a write, and several processes at once: nothing acknowledged is lost."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from memsvc_store.store import Store
from tests.store.values import Space, feedback, said, towards, trace

pytestmark = pytest.mark.process

HERE = Path(__file__).resolve().parents[2]

# Forks before anything is opened, so that importing is paid once; each child kills itself with
# SIGKILL at its k-th SQL statement. Prints one line a child: the texts it had acknowledged.
DYING = """
import os, signal, sys
import sqlalchemy as sa
from memsvc_store.store import Store
from tests.store.values import Space, draft

def child(path, fatal, pipe):
    store = Store(path, space=Space())
    seen = 0
    @sa.event.listens_for(store.database._engine, "before_cursor_execute")
    def _die(*_):
        nonlocal seen
        seen += 1
        if seen == fatal:
            os.kill(os.getpid(), signal.SIGKILL)
    @sa.event.listens_for(store.database._engine, "commit")
    def _die_at_commit(*_):
        _die()
    def say(text):
        os.write(pipe, (text + "\\n").encode())
    first = store.add("ann", [draft(f"a{i}", minutes=i) for i in range(3)])
    say("add a0 a1 a2")
    store.update("ann", first[0].id, text="A0")
    say("update a0 A0")
    store.delete("ann", first[1].id)
    say("delete a1")
    store.add("ann", [draft("b0", minutes=9)])
    say("add b0")
    os._exit(0)

for fatal in range(1, 80):
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        child(os.path.join(sys.argv[1], f"{fatal}.db"), fatal, writer)
    os.close(writer)
    with os.fdopen(reader) as stream:
        steps = stream.read().split("\\n")[:-1]
    _, status = os.waitpid(pid, 0)
    print(fatal, os.WIFSIGNALED(status), "; ".join(steps), sep="\\t", flush=True)
    if not os.WIFSIGNALED(status):
        break
"""

APPENDING = """
import sys
from memsvc_store.store import Store
from tests.store.values import Space, draft

store = Store(sys.argv[1], space=Space())
for number in range(100_000):
    [receipt] = store.add("ann", [draft(f"{sys.argv[2]} {number}", session=sys.argv[2], minutes=number)])
    print(receipt.id, flush=True)
"""

READING = """
import sys
from memsvc_store.store import Store
from tests.store.values import Space

store = Store(sys.argv[1], space=Space())
seen = 0
while seen < int(sys.argv[2]):
    with store.reading("ann") as reading:
        live = reading.shard.live_ids
        assert len(live) >= seen, "a memory that was seen is gone"
        assert len(reading.memories(reading.shard.rows_of(live))) == len(live)
        seen = len(live)
print(seen, store.verify("ann"))
"""


# As above, for feedback: the same three feedbacks under the same keys, whoever died before. Acknowledged are the keys.
REWARDING = """
import os, signal, sys
import sqlalchemy as sa
from memsvc_store.store import Store
from tests.store.values import Space, feedback, towards

def child(path, fatal, pipe):
    store = Store(path, space=Space())
    [trace] = store.learning.traces("ann")
    seen = 0
    @sa.event.listens_for(store.database._engine, "before_cursor_execute")
    def _die(*_):
        nonlocal seen
        seen += 1
        if seen == fatal:
            os.kill(os.getpid(), signal.SIGKILL)
    @sa.event.listens_for(store.database._engine, "commit")
    def _die_at_commit(*_):
        _die()
    for number in range(3):
        given = feedback(trace, 1 - number, key=f"k{number}", cap=0.4)
        store.learning.learn("ann", given, towards)
        os.write(pipe, f"k{number} ".encode())
    os._exit(0)

for fatal in range(1, 80):
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        child(sys.argv[1] if len(sys.argv) > 2 else os.path.join(sys.argv[1], f"{fatal}.db"), fatal, writer)
    os.close(writer)
    with os.fdopen(reader) as stream:
        acknowledged = stream.read()
    _, status = os.waitpid(pid, 0)
    print(fatal, os.WIFSIGNALED(status), acknowledged, sep="\\t", flush=True)
    if not os.WIFSIGNALED(status):
        break
"""

LEARNING = """
import sys
from memsvc_store.store import Store
from tests.store.values import Space, feedback, towards

store = Store(sys.argv[1], space=Space())
[trace] = store.learning.traces("ann")
for number in range(60):
    given = feedback(trace, (number % 3) - 1, key=f"k{number}", cap=0.4, source=sys.argv[2])
    with store.reading("ann") as reading:
        assert reading.namespace.learned == reading.shard.learned
    receipt = store.learning.learn("ann", given, towards) if number % 2 == int(sys.argv[2]) else None
    print(receipt and receipt.status, flush=True)
"""


def script(code: str, *arguments: object) -> list[str]:
    return [sys.executable, "-c", code, *map(str, arguments)]


def replay(steps: str) -> set[str]:
    """The texts that must be live after these acknowledged steps."""
    live: set[str] = set()
    for step in filter(None, steps.split("; ")):
        verb, *names = step.split()
        if verb == "add":
            live.update(names)
        elif verb == "update":
            live = (live - {names[0]}) | {names[1]}
        else:
            live.discard(names[0])
    return live


# What may stand there instead, when the fatal statement was the commit itself.
NEXT = {"": "add a0 a1 a2", "add a0 a1 a2": "update a0 A0", "update a0 A0": "delete a1", "delete a1": "add b0"}


def test_killed_at_every_statement(tmp_path: Path) -> None:
    done = subprocess.run(script(DYING, tmp_path), cwd=HERE, capture_output=True, text=True, timeout=120, check=True)
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    assert lines[-1][1] == "False", "the last child lived to its end"
    assert len(lines) > 25
    acknowledged = [steps for _, _, steps in lines]
    assert len(set(acknowledged)) == 5, "deaths fell into every step"
    for fatal, _, steps in lines:
        store = Store(tmp_path / f"{fatal}.db", space=Space())
        live = {memory.text for memory in store.page("ann", limit=99)}
        last = steps.split("; ")[-1]
        possible = [replay(steps), replay(f"{steps}; {NEXT.get(last, '')}")]
        assert live in possible, f"killed at statement {fatal} after {steps!r}"
        assert [problem for name in store.namespaces() for problem in store.verify(name)] == []
        assert store.database.integrity_problems() == []
        store.close()


def test_killed_at_random_moments(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    chance = random.Random(7)
    acknowledged: list[str] = []
    for round_ in range(4):
        with subprocess.Popen(
            script(APPENDING, path, f"r{round_}"), cwd=HERE, stdout=subprocess.PIPE, text=True
        ) as writer:
            assert writer.stdout is not None
            acknowledged += [writer.stdout.readline().strip() for _ in range(chance.randint(5, 60))]
            writer.send_signal(signal.SIGKILL)
            acknowledged += [line.strip() for line in writer.stdout if line.endswith("\n")]
    store = Store(path, space=Space())
    stored = {memory.id for memory in store.page("ann", limit=100_000)}
    assert set(acknowledged) <= stored
    assert store.verify("ann") == []
    assert store.database.integrity_problems() == []
    store.close()


def test_two_writers_and_two_readers(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    Store(path, space=Space()).close()
    code = APPENDING.replace("100_000", "60")
    writers = [subprocess.Popen(script(code, path, name), cwd=HERE, stdout=subprocess.PIPE, text=True) for name in "xy"]
    readers = [subprocess.Popen(script(READING, path, 120), cwd=HERE, stdout=subprocess.PIPE, text=True) for _ in "ab"]
    written = [process.communicate(timeout=90)[0].split() for process in writers]
    read = [process.communicate(timeout=90)[0].strip() for process in readers]
    assert [process.returncode for process in writers + readers] == [0, 0, 0, 0]
    assert read == ["120 []", "120 []"]
    store = Store(path, space=Space())
    assert {memory.id for memory in store.page("ann", limit=999)} == {*written[0], *written[1]}
    assert store.counts("ann")["version"] == 120
    assert store.verify("ann") == []
    store.close()


def rewarded(path: Path) -> str:
    """A database with a trace of two memories; returns the first of them."""
    with Store(path, space=Space()) as store:
        first, second = said(store, "a", "b")
        store.learning.add_trace("ann", trace(first, second))
    return first


def test_a_feedback_is_whole_or_not_at_all_wherever_its_process_is_killed(tmp_path: Path) -> None:
    first = rewarded(tmp_path / "0.db")
    for fatal in range(1, 80):
        shutil.copy(tmp_path / "0.db", tmp_path / f"{fatal}.db")
    done = subprocess.run(
        script(REWARDING, tmp_path), cwd=HERE, capture_output=True, text=True, timeout=120, check=True
    )
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    assert lines[-1][1] == "False", "the last child lived to its end"
    assert len(lines) > 25
    assert len({acknowledged for _, _, acknowledged in lines}) == 4, "deaths fell into every feedback"
    for fatal, _, acknowledged in lines:
        with Store(tmp_path / f"{fatal}.db", space=Space()) as store:
            count = len(acknowledged.split())
            kept = len(store.learning.moves("ann", first))
            assert kept in (count, count + 1), f"killed at statement {fatal} after {acknowledged!r}"
            assert store.counts("ann")["feedback"] == kept
            assert store.verify("ann") == []
            [given] = store.learning.traces("ann")
            again = [
                store.learning.learn("ann", feedback(given, 1 - number, key=f"k{number}", cap=0.4), towards).status
                for number in range(3)
            ]
            assert again == ["duplicate"] * kept + ["applied"] * (3 - kept)
            assert len(store.learning.moves("ann", first)) == 3, "each exactly once"
            before = store.learning.utilities("ann")
            store.learning.replay("ann", towards)
            assert store.learning.utilities("ann") == before


def test_a_feedback_that_is_tried_until_it_is_acknowledged_counts_once(tmp_path: Path) -> None:
    """One database, killed at each statement in turn: every child begins where the ones before it died."""
    path = tmp_path / "a.db"
    first = rewarded(path)
    done = subprocess.run(
        script(REWARDING, path, "same"), cwd=HERE, capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout.splitlines()[-1].split("\t")[1:] == ["False", "k0 k1 k2 "]
    with Store(path, space=Space()) as store:
        assert [move.reward for move in store.learning.moves("ann", first)] == [1.0, 0.0, -1.0]
        assert store.verify("ann") == []
        assert store.database.integrity_problems() == []


def test_two_processes_give_feedback_at_once(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    first = rewarded(path)
    both = [
        subprocess.Popen(script(LEARNING, path, name), cwd=HERE, stdout=subprocess.PIPE, text=True) for name in "01"
    ]
    said_ = [process.communicate(timeout=90)[0].split() for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert [one.count("applied") for one in said_] == [30, 30]
    with Store(path, space=Space()) as store:
        assert len(store.learning.moves("ann", first)) == 60
        assert store.verify("ann") == []
        before = store.learning.utilities("ann")
        store.learning.replay("ann", towards)
        assert store.learning.utilities("ann") == before
