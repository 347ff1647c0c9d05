"""Facts that the caller worked out itself: stored as such, found, shown with their grounds, and gone with these."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from memsvc import InvalidInput, Memory, MessagesRejected, NotFound
from memsvc.testing import HashEmbedder, RuleModel
from memsvc.work.extraction import Candidate, Decision, to_fact

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from memsvc_store.values.memories import Memory as Kept

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Memory]:
    with Memory.open(tmp_path / "m.db", embedder=HashEmbedder(), now=lambda: NOW) as memory:
        yield memory


def said(memory: Memory, text: str, **options: Any) -> str:
    [receipt] = memory.add(text, namespace="ann", name="Ann", **options)
    assert receipt.id is not None
    return receipt.id


def concluded(memory: Memory, text: str, **options: Any) -> Kept:
    [receipt] = memory.add(text, namespace="ann", kind="fact", **options)
    assert receipt.status == "stored", receipt
    assert receipt.id is not None
    return memory.get(receipt.id, namespace="ann")


def test_a_fact_is_of_the_last_message_that_it_rests_on(memory: Memory) -> None:
    first = said(memory, "No coffee for me.", timestamp="2026-02-01", session_id="s1")
    last = said(memory, "A pot of tea, please.", timestamp="2026-02-03", session_id="s2")
    fact = concluded(memory, "Ann prefers tea to coffee.", sources=[last, first])
    assert (fact.kind, fact.fact_by, fact.sources) == ("fact", "caller", (last, first))
    assert (fact.speaker, fact.session_id, fact.valid_from.day) == ("Ann", "s2", 3)
    assert memory.search("does Ann prefer tea or coffee", namespace="ann", kind="fact")[0].id == fact.id
    assert [step.operation for step in memory.history(fact.id, namespace="ann")] == ["add"]
    assert memory.verify(namespace="ann") == []


def test_a_fact_needs_no_messages(memory: Memory) -> None:
    fact = concluded(memory, "The build takes ten minutes.", metadata={"source": "ci"}, expires_at="30d")
    assert (fact.speaker, fact.session_id, fact.valid_from, fact.sources) == ("agent", "default", NOW, ())
    assert fact.expires_at is not None
    [again] = memory.add("The build takes ten minutes.", namespace="ann", kind="fact")
    assert (again.status, again.id) == ("duplicate", fact.id)
    own = concluded(memory, "Bo is the owner.", name="Bo", session_id="s9", timestamp="2026-01-05")
    assert (own.speaker, own.session_id, own.valid_from.isoformat()) == ("Bo", "s9", "2026-01-05T00:00:00+00:00")
    assert memory.verify(namespace="ann") == []
    memory.forget(namespace="ann", source="ci")
    with pytest.raises(NotFound):
        memory.get(fact.id, namespace="ann")


def test_of_several_each_has_its_own_grounds_and_receipt(memory: Memory) -> None:
    one = said(memory, "I moved to Oslo.")
    receipts = memory.add(
        [{"content": "Ann lives in Oslo.", "sources": [one]}, "Ann has moved.",
         {"content": "Ann left.", "sources": ["x"]}, {"content": "Ann", "role": "user"}, 7],
        namespace="ann", kind="fact",
    )  # fmt: skip
    assert [receipt.status for receipt in receipts] == ["stored", "stored", "rejected", "rejected", "rejected"]
    reasons = [receipt.reason or "" for receipt in receipts.rejected]
    assert "it rests on ['x']; give ids of live messages" in reasons[0]
    assert "a fact has a field 'role'" in reasons[1]
    assert "a fact came as int" in reasons[2]
    with pytest.raises(MessagesRejected, match="rests on"):
        memory.add(["Ann lives abroad.", {"content": "x", "sources": ["y"]}], namespace="ann", kind="fact", strict=True)
    assert len(memory.list(namespace="ann", kind="fact")) == 2


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"kind": "fact", "key": "k"}, "key came with kind='fact'"),
        ({"kind": "fact", "role": "user"}, "role came with kind='fact'"),
        ({"kind": "opinion"}, "kind came as 'opinion'; give one of message, fact"),
        ({"sources": ["a"]}, "only facts have any"),
        ({"kind": "fact", "sources": "abc"}, "give a list of memory ids"),
        ({"kind": "fact", "sources": ["nowhere"]}, "it rests on"),
        ({"expires_at": "yesterday"}, "which has passed"),
    ],
)
def test_wrong_input_is_told_and_nothing_is_stored(memory: Memory, options: dict[str, Any], told: str) -> None:
    with pytest.raises(InvalidInput, match=told):
        memory.add("Ann prefers tea.", namespace="ann", **options)
    assert memory.namespaces() == [] or not memory.list(namespace="ann")


def test_a_fact_goes_with_what_it_rests_on(memory: Memory) -> None:
    one, two = said(memory, "A pot of tea, please."), said(memory, "I moved to Oslo.")
    tea, oslo = concluded(memory, "Ann drinks tea.", sources=[one]), concluded(memory, "Ann is in Oslo.", sources=[two])
    memory.delete(one, namespace="ann")
    with pytest.raises(NotFound, match="was retired"):
        memory.get(tea.id, namespace="ann")
    receipt = memory.forget(namespace="ann", memory_id=two)
    assert receipt.counts["facts"] == 1
    with pytest.raises(NotFound):
        memory.history(oslo.id, namespace="ann")
    assert memory.jobs(namespace="ann") == [], "nobody but the caller works out its facts anew"
    assert memory.verify(namespace="ann") == []


def test_what_a_model_makes_of_one_that_expires_expires_with_it(memory: Memory) -> None:
    old = concluded(memory, "The code of the door is 1234.", expires_at="7d")
    message = memory.get(said(memory, "The door is red."), namespace="ann")
    candidate = Candidate("The door is red.", (message,))
    merged = to_fact(Decision("UPDATE", candidate, old, "The door is red, its code 1234."))
    assert (merged.expires_at, merged.by, merged.sources) == (old.expires_at, "model", (message.id,))
    assert to_fact(Decision("ADD", candidate)).expires_at is None


def test_an_export_carries_it(memory: Memory, tmp_path: Path) -> None:
    one = said(memory, "A pot of tea, please.", timestamp="2026-02-01")
    kept = [
        concluded(memory, "Ann drinks tea.", sources=[one]),
        concluded(memory, "The build is slow.", expires_at="1w"),
    ]
    with Memory.open(tmp_path / "other.db", embedder=HashEmbedder(), now=lambda: NOW) as other:
        assert {receipt.status for receipt in other.import_(memory.export(namespace="ann"), namespace="ann")} == {
            "stored"
        }
        for fact in kept:
            moved = other.get(fact.id, namespace="ann")
            assert (moved.fact_by, moved.sources, moved.expires_at) == ("caller", fact.sources, fact.expires_at)
        assert other.verify(namespace="ann") == []


def test_an_answer_knows_it_whichever_process_gives_it(tmp_path: Path) -> None:
    """What an agent worked out stands in no message, so that reading the log again has to read it as well."""
    with Memory.open(tmp_path / "m.db", embedder=HashEmbedder(), now=lambda: NOW) as memory:
        said(memory, "Nice weather today, is it not?")
        fact = concluded(memory, "The red key opens the boat house.")
        quoted = memory.ask("What opens the boat house?", namespace="ann")
        assert quoted.evidence[0].id == fact.id
        model = RuleModel()
        memory.ask("What opens the boat house?", namespace="ann", model=model, gate="always", deliberation="scan")
    assert any("red key" in prompt.user for prompt in model.prompts if prompt.purpose != "answer")
