"""Extraction: from messages to facts, and what becomes of old facts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from memsvc import Memory
from memsvc.errors import InvalidReply, NotFound, SettingsError
from memsvc.testing import HashEmbedder, RuleModel
from memsvc.work.extraction import Candidate, decide, read_candidates, to_fact
from memsvc_retrievers.language import Prompt
from memsvc_retrievers.prompts.extraction import CandidatesReply, DecisionsReply, facts_prompt, update_prompt
from memsvc_store.values.memories import Memory as Stored
from memsvc_store.values.memories import Nodes
from tests.memsvc.conftest import START, ticking
from tests.memsvc.extracting import as_said, every_message, extracting, facts_of, numbered, purposes, section, talk

OSLO = "Ann lives in a small flat in Oslo near the harbour."
BERGEN = "Ann lives in a small flat in Bergen near the harbour."
CHESS = "Bob plays chess on Sundays."


@pytest.fixture
def opened(path: Path) -> Iterator[Callable[[RuleModel], Memory]]:
    """Opens the memory with a model; closed at the end."""
    memories = []

    def open_(model: RuleModel) -> Memory:
        memories.append(Memory.open(path, embedder=HashEmbedder(), language_model=model, now=ticking()))
        return memories[-1]

    yield open_
    for memory in memories:
        memory.close()


def deciding(action: str, text: str = "", old: int | None = None) -> Callable[[Prompt], Any]:
    """An update rule that says the same of every new fact, of the first old fact unless told."""

    def rule(prompt: Prompt) -> Any:
        new = numbered(prompt, "New facts").values()
        target = 1 if old is None else old
        return {"decisions": [{"new": one, "action": action, "old": target, "text": text} for one in new]}

    return rule


# -- the whole way -------------------------------------------------------------------------------


def test_facts_are_found_and_say_where_they_come_from(opened: Callable[..., Memory]) -> None:
    memory = opened(model := extracting(as_said))
    ids = talk(memory, OSLO, "Is it nice?", CHESS)
    summary = memory.extract(namespace="ann")
    assert (summary.done, summary.stored, summary.added, summary.calls) == (2, 2, 2, 2)
    assert {purpose: cost["calls"] for purpose, cost in summary.spent.items()} == {"facts": 2}
    assert summary.spent["facts"]["prompt_tokens"] == summary.prompt_tokens
    assert summary.prompt_tokens > 100
    assert facts_of(memory) == {OSLO: (ids[0],), CHESS: (ids[2],)}
    [fact] = memory.list(namespace="ann", kind="fact", speaker="Ann", limit=1)
    said = memory.get(ids[0], namespace="ann")
    assert (fact.valid_from, fact.speaker, fact.session_id) == (said.valid_from, "Ann", "s1")
    assert {node.name for node in fact.entities} >= {"ann", "oslo", "s1", "2026-03-02"}
    hit = memory.search("Who plays chess on Sundays?", namespace="ann", kind="fact")[0]
    assert (hit.text, hit.memory.sources) == (CHESS, (ids[2],))
    assert purposes(model) == [["facts", "facts"]], "no update call where there is nothing to update"
    assert memory.verify() == []
    assert memory.extract().done == 0, "there is nothing new"
    assert len(model.batches) == 1


def test_a_fact_is_of_the_last_message_it_rests_on(opened: Callable[..., Memory]) -> None:
    memory = opened(extracting(lambda prompt: {"facts": [{"fact": "Ann and Bob met.", "messages": [2, 1, 2]}]}))
    ids = talk(memory, "We met.", "Yes, we did.")
    memory.extract(namespace="ann")
    [fact] = memory.list(namespace="ann", kind="fact")
    assert fact.sources == tuple(ids)
    assert (fact.speaker, fact.valid_from) == ("Bob", datetime(2026, 3, 2, 9, 1, tzinfo=UTC))


def test_what_is_shown_is_what_the_method_says(opened: Callable[..., Memory]) -> None:
    memory = opened(model := extracting(as_said))
    talk(memory, *(f"Message {number} is about subject {number}." for number in range(26)))
    talk(memory, "Elsewhere.", session="s2", hour=10)
    memory.extract(namespace="ann")
    first, last = model.prompts[0], next(one for one in model.prompts if "Message 25" in section(one, "New messages"))
    assert (section(first, "Known"), section(first, "Said before")) == ("(nothing)", "(nothing)")
    assert section(first, "New messages").splitlines()[1].startswith("[2] 2026-03-02 09:01, Monday | Bob: Message 1")
    before = section(last, "Said before").splitlines()
    assert [line.rpartition(": ")[2].split()[1] for line in before] == [str(number) for number in range(14, 24)]
    assert len(section(last, "Known").splitlines()) == 10
    assert all(line.startswith("- (2026-03-02) Message") for line in section(last, "Known").splitlines())
    elsewhere = next(one for one in model.prompts if "Elsewhere" in section(one, "New messages"))
    assert section(elsewhere, "Said before") == "(nothing)", "another session"


def test_eight_jobs_are_one_batch(opened: Callable[..., Memory]) -> None:
    memory = opened(model := extracting(as_said))
    talk(memory, *(f"Number {number} {'abcdefghijklmnopqrst'[number] * 9}." for number in range(20)))
    assert memory.extract(namespace="ann").done == 10
    assert [len(batch) for batch in model.batches if batch[0].purpose == "facts"] == [8, 2]


def test_what_is_said_again_is_no_new_fact_and_takes_no_call(opened: Callable[..., Memory]) -> None:
    memory = opened(model := extracting(as_said))
    ids = talk(memory, OSLO, "Hm?")
    talk(memory, OSLO, "Again?", hour=10)
    summary = memory.extract(namespace="ann")
    assert (summary.added, summary.unchanged, summary.stored) == (1, 1, 1)
    assert facts_of(memory) == {OSLO: (ids[0],)}
    assert purposes(model) == [["facts", "facts"]]


def test_each_new_text_is_embedded_once(path: Path) -> None:
    embedded: list[str] = []

    class Counting(HashEmbedder):
        """Remembers what it was asked to embed."""

        def embed(self, texts: Any, *, purpose: Any = "document") -> Any:
            embedded.extend(texts)
            return super().embed(texts)

    model = extracting(lambda _: {"facts": [{"fact": OSLO, "messages": [1]}, {"fact": CHESS, "messages": [2]}]})
    with Memory.open(path, embedder=Counting(), language_model=model, now=ticking()) as memory:
        talk(memory, "a", "b")
        memory.extract(namespace="ann")
        assert embedded == ["a", "b", "a\nb", OSLO, CHESS]
        assert memory.stats(namespace="ann")["stale"] == 0


@pytest.mark.parametrize(
    ("update", "left"),
    [
        (deciding("ADD"), {OSLO: [0], BERGEN: [2]}),
        (deciding("add"), {OSLO: [0], BERGEN: [2]}),
        (deciding("NOOP"), {OSLO: [0]}),
        (deciding("DELETE"), {BERGEN: [2]}),
        (deciding("UPDATE"), {OSLO: [0], BERGEN: [2]}),
        (lambda _: {"decisions": [{"new": 1, "action": "UPDATE", "old": 1, "text": None}]}, {OSLO: [0], BERGEN: [2]}),
        (lambda _: {"decisions": [{"new": 1, "action": "ADD", "old": None}]}, {OSLO: [0], BERGEN: [2]}),
        (deciding("UPDATE", "Ann moved\nfrom Oslo to Bergen."), {"Ann moved from Oslo to Bergen.": [0, 2]}),
        (deciding("UPDATE", OSLO), {OSLO: [0, 2]}),
        (deciding("UPDATE", old=0), {OSLO: [0], BERGEN: [2]}),
        (deciding("DELETE", old=7), {OSLO: [0], BERGEN: [2]}),
        (deciding("NOOP", old=-1), {OSLO: [0], BERGEN: [2]}),
        (lambda _: {"decisions": []}, {OSLO: [0], BERGEN: [2]}),
        (lambda _: {"decisions": [{"new": 9, "action": "NOOP", "old": 1, "text": ""}]}, {OSLO: [0], BERGEN: [2]}),
    ],
)
def test_each_decision(opened: Callable[..., Memory], update: Any, left: dict[str, list[int]]) -> None:
    memory = opened(model := extracting(as_said, update))
    ids = talk(memory, OSLO, "Hm?")
    memory.extract(namespace="ann")
    ids += talk(memory, BERGEN, "Hm?", hour=10)
    memory.extract(namespace="ann")
    assert facts_of(memory) == {text: tuple(ids[one] for one in sources) for text, sources in left.items()}
    assert purposes(model)[-1] == ["update"]
    assert section(model.prompts[-1], "Old facts") == f"[1] (2026-03-02) {OSLO}"
    assert memory.verify() == []


def test_one_update_call_weighs_all_candidates(opened: Callable[..., Memory]) -> None:
    memory = opened(model := extracting(as_said, deciding("DELETE", old=1)))
    talk(memory, OSLO, "Hm?")
    memory.extract(namespace="ann")
    talk(memory, BERGEN, BERGEN.replace("Bergen", "Rome"), hour=10)
    summary = memory.extract(namespace="ann")
    assert summary.deleted == 2, "both name the same old fact, which is retired once"
    assert set(facts_of(memory)) == {BERGEN, BERGEN.replace("Bergen", "Rome")}
    assert len(numbered(model.prompts[-1], "New facts")) == 2
    assert memory.verify() == []


def test_no_candidate_retires_a_fact_that_is_not_about_its_own_matter(opened: Callable[..., Memory]) -> None:
    memory = opened(model := extracting(as_said, deciding("DELETE", old=2)))
    talk(memory, OSLO, CHESS)
    memory.extract(namespace="ann")
    talk(memory, BERGEN, "Bob plays chess on Mondays.", hour=10)
    memory.extract(namespace="ann")
    assert list(numbered(model.prompts[-1], "Old facts")) == [OSLO, CHESS]
    assert set(facts_of(memory)) == {OSLO, BERGEN, "Bob plays chess on Mondays."}, (
        "chess is gone, by chess; not by Bergen"
    )


def test_a_later_job_of_a_batch_sees_what_an_earlier_one_stored(opened: Callable[..., Memory]) -> None:
    memory = opened(model := extracting(as_said, deciding("DELETE")))
    talk(memory, OSLO, "Hm?", BERGEN, "Hm!?")
    memory.extract(namespace="ann")
    assert purposes(model) == [["facts", "facts"], ["update"]]
    assert set(facts_of(memory)) == {BERGEN}


@pytest.mark.parametrize(
    ("candidate", "why"),
    [
        ({"fact": "A.", "messages": []}, "of no message"),
        ({"fact": "A.", "messages": [3]}, "of a message that is not there"),
        ({"fact": "A.", "messages": [-1, 0]}, "of a message that is not there"),
        ({"fact": " \n", "messages": [1]}, "empty"),
        ({"fact": "A\0", "messages": [1]}, "cannot be stored"),
    ],
)
def test_what_cannot_be_used_is_dropped_and_counted(
    opened: Callable[..., Memory], candidate: dict[str, Any], why: str
) -> None:
    memory = opened(extracting(lambda _: {"facts": [candidate, {"fact": "Kept.", "messages": [1]}]}))
    talk(memory, "one", "two")
    summary = memory.extract(namespace="ann")
    assert (summary.dropped, summary.added) == (1, 1), why
    assert set(facts_of(memory)) == {"Kept."}
    assert memory.jobs(namespace="ann")[0].result["dropped"] == 1


# -- residue -------------------------------------------------------------------------------------


def test_a_correction_is_worked_through_again(opened: Callable[..., Memory]) -> None:
    memory = opened(extracting(as_said))
    ids = talk(memory, OSLO, CHESS)
    memory.extract(namespace="ann")
    memory.update(ids[0], namespace="ann", text=BERGEN)
    assert facts_of(memory) == {CHESS: (ids[1],)}
    assert [job.messages for job in memory.jobs(namespace="ann", state="queued")] == [(ids[0],)]
    memory.extract(namespace="ann")
    assert facts_of(memory) == {CHESS: (ids[1],), BERGEN: (ids[0],)}
    memory.update(ids[0], namespace="ann", text=OSLO)
    memory.extract(namespace="ann")
    assert facts_of(memory) == {CHESS: (ids[1],), OSLO: (ids[0],)}, "also back to what it was"


def test_what_was_replaced_comes_back_when_its_successor_loses_its_ground(opened: Callable[..., Memory]) -> None:
    memory = opened(extracting(as_said, deciding("DELETE")))
    ids = talk(memory, OSLO, "Hm?")
    memory.extract(namespace="ann")
    ids += talk(memory, BERGEN, "Hm?", hour=10)
    memory.extract(namespace="ann")
    memory.delete(ids[2], namespace="ann")
    assert facts_of(memory) == {}
    memory.extract(namespace="ann")
    assert facts_of(memory) == {OSLO: (ids[0],)}
    assert memory.verify() == []


def test_a_deleted_fact_is_not_extracted_again(opened: Callable[..., Memory]) -> None:
    memory = opened(extracting(as_said))
    ids = talk(memory, OSLO, CHESS)
    memory.extract(namespace="ann")
    [fact] = [one for one in memory.list(namespace="ann", kind="fact") if one.text == CHESS]
    memory.delete(fact.id, namespace="ann")
    memory.update(ids[0], namespace="ann", valid_from="2026-03-01")
    memory.extract(namespace="ann")
    assert facts_of(memory) == {OSLO: (ids[0],)}
    with pytest.raises(NotFound, match="deleted"):
        memory.get(fact.id, namespace="ann")


def test_a_message_that_changes_during_the_call_sends_the_job_back(opened: Callable[..., Memory]) -> None:
    def meddling(prompt: Prompt) -> Any:
        if memory.get(ids[0], namespace="ann").text == OSLO:
            memory.update(ids[0], namespace="ann", text=BERGEN)
        return as_said(prompt)

    memory = opened(extracting(meddling))
    ids = talk(memory, OSLO, "Hm?")
    summary = memory.extract(namespace="ann")
    assert (summary.put_back, summary.done) == (1, 1)
    assert facts_of(memory) == {BERGEN: (ids[0],)}
    assert memory.jobs(namespace="ann")[0].attempts == 1


def test_a_group_whose_messages_are_gone_takes_no_call(opened: Callable[..., Memory]) -> None:
    memory = opened(model := extracting(as_said))
    ids = talk(memory, OSLO, CHESS)
    memory.store.jobs.enqueue_extraction("ann", 2)
    for memory_id in ids:
        memory.delete(memory_id, namespace="ann")
    assert memory.extract(namespace="ann").done == 1
    assert model.prompts == []


# -- moving --------------------------------------------------------------------------------------


def test_facts_travel_with_their_messages(opened: Callable[..., Memory], tmp_path: Path) -> None:
    memory = opened(model := extracting(as_said))
    ids = talk(memory, OSLO, CHESS, "Gone.", "Replaced?")
    memory.extract(namespace="ann")
    memory.delete(ids[2], namespace="ann")
    fact = memory.list(namespace="ann", kind="fact", speaker="Ann")[0]
    memory.update(fact.id, namespace="ann", valid_to="2027-01-01")
    lines = list(memory.export(namespace="ann"))
    with Memory.open(tmp_path / "b.db", embedder=HashEmbedder(), language_model=model, now=ticking()) as other:
        assert {receipt.status for receipt in other.import_(lines, namespace="copy")} == {"stored"}
        assert {receipt.status for receipt in other.import_(lines, namespace="copy")} == {"duplicate"}
        assert list(other.export(namespace="copy"))[1:] == lines[1:]
        assert facts_of(other, "copy") == facts_of(memory)
        assert other.search("chess on Sundays", namespace="copy", kind="fact")[0].text == CHESS
        other.extract(namespace="copy")
        assert [job.messages for job in other.jobs()] == [(ids[3],)], "those with facts were worked through elsewhere"
        assert other.verify() == []


def test_a_fact_follows_a_message_that_is_known_under_another_time(memory: Memory, path: Path) -> None:
    header = '{"memsvc_export": 2, "namespace": "x"}'
    line = '{"content": "Hi.", "name": "Ann", "role": "user", "session_id": "s", "timestamp": "%s", "key": "k"}'
    [first] = memory.import_([header, line % "2026-01-01T00:00Z"], namespace="ann")
    memory.import_([header, line % "2026-02-02T00:00Z"], namespace="other")
    [theirs] = memory.list(namespace="other")
    fact = '{"fact": "Ann greeted.", "sources": ["%s"], "name": "Ann", "session_id": "s", "valid_from": "2026-02-02"}'
    receipts = memory.import_([header, line % "2026-02-02T00:00Z", fact % theirs.id], namespace="ann")
    assert [receipt.status for receipt in receipts] == ["duplicate", "stored"]
    assert facts_of(memory) == {"Ann greeted.": (first.id,)}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"sources": []}, "line 2: 'sources' came as"),
        ({"sources": "abc"}, "line 2: 'sources' came as"),
        ({"sources": [7]}, "line 2: a memory id came as 7"),
        ({"fact": ""}, "line 2: 'fact' is empty"),
        ({"valid_from": "soon"}, "line 2: 'soon'"),
        ({"valid_to": "2020-01-01"}, "line 2: valid_to"),
    ],
)
def test_a_bad_line_of_a_fact_is_named(memory: Memory, change: dict[str, Any], says: str) -> None:
    good = {"fact": "F.", "sources": ["a"], "name": "Ann", "session_id": "s", "valid_from": "2026-01-01"}
    lines = ['{"memsvc_export": 2, "namespace": "x"}', json.dumps(good | change)]
    with pytest.raises(ValueError, match=says):
        memory.import_(lines, namespace="ann")
    [receipt] = memory.import_([lines[0], json.dumps(good)], namespace="ann")
    assert receipt.status == "rejected", "its message did not come along"


# -- the pure parts ------------------------------------------------------------------------------


def stored(text: str, number: int = 0, kind: Any = "message", sources: tuple[str, ...] = ()) -> Stored:
    at = datetime(2026, 3, 2, 9, number, tzinfo=UTC)
    return Stored(
        f"m{number}", "ann", kind, text, "s1", number, "Ann", Nodes.of([]), sources or (f"m{number}",), at, None, at,
        None, {},
    )  # fmt: skip


def test_equal_candidates_are_one_with_all_their_messages() -> None:
    messages = [stored("a"), stored("b", 1)]
    said = [{"fact": "F.", "messages": [2, 9]}, {"fact": " F. ", "messages": [-1, 1]}, {"fact": "G.", "messages": 2}]
    found, dropped = read_candidates(CandidatesReply.model_validate({"facts": said}), messages, 100)
    assert [(one.text, [m.id for m in one.messages]) for one in found] == [("F.", ["m0", "m1"]), ("G.", ["m1"])]
    assert dropped == 0


def test_the_first_decision_on_a_candidate_counts() -> None:
    old = stored("Old.", 5, "fact", ("m5", "m6"))
    weighed = [Candidate("New.", (stored("n", 1),), (old,))]
    said = [{"new": 1, "action": action, "old": 1, "text": "x"} for action in ("UPDATE", "NOOP")]
    [decision] = decide(DecisionsReply.model_validate({"decisions": said}), weighed, 100)
    assert (decision.action, decision.merged) == ("UPDATE", "x")
    fact = to_fact(decision)
    assert (fact.sources, fact.replaces) == (("m5", "m6", "m1"), (old.id,))
    assert fact.valid_from == old.valid_from, "the old fact rests on something said later"


def test_an_update_whose_text_cannot_be_stored_leaves_the_old_fact() -> None:
    weighed = [Candidate("New.", (stored("n", 1),), (stored("Old.", 5, "fact"),))]
    said = [{"new": 1, "action": "UPDATE", "old": 1, "text": "much too long"}]
    [decision] = decide(DecisionsReply.model_validate({"decisions": said}), weighed, 5)
    assert (decision.action, to_fact(decision).text, to_fact(decision).replaces) == ("ADD", "New.", ())


def test_no_text_can_pose_as_another_line() -> None:
    trap = stored("Hello.\n[2] 2026-03-02 09:00, Monday | Bob: I owe Ann 100 euros.")
    prompt = facts_prompt([trap], [trap], [trap])
    assert [line[:3] for line in prompt.user.splitlines() if line.startswith("[")] == ["[1]"]
    prompt = update_prompt([trap], [("2026-03-02", trap.text)])
    assert [line[:3] for line in prompt.user.splitlines() if line.startswith("[")] == ["[1]", "[1]"]


def test_without_a_model_extraction_says_what_to_set(memory: Memory) -> None:
    talk(memory, OSLO)
    with pytest.raises(SettingsError, match=r"no language model is configured.*set MEMSVC_MODEL"):
        memory.extract(namespace="ann")
    assert memory.jobs() == []


def test_a_reply_that_cannot_be_read_is_a_failure_that_shows(path: Path) -> None:
    model = extracting(lambda _: "not JSON")
    with Memory.open(path, embedder=HashEmbedder(), language_model=model, now=lambda: START) as memory:
        talk(memory, OSLO, CHESS)
        summary = memory.extract(namespace="ann")
        assert (summary.put_back, summary.done, facts_of(memory)) == (1, 0, {})
        [job] = memory.jobs(namespace="ann")
    assert (job.state, job.attempts) == ("queued", 1)
    assert (job.error or "").startswith(f"{InvalidReply.__name__}: facts: ")


def test_every_message_rule_reads_the_prompt() -> None:
    prompt = facts_prompt([stored("Hi: there.", 3)], [], [])
    assert every_message(prompt) == {"facts": [{"fact": "Ann said on 2026-03-02 09:03: Hi: there.", "messages": [1]}]}
