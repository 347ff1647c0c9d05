"""What goes over the wire: what is written, what the schemas say of it, and that it is read back as it was."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from memsvc.asking.answer import Answer, Event
from memsvc.contract import wire
from memsvc_retrievers.deliberation.coverage import Coverage
from memsvc_retrievers.ledger import Call, Ledger
from memsvc_store.values.document import adapter, dump
from memsvc_store.values.hits import Hit, Parts
from memsvc_store.values.memories import Memory, Node, Nodes

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
NODES = Nodes.of([Node("speaker", "ann"), Node("thing", "oslo")])
MEMORY = Memory("m1", "ann", "message", "Hi", "s1", 0, "Ann", NODES, ("m1",), NOW, None, NOW, None, {"a": {"b": 1}})
HIT = Hit(MEMORY, 1, Parts(dense=0.5, lexical=0.25, graph=0.0, prior=0.0), similarity=0.5, relevance=0.25)
CALL = Call("draft", "rules", 10, 3, 0.5)
ANSWER = Answer("Oslo", "scan", (), 1.0, coverage=Coverage(4, 1), ledger=Ledger((CALL, CALL)))


@pytest.mark.parametrize(
    "value", [MEMORY, HIT, wire.Found((HIT,), None), ANSWER, Event("answered", 1.0, answer=ANSWER)]
)
def test_what_was_written_is_read_as_equal(value: Any) -> None:
    kind: Any = type(value)
    assert adapter(kind).validate_json(dump(value)) == value


def test_what_follows_from_the_fields_is_written_too() -> None:
    [hit] = json.loads(dump(wire.Found((HIT,), None)))["hits"]
    assert hit["score"] == HIT.score == 0.75
    assert hit["memory"]["entities"] == [{"kind": "speaker", "name": "ann"}, {"kind": "thing", "name": "oslo"}]
    answer = json.loads(dump(Event("answered", 1.0, answer=ANSWER)))["answer"]
    sums = {name: value for name, value in answer["ledger"].items() if name != "calls"}
    assert sums == {"prompt_tokens": 20, "completion_tokens": 6, "seconds": 1.0, "cost": ANSWER.ledger.cost}
    assert answer["coverage"]["share"] == 0.25


def test_the_schemas_say_so() -> None:
    schemas = adapter(wire.Found).json_schema(mode="serialization")["$defs"]
    assert "score" in schemas["Hit"]["required"]
    assert schemas["Memory"]["properties"]["entities"]["items"]["required"] == ["kind", "name"]
    ledger = adapter(Answer).json_schema(mode="serialization")["$defs"]["Ledger"]
    assert {"prompt_tokens", "completion_tokens", "seconds", "cost"} <= set(ledger["required"])


def test_writing_a_memory_reads_none_of_its_nodes_for_good() -> None:
    """The nodes that a shard holds would keep what they read, which no budget counts."""
    nodes = Nodes(NODES.stored)
    dump(Memory("m1", "ann", "message", "Hi", "s1", 0, "Ann", nodes, (), NOW, None, NOW, None, {}))
    assert nodes._nodes is None
