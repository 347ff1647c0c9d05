"""The lines that users are told to put into a harness, put into packages of the harnesses' shape."""

from __future__ import annotations

import asyncio
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest

from memsvc import MemsvcError
from memsvc_evals.adapters.catalogue import ADAPTERS, Adapter, adapter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PROVIDER = """
import asyncio
from abc import ABC, abstractmethod

class MemoryProvider(ABC):
    concurrency = 1

    def initialize(self): ...

    @abstractmethod
    def ingest(self, documents): ...

    @abstractmethod
    def retrieve(self, query, k=10, user_id=None, query_timestamp=None): ...

    async def async_retrieve(self, query, k=10, user_id=None, query_timestamp=None):
        return await asyncio.to_thread(self.retrieve, query, k, user_id, query_timestamp)
"""


def put_into(root: Path, file: str, text: str) -> None:
    path = root / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text((path.read_text() if path.exists() else "") + text + "\n")


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    for folder in ("scripts", "src"):
        monkeypatch.syspath_prepend(tmp_path / folder)
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if name.startswith(("client_factory", "memory_bench")):
            del sys.modules[name]


def step(one: Adapter, file: str) -> Any:
    [found] = [step for step in one.steps if step.file.endswith(file)]
    return found


@pytest.mark.parametrize("one", ADAPTERS, ids=lambda one: one.name)
def test_what_is_to_be_imported_is_there(one: Adapter) -> None:
    module, _, name = one.path.partition(":")
    shim = getattr(import_module(module), name)
    assert all(callable(getattr(shim, call)) for call in one.calls.split(", "))


def test_the_lines_for_omnimemeval_register_a_client(checkout: Path) -> None:
    one = adapter("omnimemeval")
    client = step(one, "memsvc_client.py")
    put_into(checkout, "scripts/client_factory/__init__.py", "")
    put_into(checkout, client.file, client.lines)
    registry = eval("{" + step(one, "registry.py").lines + "}")
    module, name = registry["memsvc"]
    assert getattr(import_module(f"client_factory.{module}"), name).__name__ == "MemsvcClient"
    for file in ("locomo_search.py", "search_helpers.py"):
        compile("{" + step(one, file).lines + "}", file, "eval")


def test_the_lines_for_the_benchmark_register_a_provider(checkout: Path, tmp_path: Path, fake_embedder: None) -> None:
    one = adapter("agent-memory-benchmark")
    put_into(checkout, "src/memory_bench/__init__.py", "")
    put_into(checkout, "src/memory_bench/memory/base.py", PROVIDER)
    put_into(checkout, "src/memory_bench/memory/__init__.py", "from .base import MemoryProvider\n\nREGISTRY = {}\n")
    for each in one.steps:
        put_into(checkout, each.file, each.lines)
    provider = import_module("memory_bench.memory").REGISTRY["memsvc"]()
    assert (provider.name, provider.concurrency, provider.hits) == ("memsvc", 4, 30)
    provider.initialize()
    provider.prepare(tmp_path / "store")
    assert asyncio.run(provider.async_retrieve("Anything?")) == ([], None)
    provider.cleanup()


def test_an_unknown_harness_is_named_beside_those_that_there_are() -> None:
    with pytest.raises(MemsvcError, match="no adapter 'omni'; there are omnimemeval, agent-memory-benchmark"):
        adapter("omni")
