"""forget through the verbs: files without a word of it, other processes, and what stays usable."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from memsvc import Erasure, Memory, Settings
from memsvc.errors import InvalidInput, InvalidMessage, InvalidNamespace, NotFound
from memsvc.testing import HashEmbedder
from memsvc_store.values import erasure_receipts as receipts
from tests.memsvc.conftest import ticking
from tests.memsvc.second_process import SecondProcess
from tests.store.erasing import contents, files

SECRET = "My safe opens with zanzibar 4711."
KEPT = "I moved to Oslo last week."


@pytest.fixture
def other(monkeypatch: pytest.MonkeyPatch) -> Iterator[SecondProcess]:
    monkeypatch.setenv("MEMSVC_SNAPSHOT_ROWS", "1")
    process = SecondProcess()
    yield process
    process.close()


def test_files_of_a_used_memory_hold_nothing_of_what_was_forgotten(path: Path) -> None:
    embedder = HashEmbedder(32)
    with Memory.open(path, embedder=embedder, settings=Settings.load(snapshot_rows=1), now=ticking()) as memory:
        messages = [{"content": SECRET, "session_id": "private", "key": "diary"}, {"content": KEPT, "session_id": "s1"}]
        secret, kept = (receipt.id or "" for receipt in memory.add(messages, namespace="ann"))
        hits = memory.search("What opens the safe?", namespace="ann", trace=True)
        assert hits.trace_id is not None
        memory.feedback(hits.trace_id, 1.0, key="k")
        answer = memory.ask("Which number opens my safe?", namespace="ann")
        assert secret in {one.id for one in answer.evidence}
        memory.add_episode("open the safe", f"typed {SECRET}", namespace="ann", reward=1.0, session_id="private")
        memory.search_episodes("open the safe", namespace="ann")
        vectors = [np.asarray(one, "<f4").tobytes() for one in embedder.embed([SECRET, "open the safe"])]
        needles = [b"zanzibar", b"4711", b"private", b"diary", secret.encode(), *vectors]
        assert [one for one in needles if one not in files(path) and one not in contents(memory.store)] == []
        memory.forget(namespace="ann", session_id="private")
        assert [one for one in needles if one in files(path)] == []
        assert [hit.id for hit in memory.search("zanzibar", namespace="ann")] == [kept]
        assert memory.verify() == []
        assert memory.rebuild_utilities(namespace="ann") == 1
        assert memory.utility(kept, namespace="ann") is not None
    assert [one for one in needles if one in files(path)] == []


def test_another_process_sees_it_no_more_and_writes_none_of_it(path: Path, other: SecondProcess) -> None:
    with Memory.open(path, embedder=HashEmbedder(32), now=ticking()) as memory:
        secret, kept = (receipt.id or "" for receipt in memory.add([SECRET, KEPT], namespace="ann"))
        other.call("open", str(path))
        assert set(other.call("live", "ann")) == {secret, kept}
        memory.forget(namespace="ann", memory_id=secret)
        assert other.call("live", "ann") == {kept: KEPT}
        memory.add("something new", namespace="ann")
        assert secret not in other.call("live", "ann")
        [status, again] = other.call("add", "ann", {"content": SECRET, "timestamp": "2026-03-02T09:00:00Z"})
        assert status == "stored"
        assert again in {hit.id for hit in memory.search("safe", namespace="ann")}
        assert other.call("live", "ann")[again] == SECRET
        memory.forget(namespace="ann")
    other.call("open", str(path))  # closes the first, which had the shard loaded
    assert other.call("live", "ann") == {}
    assert b"zanzibar" not in files(path)


def test_only_one_of_the_parts_is_named(memory: Memory) -> None:
    memory.add(KEPT, namespace="ann")
    with pytest.raises(InvalidInput, match="session and source came"):
        memory.forget(namespace="ann", session_id="s1", source="x")
    with pytest.raises(InvalidMessage):
        memory.forget(namespace="ann", session_id=" ")
    with pytest.raises(InvalidInput):
        memory.forget(namespace="ann", memory_id="\x7f")
    with pytest.raises(InvalidNamespace):
        memory.forget(namespace="")
    with pytest.raises(NotFound):
        memory.forget(namespace="bob")
    assert memory.stats(namespace="ann")["messages"] == 1


def test_a_receipt_can_be_checked_as_value_and_as_document(memory: Memory) -> None:
    memory.add(KEPT, namespace="ann", key="import-1")
    receipt = memory.forget(namespace="ann", source="import-1")
    assert isinstance(receipt, Erasure)
    assert (receipt.what, receipt.target, receipt.counts["messages"]) == ("source", "import-1", 1)
    assert memory.verify_erasure(receipt)
    document = json.loads(json.dumps(receipts.document(receipt)))
    assert memory.verify_erasure(document)
    assert not memory.verify_erasure(document | {"namespace": "bob"})
    with pytest.raises(InvalidInput, match="no receipt"):
        memory.verify_erasure({"namespace": "ann"})
