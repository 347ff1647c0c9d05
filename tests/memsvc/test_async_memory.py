"""AsyncMemory beyond its verbs (`client/test_conformance.py` has these): opening, threads, cancelling, streams."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import pytest

from memsvc import AsyncMemory, Settings
from memsvc.errors import DatabaseMissing, DatabaseUnreadable, InvalidMessage
from memsvc.testing import HashEmbedder, RuleModel
from tests.memsvc.server.served import ANN, fresh

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from memsvc_retrievers.language import Prompt

HERE = "acme/ann"


class Held:
    """A model whose drafts wait until they are let go; `stopped` is set when one was told to stop."""

    def __init__(self) -> None:
        self.begun, self.go = threading.Event(), threading.Event()
        self.calls = 0
        self.model = RuleModel({"draft": self._draft})

    def _draft(self, _: Prompt) -> dict[str, Any]:
        self.calls += 1
        self.begun.set()
        assert self.go.wait(30)
        return {"thoughts": "", "answer": "Oslo.", "sources": [1]}


@pytest.fixture
def held() -> Iterator[Held]:
    one = Held()
    yield one
    one.go.set()


def test_it_is_opened_and_closed(path: Path) -> None:
    async def run() -> None:
        settings = Settings.load(reflection="off")
        async with AsyncMemory.open(path, embedder=HashEmbedder(), settings=settings, threads=2) as memory:
            [receipt] = await memory.add("I moved to Oslo.", namespace=HERE)
            assert (await memory.get(receipt.id or "", namespace=HERE)).text == "I moved to Oslo."
            lines, events = memory.export(namespace=HERE), memory.ask_stream("Where?", namespace=HERE)
            assert await anext(lines)
            assert (await anext(events)).stage == "retrieved"
        for verb in (memory.namespaces(), memory.ask("Where?", namespace=HERE), anext(memory.export(namespace=HERE)),
                     anext(memory.ask_stream("Where?", namespace=HERE))):  # fmt: skip
            with pytest.raises(DatabaseUnreadable, match="was closed; open it again"):
                await verb
        await lines.aclose()
        await events.aclose()
        with pytest.raises(DatabaseMissing):
            async with AsyncMemory.open(path.with_name("other.db"), embedder=HashEmbedder(), create=False):
                pass

    asyncio.run(run())


def test_threads_are_bounded() -> None:
    at_work, most, lock = 0, 0, threading.Lock()

    class Counting(HashEmbedder):
        def embed(self, *args: Any, **options: Any) -> Any:
            nonlocal at_work, most
            with lock:
                at_work += 1
                most = max(most, at_work)
            try:
                return super().embed(*args, **options)
            finally:
                with lock:
                    at_work -= 1

    async def run(memory: AsyncMemory) -> None:
        await asyncio.gather(*(memory.search(f"{number}", namespace=HERE) for number in range(40)))
        names = {thread.name for thread in threading.enumerate() if thread.name.startswith("memsvc-async")}
        assert 0 < len(names) <= 3
        await memory.close()

    with fresh(embedder=Counting()) as memory:
        memory.add(ANN, namespace=HERE)
        asyncio.run(run(AsyncMemory(memory, threads=3)))
    assert 0 < most <= 3


def test_a_slow_ask_keeps_nobody_waiting(held: Held) -> None:
    async def run(memory: AsyncMemory) -> None:
        asked = asyncio.create_task(memory.ask("Where did Ann move?", namespace=HERE))
        assert await asyncio.to_thread(held.begun.wait, 10)
        assert await memory.stats(namespace=HERE)
        held.go.set()
        assert (await asked).trace_id
        await memory.close()

    with fresh(held.model) as memory:
        memory.add(ANN, namespace=HERE)
        asyncio.run(run(AsyncMemory(memory)))


@pytest.mark.parametrize("way", ["stream", "ask"])
def test_cancelling_stops_the_work(held: Held, way: str) -> None:
    stages: list[str] = []

    async def read(memory: AsyncMemory) -> None:
        async for event in memory.ask_stream("Where did Ann move?", namespace=HERE, gate="quality"):
            stages.append(event.stage)

    async def ask(memory: AsyncMemory) -> None:
        await memory.ask("Where did Ann move?", namespace=HERE, on_event=lambda event: stages.append(event.stage))

    async def run(memory: AsyncMemory) -> None:
        task = asyncio.create_task(read(memory) if way == "stream" else ask(memory))
        assert await asyncio.to_thread(held.begun.wait, 10)
        task.cancel()
        await asyncio.sleep(0)
        held.go.set()
        await asyncio.wait([task])
        assert task.cancelled()
        await memory.close()

    with fresh(held.model) as memory:
        memory.add(ANN, namespace=HERE)
        asyncio.run(run(AsyncMemory(memory)))
    assert stages == ["retrieved"]
    assert held.calls == 1
    assert len(held.model.batches) == 1  # never judged


def test_leaving_a_stream_early_stops_the_work(held: Held) -> None:
    async def run(memory: AsyncMemory) -> None:
        async for event in memory.ask_stream("Where did Ann move?", namespace=HERE, gate="quality"):
            assert event.stage == "retrieved"
            break
        for _ in range(3):  # asyncio closes the iterator as soon as it gets to it
            await asyncio.sleep(0)
        held.go.set()
        await memory.close()  # waits for the threads: nothing is left at work

    with fresh(held.model) as memory:
        memory.add(ANN, namespace=HERE)
        asyncio.run(run(AsyncMemory(memory)))
    assert len(held.model.batches) <= 1  # never judged


def test_an_export_goes_straight_into_an_import() -> None:
    async def run(memory: AsyncMemory) -> None:
        await memory.add([f"Message {number}." for number in range(450)], namespace=HERE)
        receipts = await memory.import_(memory.export(namespace=HERE), namespace="acme/copy")
        assert [receipt.status for receipt in receipts] == ["stored"] * 450
        await memory.close()

    with fresh() as memory:
        asyncio.run(run(AsyncMemory(memory)))


def test_an_export_that_is_cancelled_lets_go_of_its_snapshot() -> None:
    async def run(memory: AsyncMemory) -> None:
        await memory.add([f"Message {number}." for number in range(450)], namespace=HERE)
        lines = memory.export(namespace=HERE)
        await anext(lines)
        await lines.aclose()  # type: ignore[attr-defined]
        await memory.add("Writes go on.", namespace=HERE)
        await memory.close()

    with fresh() as memory:
        asyncio.run(run(AsyncMemory(memory)))


def test_errors_of_a_stream_come_with_the_first_step() -> None:
    async def run(memory: AsyncMemory) -> None:
        steps = memory.ask_stream(" ", namespace=HERE)
        with pytest.raises(InvalidMessage):
            await anext(steps)
        await memory.close()

    with fresh() as memory:
        asyncio.run(run(AsyncMemory(memory)))
