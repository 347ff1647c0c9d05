"""trace: a verb of its namespace alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from memsvc.errors import InvalidInput, InvalidNamespace, NotFound

if TYPE_CHECKING:
    from memsvc import Memory


@pytest.fixture
def trace_id(memory: Memory) -> str:
    memory.add(["I moved to Oslo.", "Bees are loud."], namespace="ann")
    memory.add("hello", namespace="ben")
    return str(memory.search("Oslo", namespace="ann", trace=True).trace_id)


def test_a_trace_is_what_its_look_up_gave(memory: Memory, trace_id: str) -> None:
    found = memory.trace(trace_id, namespace="ann")
    assert (found.id, found.kind, found.query) == (trace_id, "search", "Oslo")
    assert found.used == tuple(hit.id for hit in memory.search("Oslo", namespace="ann"))
    assert [one.memory_id for one in found.pool] == list(found.used)


@pytest.mark.parametrize("elsewhere", ["ben", "nobody"])
def test_another_namespaces_trace_and_none_are_not_told_apart(memory: Memory, trace_id: str, elsewhere: str) -> None:
    for act in (
        lambda one: memory.trace(one, namespace=elsewhere),
        lambda one: memory.feedback(one, 1.0, namespace=elsewhere),
    ):
        said = []
        for one in (trace_id, "0" * 32):
            with pytest.raises(NotFound) as raised:
                act(one)
            said.append(str(raised.value).replace(one, "it"))
        assert said[0] == said[1]


def test_wrong_names_are_wrong_input(memory: Memory, trace_id: str) -> None:
    with pytest.raises(InvalidNamespace):
        memory.trace(trace_id, namespace="")
    with pytest.raises(InvalidInput, match="trace id"):
        memory.trace(5, namespace="ann")  # type: ignore[arg-type]
