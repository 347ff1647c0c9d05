"""The verb `graph`: whose memories it shows, and what it says of wrong input."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from memsvc import Graph, Memory
from memsvc.errors import InvalidInput, InvalidNamespace, NotFound
from memsvc.testing import HashEmbedder
from memsvc.verbs import graphing
from memsvc_store.values.document import dump

if TYPE_CHECKING:
    from pathlib import Path

SAID = [
    {"name": "Ann", "content": "My sister Kim has a boat."},
    {"name": "Ann", "content": "Then Kim sails from Oslo with Torvald."},
    {"name": "Ben", "content": "Is the yard of Torvald in Skarnes?"},
]


def names(graph: Graph) -> list[str]:
    return [thing.name for thing in graph.nodes]


def ties(graph: Graph) -> list[tuple[str, str, int]]:
    return [(tie.source, tie.target, tie.weight) for tie in graph.edges]


@pytest.fixture
def ids(memory: Memory) -> list[str]:
    memory.add([{"name": "Bob", "content": "I met Kim in Kyoto."}], namespace="bob")
    return [receipt.id or "" for receipt in memory.add(SAID, namespace="ann")]


def test_neighbours_path_and_overview(memory: Memory, ids: list[str]) -> None:
    found = memory.graph("kim", namespace="ann")
    assert (found.view, found.thing, found.memories, found.read) == ("neighbours", "Kim", 3, 3)
    assert ties(found)[:3] == [("Kim", "Ann", 2), ("Kim", "Oslo", 1), ("Kim", "Torvald", 1)]
    assert [(one.id, one.text) for one in found.edges[0].memories] == [
        (ids[1], SAID[1]["content"]), (ids[0], SAID[0]["content"]),
    ]  # fmt: skip
    path = memory.graph("Kim", to="SKARNES", namespace="ann")
    assert (path.view, names(path)) == ("path", ["Kim", "Torvald", "Skarnes"])
    assert [tie.memories[0].id for tie in path.edges] == [ids[1], ids[2]]
    overview = memory.graph(namespace="ann", limit=2)
    assert (names(overview), overview.things) == (["Torvald", "Ann"], 6)


def test_nothing_of_another_namespace_shows(memory: Memory, ids: list[str]) -> None:
    for found in (memory.graph(namespace="ann"), memory.graph("Kim", namespace="ann")):
        assert not {"Bob", "Kyoto"} & set(names(found))
    with pytest.raises(NotFound, match="nothing is called 'Kyoto' in namespace 'ann'"):
        memory.graph("Kyoto", namespace="ann")


def test_what_is_deleted_corrected_or_forgotten_is_gone_at_once(memory: Memory, ids: list[str]) -> None:
    memory.update(ids[2], namespace="ann", text="Is the yard of Torvald in Hamar?")
    assert "Hamar" in names(memory.graph("Torvald", namespace="ann"))
    with pytest.raises(NotFound, match="Skarnes"):
        memory.graph("Skarnes", namespace="ann")
    memory.delete(ids[1], namespace="ann")
    assert memory.graph("Kim", to="Hamar", namespace="ann", kinds="thing").nodes == ()
    memory.forget(namespace="ann", memory_id=ids[0])
    with pytest.raises(NotFound, match="Kim"):
        memory.graph("Kim", namespace="ann")
    assert SAID[0]["content"] not in dump(memory.graph(namespace="ann")).decode()


def test_cold_memories_count_and_the_latest_are_read(
    memory: Memory, ids: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    memory.retain(namespace="ann", budget=1)
    assert memory.graph(namespace="ann").read == 3
    monkeypatch.setattr(graphing, "MEMORIES", 1)
    found = memory.graph(namespace="ann")
    assert (found.read, found.memories, names(found)) == (1, 3, ["Ben", "Skarnes", "Torvald"])


def test_kinds_are_shown_only_if_asked_for(memory: Memory, ids: list[str]) -> None:
    assert {thing.kind for thing in memory.graph(namespace="ann").nodes} == {"person", "thing"}
    every = memory.graph(namespace="ann", kinds=["day", "session", "phrase", "word", "person", "thing", "thing"])
    assert {thing.kind for thing in every.nodes} == {"person", "thing", "phrase", "session", "day"}
    assert every.kinds == ("person", "thing", "word", "phrase", "session", "day")
    assert names(memory.graph("day:2026-03-02", namespace="ann", kinds="person", limit=1))[1:] == ["Ann"]


@pytest.mark.parametrize(
    ("args", "told"),
    [
        ({"thing": ""}, "'thing' came as ''"),
        ({"thing": "  "}, "'thing'"),
        ({"thing": 3}, "'thing' came as 3"),
        ({"thing": "x" * 9_999}, "give a string of 1 to"),
        ({"thing": "Kim", "to": ""}, "'to' came as ''"),
        ({"to": "Oslo"}, "thing was left out; give thing"),
        ({"kinds": "colour"}, "kinds came with 'colour'; give some of person, thing, word"),
        ({"kinds": []}, r"kinds came as \[\]"),
        ({"kinds": 3}, "kinds came as 3"),
        ({"kinds": [["thing"]]}, "kinds came with"),
        ({"limit": 0}, "limit came as 0; give a whole number of at least 1"),
        ({"limit": True}, "limit"),
    ],
)
def test_wrong_input_is_told_what_to_do(memory: Memory, ids: list[str], args: dict[str, Any], told: str) -> None:
    with pytest.raises(InvalidInput, match=told):
        memory.graph(namespace="ann", **args)


def test_what_is_not_there_is_not_found(memory: Memory, ids: list[str]) -> None:
    with pytest.raises(NotFound, match="namespace 'nobody' holds no memories"):
        memory.graph(namespace="nobody")
    with pytest.raises(NotFound, match="nothing is called 'Torwald' in namespace 'ann'; did you mean 'Torvald'"):
        memory.graph("Kim", to="Torwald", namespace="ann")
    with pytest.raises(NotFound, match="`graph` without a name shows what there is"):
        memory.graph("Xyzzy", namespace="ann")
    with pytest.raises(InvalidNamespace):
        memory.graph(namespace="")


def test_a_namespace_that_was_emptied_has_an_empty_graph(memory: Memory) -> None:
    [receipt] = memory.add("I live in Oslo.", namespace="ann")
    memory.delete(receipt.id or "", namespace="ann")
    found = memory.graph(namespace="ann")
    assert (found.nodes, found.edges, found.communities, found.memories) == ((), (), (), 0)


def test_the_same_memories_give_the_same_graph_in_every_process(path: Path) -> None:
    with Memory.open(path, embedder=HashEmbedder()) as memory:
        texts = [f"Then City{i % 23} met City{i % 7} near City{i * i % 19}." for i in range(80)]
        memory.add([{"name": f"P{i % 5}", "content": text} for i, text in enumerate(texts)], namespace="ann")
    code = f"""
from memsvc import Memory
from memsvc_store.values.document import dump
from memsvc.testing import HashEmbedder
with Memory.open({str(path)!r}, embedder=HashEmbedder()) as memory:
    print(dump(memory.graph(namespace="ann")), dump(memory.graph("City3", namespace="ann")))
"""
    seen = set()
    for seed in "123":
        run = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
        )
        seen.add(run.stdout)
    assert len(seen) == 1


def test_it_needs_neither_a_model_nor_an_index(path: Path) -> None:
    class Never(HashEmbedder):
        def embed(self, *_: Any, **__: Any) -> Any:
            raise AssertionError("no text was to be embedded")

    with Memory.open(path, embedder=HashEmbedder()) as memory:
        memory.add(SAID, namespace="ann")
    with Memory.open(path, embedder=Never()) as memory:
        assert names(memory.graph("Oslo", namespace="ann"))
        assert memory.store.shard_usage().shards == 0
