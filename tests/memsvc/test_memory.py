"""The verbs, as a user of the SDK meets them."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from memsvc import Memory
from memsvc.checks import MAX_DEPTH, MAX_QUERY_CHARS
from memsvc.errors import (
    DatabaseUnreadable,
    EmbedderError,
    InvalidFilter,
    InvalidInput,
    InvalidMessage,
    InvalidNamespace,
    InvalidTimestamp,
    InvalidVector,
    MemsvcError,
    MessagesRejected,
    NotFound,
)
from memsvc.testing import HashEmbedder
from memsvc_retrievers.fast.ranking import W_ASSISTANT
from memsvc_store.values.document import to_dict
from memsvc_store.values.drafts import Receipt
from tests.memsvc.conftest import START, nested, ticking

TALK = [
    {"role": "user", "name": "Ann", "content": "I moved to Oslo last week.", "timestamp": "2026-03-02T09:00:00Z"},
    {"role": "user", "name": "Bob", "content": "How is the new flat?", "timestamp": "2026-03-02T09:01:00Z"},
    {"role": "user", "name": "Ann", "content": "Small, but near the harbour.", "timestamp": "2026-03-02T09:02:00Z"},
    {"role": "user", "name": "Ann", "content": "My pottery class starts in May.", "timestamp": "2026-03-09T18:00:00Z"},
    {
        "role": "user",
        "name": "Bob",
        "content": "I adopted a beagle named Biscuit.",
        "timestamp": "2026-03-09T18:01:00Z",
    },
]


def stored(memory: Memory, namespace: str = "ann") -> list[Receipt]:
    return memory.add(TALK, namespace=namespace, session_id="s1")


def found(memory: Memory, query: str, namespace: str = "ann", **more: object) -> list[str]:
    return [hit.text for hit in memory.search(query, namespace=namespace, **more)]  # type: ignore[arg-type]


def test_what_was_written_is_found_at_once(memory: Memory) -> None:
    receipts = stored(memory)
    assert [receipt.status for receipt in receipts] == ["stored"] * 5
    hits = memory.search("Where did Ann move to?", namespace="ann", top_k=3)
    assert hits[0].text == "I moved to Oslo last week."
    assert hits[0].id == receipts[0].id
    assert [hit.rank for hit in hits] == [1, 2, 3]
    assert hits[0].score == pytest.approx(hits[0].parts.final)
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert found(memory, "What is the name of Bob's dog, the beagle?")[0] == "I adopted a beagle named Biscuit."


def test_another_process_reads_it_at_once(memory: Memory, path: Path) -> None:
    with Memory.open(path, embedder=HashEmbedder()) as other:
        stored(memory)
        assert found(other, "harbour flat")[0] == "Small, but near the harbour."
        other.add("Also, a second beagle.", namespace="ann")
        assert "Also, a second beagle." in found(memory, "beagle")


@pytest.mark.parametrize(
    "messages",
    ["A plain string.", {"content": "Only content."}, ["A string.", {"role": "assistant", "content": "A message."}]],
)
def test_messages_come_as_strings_or_mappings(memory: Memory, messages: object) -> None:
    receipts = memory.add(messages, namespace="ann")  # type: ignore[arg-type]
    assert all(receipt.status == "stored" for receipt in receipts)
    first = memory.get(receipts[0].id or "", namespace="ann")
    assert (first.speaker, first.session_id) == ("user", "default")


def test_messages_without_a_time_are_said_now_and_stay_apart(memory: Memory) -> None:
    receipts = memory.add(["yes", "yes", "yes"], namespace="ann")
    assert len({receipt.id for receipt in receipts}) == 3
    times = [item.valid_from for item in memory.list(namespace="ann")]
    assert times == sorted(times)
    assert times[0] == START


def test_a_keyed_call_can_be_retried(memory: Memory) -> None:
    first = memory.add(["one", "two"], namespace="ann", key="call-1")
    again = memory.add(["one", "two"], namespace="ann", key="call-1")
    assert [(receipt.status, receipt.id) for receipt in again] == [("duplicate", receipt.id) for receipt in first]


def test_an_empty_list_is_no_write(memory: Memory) -> None:
    assert memory.add([], namespace="ann") == []
    assert memory.namespaces() == []


@pytest.mark.parametrize(
    ("message", "says"),
    [
        ("", "is empty"),
        ("  \n ", "is empty"),
        ({"role": "user"}, "came as NoneType"),
        ({"content": 7}, "came as int"),
        ({"content": "x" * 100_001}, "100,001 characters and the limit is 100,000"),
        ({"content": "hi", "timestamp": "some day"}, "not a point in time"),
        ({"content": "hi", "timestmap": "2026-03-02"}, "did you mean 'timestamp'"),
        ({"content": ["hi", 1]}, "part 1 came as int"),
        ({"content": "hi", "name": " "}, "'name' came as ' '"),
        ({"content": "hi", "name": "x" * 256}, "255 characters"),
        ({"content": "hi", "metadata": [1]}, "a mapping with string keys"),
        ({"content": "hi", "metadata": {"a": {1, 2}}}, "cannot be written as JSON"),
        ({"content": "hi", "metadata": {"a": float("nan")}}, "cannot be written as JSON"),
        ({"content": "hi", "metadata": nested(MAX_DEPTH + 1)}, "'metadata' is nested deeper than 32; flatten it"),
        ({"content": "hi", "metadata": nested(100_000)}, "deeper than 32"),
        ({"content": "half \ud800"}, "half a character"),
        ({"content": "nul \0"}, "NUL"),
        (7, "came as int"),
    ],
)
def test_a_bad_message_is_rejected_alone_and_the_rest_is_stored(memory: Memory, message: object, says: str) -> None:
    with pytest.raises((InvalidMessage, InvalidTimestamp), match=says):
        memory.add(message, namespace="ann")  # type: ignore[arg-type]
    assert memory.namespaces() == []
    before, bad, after = memory.add(["before", message, "after"], namespace="ann")  # type: ignore[list-item]
    assert (before.status, bad.status, after.status) == ("stored", "rejected", "stored")
    assert bad.id is None
    assert says in (bad.reason or "")
    assert [item.text for item in memory.list(namespace="ann")] == ["before", "after"]


def test_what_is_nested_too_deeply_to_be_shown_is_not_imported_either(memory: Memory) -> None:
    memory.add({"content": "x", "metadata": nested(MAX_DEPTH)}, namespace="ann")
    to_dict(memory.list(namespace="ann"))
    head, line = memory.export(namespace="ann")
    deep = line.replace("{}", json.dumps(nested(300)))
    assert deep != line
    with pytest.raises(InvalidInput, match="line 2: 'metadata' is nested deeper than 32"):
        memory.import_([head, deep], namespace="copy")


@pytest.mark.parametrize("messages", [7, None, b"bytes", {"a", "b"}])
def test_what_is_no_message_at_all(memory: Memory, messages: object) -> None:
    with pytest.raises(InvalidMessage):
        memory.add(messages, namespace="ann")  # type: ignore[arg-type]


@pytest.mark.parametrize("namespace", ["", "/", "a//b", "a/", "/a", "..", "a/../b", "a\nb", " a", "x" * 256, 7, None])
def test_a_bad_namespace_is_refused_by_every_verb(memory: Memory, namespace: str) -> None:
    for verb in (
        lambda: memory.add("x", namespace=namespace),
        lambda: memory.search("x", namespace=namespace),
        lambda: memory.ask("x", namespace=namespace),
        lambda: memory.get("x", namespace=namespace),
        lambda: memory.list(namespace=namespace),
        lambda: memory.update("x", namespace=namespace, text="y"),
        lambda: memory.delete("x", namespace=namespace),
        lambda: memory.history("x", namespace=namespace),
        lambda: list(memory.export(namespace=namespace)),
        lambda: memory.import_([HEAD], namespace=namespace),
        lambda: memory.stats(namespace=namespace),
        lambda: memory.reindex(namespace=namespace),
    ):
        with pytest.raises(InvalidNamespace, match="acme/alice"):
            verb()


def test_an_unknown_id_says_where_to_look(memory: Memory) -> None:
    stored(memory)
    for verb in (
        lambda: memory.get("nope", namespace="ann"),
        lambda: memory.update("nope", namespace="ann", text="y"),
        lambda: memory.delete("nope", namespace="ann"),
        lambda: memory.history("nope", namespace="ann"),
    ):
        with pytest.raises(NotFound, match="'nope'"):
            verb()


def test_no_verb_reaches_into_another_namespace(memory: Memory) -> None:
    receipts = stored(memory, "acme/ann")
    memory.add("I know nothing of harbours.", namespace="acme/bob")
    memory_id = receipts[2].id or ""
    for namespace in ("acme/bob", "acme", "nobody"):
        for verb in (
            lambda ns=namespace: memory.get(memory_id, namespace=ns),
            lambda ns=namespace: memory.update(memory_id, namespace=ns, text="changed"),
            lambda ns=namespace: memory.delete(memory_id, namespace=ns),
            lambda ns=namespace: memory.history(memory_id, namespace=ns),
        ):
            with pytest.raises(NotFound):
                verb()
    assert found(memory, "harbour", "acme/bob") == ["I know nothing of harbours."]
    assert found(memory, "harbour", "acme") == []
    assert memory.ask("harbour", namespace="nobody").process == "abstained"
    assert memory.list(namespace="acme") == []
    with pytest.raises(NotFound):
        memory.export(namespace="acme")
    assert len(list(memory.export(namespace="acme/bob"))) == 2
    assert memory.get(memory_id, namespace="acme/ann").text == "Small, but near the harbour."
    assert memory.verify() == []


def test_an_update_is_found_by_its_new_words_only(memory: Memory) -> None:
    receipts = stored(memory)
    memory_id = receipts[4].id or ""
    updated = memory.update(memory_id, namespace="ann", text="I adopted a tabby named Biscuit.")
    assert updated.text == "I adopted a tabby named Biscuit."
    assert found(memory, "tabby")[0] == updated.text
    assert "I adopted a beagle named Biscuit." not in found(memory, "beagle")
    [added, changed] = memory.history(memory_id, namespace="ann")
    assert (added.operation, changed.operation) == ("add", "update")
    assert changed.before["text"] == "I adopted a beagle named Biscuit."
    with pytest.raises(InvalidMessage):
        memory.update(memory_id, namespace="ann", text=" ")
    with pytest.raises(InvalidInput, match="is not after"):
        memory.update(memory_id, namespace="ann", valid_to="2020-01-01")


def test_event_time_ends(memory: Memory) -> None:
    receipts = stored(memory)
    memory.update(receipts[0].id or "", namespace="ann", valid_to="2026-06-01")
    assert "I moved to Oslo last week." in found(memory, "Oslo", as_of="2026-05-01")
    assert "I moved to Oslo last week." not in found(memory, "Oslo", as_of="2026-06-01")
    assert "I moved to Oslo last week." not in found(memory, "Oslo", as_of="2026-03-01")


def test_what_has_ended_is_left_out_of_look_ups_unless_it_is_asked_for(memory: Memory) -> None:
    first = stored(memory)[0].id or ""
    ended = "I moved to Oslo last week."
    memory.update(first, namespace="ann", valid_to=START + timedelta(days=1))
    assert ended in found(memory, "Oslo")
    memory.update(first, namespace="ann", valid_to=START + timedelta(minutes=1))
    assert ended not in found(memory, "Oslo")
    assert first not in memory.ask("Who moved to Oslo?", namespace="ann").retrieved
    assert ended in found(memory, "Oslo", include_ended=True)
    [quoted] = [
        one for one in memory.ask("Who moved to Oslo?", namespace="ann", include_ended=True).evidence if one.id == first
    ]
    assert quoted.valid_to == START + timedelta(minutes=1)
    assert first in {one.id for one in memory.list(namespace="ann")}
    assert first not in {one.id for one in memory.list(namespace="ann", include_ended=False)}
    with pytest.raises(InvalidFilter, match=r"include_ended.*True or False"):
        memory.search("Oslo", namespace="ann", include_ended="yes")  # type: ignore[arg-type]


def test_an_assistants_message_ranks_below_a_persons(memory: Memory) -> None:
    for role in ("user", "assistant"):
        memory.add({"role": role, "name": "X", "content": "Kim lives in Oslo.", "session_id": role}, namespace="ann")
    first, second = memory.search("Where does Kim live?", namespace="ann")
    assert (first.memory.role, second.memory.role) == ("user", "assistant")
    assert first.parts.prior - second.parts.prior == pytest.approx(W_ASSISTANT)


def test_a_deleted_memory_is_not_found_again(memory: Memory) -> None:
    receipts = stored(memory)
    memory.delete(receipts[2].id or "", namespace="ann")
    assert "Small, but near the harbour." not in found(memory, "small flat near the harbour", top_k=50)
    assert len(memory.list(namespace="ann")) == 4
    assert memory.verify() == []


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        ({"speaker": "Bob"}, 2),
        ({"speaker": ["Bob", "Ann"]}, 5),
        ({"since": "2026-03-09"}, 2),
        ({"until": "2026-03-02T09:01:00+00:00"}, 2),
        ({"session_id": "s1", "kind": "message"}, 5),
        ({"session_id": "s2"}, 0),
        ({"kind": "fact"}, 0),
        ({"speaker": "Ann", "since": "2026-03-05", "until": None}, 1),
        ({"until": "2026-03-02"}, 3),  # a day takes in all of it
        ({"until": date(2026, 3, 2)}, 3),
        ({"since": "2026-03-02", "until": "20260302"}, 3),
        ({"since": date(2026, 3, 3)}, 2),
        ({"until": datetime(2026, 3, 2, tzinfo=UTC)}, 0),  # a moment is a moment
        ({"until": "2026-03-02T00:00"}, 0),
        ({"until": "2026-03-01"}, 0),
    ],
)
def test_filters_work_inside_the_lookup(memory: Memory, filters: dict[str, object], count: int) -> None:
    stored(memory)
    hits = memory.search("flat", namespace="ann", top_k=5, **filters)  # type: ignore[arg-type]
    assert len(hits) == count
    listed = memory.list(namespace="ann", **filters)  # type: ignore[arg-type]
    assert {hit.id for hit in hits} == {item.id for item in listed}


def test_k_means_k_also_under_a_narrow_filter(memory: Memory) -> None:
    for start in range(0, 1200, 300):
        batch = [{"name": "Ann", "content": f"The weather report number {start + i}."} for i in range(300)]
        memory.add(batch, namespace="ann")
    rare = [{"name": "Cy", "content": f"Nothing of the kind, {i}."} for i in range(7)]
    memory.add(rare, namespace="ann")
    hits = memory.search("weather report number 12", namespace="ann", top_k=7, speaker="Cy")
    assert [hit.memory.speaker for hit in hits] == ["Cy"] * 7
    assert len(memory.search("weather", namespace="ann", top_k=300)) == 300


@pytest.mark.parametrize(
    ("filters", "says"),
    [
        ({"speakr": "Ann"}, "did you mean 'speaker'"),
        ({"colour": "red"}, "known: since, until"),
        ({"kind": "dream"}, "one of message, fact, episode"),
        ({"speaker": 7}, "a string or a list"),
        ({"speaker": []}, "a string or a list"),
        ({"since": "2026-03-03", "until": "2026-03-02"}, "after until.*exchange them"),
        ({"where": 7}, "'where' came as 7; give an object"),
        ({"where": "topic=pets"}, "not JSON"),
        ({"where": {"topic": {"$eqq": "pets"}}}, r"did you mean '\$eq'"),
        ({"where": {1: "pets"}}, "string keys"),
        ({"where": {"a": float("nan")}}, "cannot be written as JSON"),
        ({"where": {"a": "\0"}}, "NUL"),
        ({"tags": 5}, "'tags' came as 5; give a string or a list"),
    ],
)
def test_bad_filters(memory: Memory, filters: dict[str, object], says: str) -> None:
    for verb in (
        lambda: memory.search("x", namespace="ann", **filters),  # type: ignore[arg-type]
        lambda: memory.list(namespace="ann", **filters),  # type: ignore[arg-type]
        lambda: memory.ask("x", namespace="ann", **filters),  # type: ignore[arg-type]
    ):
        with pytest.raises(InvalidFilter, match=says):
            verb()
    with pytest.raises(InvalidTimestamp, match="filter 'since'"):
        memory.search("x", namespace="ann", since="soon")


@pytest.mark.parametrize("number", [0, -1, True, 2.5, "3"])
def test_bad_numbers(memory: Memory, number: int) -> None:
    with pytest.raises(InvalidInput, match="top_k"):
        memory.search("x", namespace="ann", top_k=number)
    with pytest.raises(InvalidInput, match="token_budget"):
        memory.search("x", namespace="ann", token_budget=number)


@pytest.mark.parametrize("verb", ["search", "ask", "ask_stream", "search_episodes"])
def test_what_is_looked_for_is_said_in_4000_characters(memory: Memory, verb: str) -> None:
    memory.add("kept", namespace="ann")
    getattr(memory, verb)("x" * MAX_QUERY_CHARS, namespace="ann")
    with pytest.raises(InvalidInput, match="has 4,001 characters and the limit is 4,000; say in fewer words"):
        getattr(memory, verb)("x" * (MAX_QUERY_CHARS + 1), namespace="ann")


def test_a_number_of_any_length_may_stand_beside_a_month(memory: Memory) -> None:
    memory.add("kept", namespace="ann")
    assert memory.search("may " + "1" * 3_900, namespace="ann")


@pytest.mark.parametrize(("limit", "offset"), [(0, 0), (5, -1), (10**30, 0), (2.5, 0), (5, "0"), (True, 0)])
def test_bad_pages(memory: Memory, limit: int, offset: int) -> None:
    with pytest.raises(InvalidInput, match=r"(limit|offset) came as"):
        memory.list(namespace="ann", limit=limit, offset=offset)


@pytest.mark.parametrize("memory_id", [None, 7, 2**70, b"x", ["a"], {}, "\ud800", "a\0b", "x" * 300])
def test_what_is_no_id(memory: Memory, memory_id: str) -> None:
    stored(memory)
    for verb in (
        lambda: memory.update(memory_id, namespace="ann", text="y"),
        lambda: memory.delete(memory_id, namespace="ann"),
        lambda: memory.history(memory_id, namespace="ann"),
    ):
        with pytest.raises(InvalidInput, match="a memory id came as"):
            verb()
    with pytest.raises(InvalidInput, match="give one of them" if memory_id is None else "a memory id came as"):
        memory.get(memory_id, namespace="ann")


def test_numbers_too_long_to_print_are_refused_alone(memory: Memory) -> None:
    huge = 10**5_000
    first, second = memory.add([{"content": "x", "timestamp": huge}, "y"], namespace="ann")
    assert (first.status, second.status) == ("rejected", "stored")
    with pytest.raises(InvalidInput):
        memory.search("x", namespace="ann", top_k=huge)
    with pytest.raises(InvalidTimestamp):
        memory.search("x", namespace="ann", since=huge)


def test_a_call_key_leaves_room_for_its_numbers(memory: Memory) -> None:
    [receipt] = memory.add(["k"], namespace="ann", key="a" * 250)
    assert receipt.status == "stored"
    assert {one.status for one in memory.import_(memory.export(namespace="ann"), namespace="copy")} == {"stored"}
    with pytest.raises(MessagesRejected, match="'key' came as"):
        memory.add(["k"], namespace="ann", key="a" * 255)


@pytest.mark.parametrize("lines", [None, 7, "text", b"bytes"])
def test_what_is_no_export(memory: Memory, lines: object) -> None:
    with pytest.raises(InvalidMessage, match="give its lines"):
        memory.import_(lines, namespace="ann")  # type: ignore[arg-type]


def test_one_model_name_with_two_dimensions_stays_two_spaces(path: Path) -> None:
    class Mine(HashEmbedder):
        model = "mine"  # type: ignore[assignment]

    with Memory.open(path, embedder=Mine(64)) as wide, Memory.open(path, embedder=Mine(32)) as narrow:
        wide.add("one about harbours", namespace="ann")
        narrow.add("two about harbours", namespace="ann")
        assert len(found(wide, "harbours")) == len(found(narrow, "harbours")) == 2
        assert wide.reindex(namespace="ann") == narrow.reindex(namespace="ann") == 2
        assert wide.verify() == narrow.verify() == []


def test_more_threads_than_connections_wait_and_all_succeed(path: Path) -> None:
    class Slow(HashEmbedder):
        def embed(self, texts: object, *, purpose: object = "document") -> np.ndarray:  # type: ignore[override]
            if purpose == "query":
                time.sleep(0.1)
            return super().embed(texts)  # type: ignore[arg-type]

    with Memory.open(path, embedder=Slow(32)) as memory:
        stored(memory)
        with ThreadPoolExecutor(120) as pool:
            counts = list(pool.map(lambda _: len(found(memory, "harbour")), range(120)))
    assert counts == [5] * 120


def test_closing_twice_is_closing_once() -> None:
    memory = Memory.open(":memory:", embedder=HashEmbedder())
    memory.add("x", namespace="ann")
    memory.search("x", namespace="ann")
    memory.close()
    memory.close()


def test_an_empty_question_is_refused(memory: Memory) -> None:
    with pytest.raises(InvalidMessage, match="empty"):
        memory.search("  ", namespace="ann")


def test_a_token_budget_instead_of_a_count(memory: Memory) -> None:
    stored(memory)
    unlimited = memory.search("Oslo flat harbour", namespace="ann", token_budget=1000)
    assert len(unlimited) == 5
    for budget in (1, 8, 15, 30):
        hits = memory.search("Oslo flat harbour", namespace="ann", token_budget=budget)
        assert sum(memory.count_tokens(hit.text) for hit in hits) <= budget
        ranks = [hit.rank for hit in hits]
        assert ranks == sorted(ranks)
    assert len(memory.search("Oslo", namespace="ann", token_budget=1000, top_k=2)) == 2


def test_an_answer_quotes_what_really_stands_there(memory: Memory) -> None:
    stored(memory)
    answer = memory.ask("Where did Ann move to?", namespace="ann")
    assert answer.process == "extractive"
    assert (
        answer.text == "“I moved to Oslo last week.” (Ann, 2 March 2026; “last week” is the week before 2 March 2026)"
    )
    for evidence in answer.evidence:
        source = memory.get(evidence.id, namespace="ann")
        assert evidence.quote in source.text
        assert (evidence.speaker, evidence.said_at) == (source.speaker, source.valid_from)
    assert answer.seconds > 0


def test_an_export_is_imported_whole(memory: Memory, tmp_path: Path) -> None:
    receipts = stored(memory)
    memory.add(
        {"content": "keyed", "key": "k", "metadata": {"a": 1}, "timestamp": "2026-04-01T00:30:00+09:00"},
        namespace="ann",
    )
    memory.update(receipts[0].id or "", namespace="ann", text="I moved to Bergen.", valid_to="2027-01-01")
    memory.delete(receipts[1].id or "", namespace="ann")
    lines = list(memory.export(namespace="ann"))
    assert len(lines) == 1 + 5
    assert "How is the new flat?" not in "\n".join(lines)
    with Memory.open(tmp_path / "other.db", embedder=HashEmbedder(), now=ticking()) as other:
        assert {receipt.status for receipt in other.import_(lines, namespace="copy/of")} == {"stored"}
        assert {receipt.status for receipt in other.import_(lines, namespace="copy/of")} == {"duplicate"}
        again = list(other.export(namespace="copy/of"))
        assert [json.loads(line) for line in again[1:]] == [json.loads(line) for line in lines[1:]]
        mine = {
            item.id: (item.text, item.valid_from, item.valid_to, item.metadata) for item in memory.list(namespace="ann")
        }
        theirs = {
            item.id: (item.text, item.valid_from, item.valid_to, item.metadata)
            for item in other.list(namespace="copy/of")
        }
        assert theirs == mine
        assert other.verify() == []


HEAD = '{"memsvc_export": 1, "namespace": "x"}'
LINE = '{"content": "%s", "name": "a", "role": "r", "session_id": "s", "timestamp": "%s"}'


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (["not json"], "line 1 is not JSON"),
        (['{"some": "file"}'], "not the header"),
        (["[1]"], "line 1: list came"),
        ([HEAD, '{"content": "x"}'], "line 2 lacks"),
        ([HEAD, "", LINE % ("", "2026-01-01")], "line 3: 'content' is empty"),
        ([HEAD, LINE % ("x", "soon")], "line 2: 'soon'"),
        ([HEAD, (LINE % ("x", "2026-01-01"))[:-1] + ', "metadata": [1]}'], "line 2: 'metadata' came as"),
        ([HEAD, (LINE % ("x", "2026-01-01"))[:-1] + ', "metadata": {"a": NaN}}'], "line 2: 'metadata' cannot"),
        ([HEAD, (LINE % ("x", "2026-01-01"))[:-1] + ', "valid_to": "2020-01-01"}'], "line 2: valid_to"),
        ([HEAD, (LINE % ("\\ud800", "2026-01-01"))], "line 2: 'content' holds half"),
        ([], "an empty file"),
    ],
)
def test_a_bad_import_names_its_line(memory: Memory, lines: list[str], says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        memory.import_(lines, namespace="ann")
    assert memory.namespaces() == []


class Broken(HashEmbedder):
    """An embedder that fails, or gives vectors that are no use."""

    def __init__(self, give: object) -> None:
        super().__init__(64)
        self.give = give

    def embed(self, texts: object, *, purpose: object = "document") -> np.ndarray:  # type: ignore[override]
        if isinstance(self.give, Exception):
            raise self.give
        return np.asarray(self.give)


@pytest.mark.parametrize(
    ("give", "error"),
    [
        (EmbedderError("the model is away"), EmbedderError),
        (ConnectionError("the server is away"), EmbedderError),
        (np.zeros((7, 64), np.float32), EmbedderError),
        (np.zeros((1, 32), np.float32), InvalidVector),
        (np.full((1, 64), np.nan, np.float32), InvalidVector),
    ],
)
def test_when_the_embedder_fails_nothing_is_acknowledged(path: Path, give: object, error: type[MemsvcError]) -> None:
    with Memory.open(path, embedder=HashEmbedder(64)) as memory:
        stored(memory)
    with Memory.open(path, embedder=Broken(give)) as memory:
        with pytest.raises(error):
            memory.add("new", namespace="ann")
        with pytest.raises(error):
            memory.search("flat", namespace="ann")
        assert memory.stats(namespace="ann")["messages"] == 5


class Counting(HashEmbedder):
    """Remembers what it was asked to embed."""

    def __init__(self) -> None:
        super().__init__(64)
        self.texts: list[str] = []

    def embed(self, texts: object, *, purpose: object = "document") -> np.ndarray:  # type: ignore[override]
        self.texts += list(texts)  # type: ignore[call-overload]
        return super().embed(texts)  # type: ignore[arg-type]


def test_a_text_is_embedded_once_in_its_namespace(path: Path) -> None:
    embedder = Counting()
    with Memory.open(path, embedder=embedder) as memory:
        memory.add(["yes", "no", "yes"], namespace="ann")
        assert sorted(embedder.texts) == ["no", "yes"]
        memory.add(["yes"], namespace="ann")
        assert len(embedder.texts) == 2
        memory.add(["yes"], namespace="bob")
        assert len(embedder.texts) == 3, "another namespace's vectors are not looked at"


class Wider(HashEmbedder):
    """Another model: other vectors of another dimension."""

    def __init__(self) -> None:
        super().__init__(96)


def test_another_embedder_re_embeds_in_the_background(path: Path) -> None:
    with Memory.open(path, embedder=HashEmbedder(64)) as memory:
        stored(memory)
    with Memory.open(path, embedder=Wider()) as memory:
        assert memory.stats(namespace="ann")["stale"] == 5
        assert found(memory, "harbour")[0] == "Small, but near the harbour.", "words find it meanwhile"
        deadline = time.monotonic() + 10
        while memory.stats(namespace="ann")["stale"] and time.monotonic() < deadline:
            time.sleep(0.01)
        assert memory.stats(namespace="ann")["stale"] == 0
        assert memory.verify() == []


def test_the_background_survives_an_embedder_that_is_away_for_a_while(path: Path) -> None:
    class Flaky(Wider):
        away = True

        def embed(self, texts: object, *, purpose: object = "document") -> np.ndarray:  # type: ignore[override]
            if self.away and purpose == "document":
                raise ConnectionError("away")
            return super().embed(texts)  # type: ignore[arg-type]

    with Memory.open(path, embedder=HashEmbedder(64)) as memory:
        stored(memory)
    embedder = Flaky()
    with Memory.open(path, embedder=embedder) as memory:
        deadline = time.monotonic() + 10
        for _ in range(5):
            memory.search("harbour", namespace="ann")
        assert memory.stats(namespace="ann")["stale"] == 5
        embedder.away = False
        while memory.stats(namespace="ann")["stale"] and time.monotonic() < deadline:
            memory.search("harbour", namespace="ann")
        assert memory.stats(namespace="ann")["stale"] == 0


def test_reindex_re_embeds_at_once(path: Path) -> None:
    with Memory.open(path, embedder=HashEmbedder(64)) as memory:
        stored(memory)
    steps: list[int] = []
    with Memory.open(path, embedder=Wider()) as memory:
        assert memory.reindex(namespace="ann", progress=steps.append) == 5
        assert sum(steps) == 5
        assert memory.stats(namespace="ann")["stale"] == 0


def test_threads_share_a_memory(memory: Memory) -> None:
    def work(number: int) -> int:
        memory.add(f"Fact number {number} about harbours.", namespace=f"ns{number % 3}")
        return len(memory.search("harbours", namespace=f"ns{number % 3}", top_k=50))

    with ThreadPoolExecutor(8) as pool:
        counts = list(pool.map(work, range(48)))
    assert min(counts) >= 1
    assert [memory.stats(namespace=f"ns{number}")["memories"] for number in range(3)] == [16, 16, 16]
    assert memory.verify() == []


@pytest.mark.parametrize("where", ["file", ":memory:"])
def test_after_it_was_closed_every_verb_says_so(path: Path, where: str) -> None:
    memory = Memory.open(path if where == "file" else where, embedder=HashEmbedder())
    [receipt] = memory.add(["kept"], namespace="ann")
    memory.close()
    memory.close()
    for verb in (
        lambda: memory.add(["more"], namespace="ann"),
        lambda: memory.search("kept", namespace="ann"),
        lambda: memory.ask("kept?", namespace="ann"),
        lambda: memory.get(receipt.id or "", namespace="ann"),
        lambda: memory.namespaces(),
        lambda: list(memory.export(namespace="ann")),
    ):
        with pytest.raises(DatabaseUnreadable, match="was closed; open it again"):
            verb()


def test_tags_of_a_call_and_of_a_message_add_up_and_bad_ones_are_told(memory: Memory) -> None:
    own = {"content": "b", "tags": ["own", "all"], "metadata": {"tags": ["kept"]}}
    memory.add(["a", own], namespace="ann", tags=["all", "all"])
    assert [one.metadata for one in memory.list(namespace="ann")] == [
        {"tags": ["all"]}, {"tags": ["kept", "all", "own"]},
    ]  # fmt: skip
    memory.add_episode("do it", "done", reward=1, namespace="ann", tags="all")
    assert len(memory.list(namespace="ann", tags="all")) == 3
    assert [hit.episode.intent for hit in memory.search_episodes("do it", namespace="ann", tags="all").hits] == [
        "do it"
    ]
    for wrong, says in ((5, "'tags' came as 5; give a list of strings"), (["a", 1], "'tags' came as 1")):
        with pytest.raises(InvalidMessage, match=says):
            memory.add("x", namespace="ann", tags=wrong)  # type: ignore[arg-type]
    with pytest.raises(InvalidMessage, match="'metadata' has 'tags' that came as"):
        memory.add("x", namespace="ann", tags="a", metadata={"tags": {"no": "list"}})


def test_roles_are_of_messages_and_of_the_facts_that_rest_on_them(memory: Memory) -> None:
    memory.add(
        [{"role": "user", "content": "Where is it?"}, {"role": "assistant", "content": "In Oslo."}], namespace="a"
    )
    assert [one.role for one in memory.list(namespace="a")] == ["user", "assistant"]
    assert [hit.text for hit in memory.search("Oslo", namespace="a", role="assistant")] == ["In Oslo."]
    with pytest.raises(InvalidFilter, match="role came as 'user', and only episodes"):
        memory.search_episodes("x", namespace="a", role="user")


def test_several_namespaces_are_searched_in_one_ranking_by_relevance(memory: Memory) -> None:
    for name, said in (("acme/ann", "Ann moved to Oslo."), ("acme/team", "The team is in Oslo."), ("other", "Oslo!")):
        memory.add([said, "Nothing of the kind."], namespace=name)
    found = memory.search("Oslo", namespaces=["acme/ann", "acme/team", "acme/nobody"], top_k=3)
    assert {hit.memory.namespace for hit in found[:2]} == {"acme/ann", "acme/team"}
    assert [hit.rank for hit in found] == [1, 2, 3]
    assert [hit.relevance for hit in found] == sorted((hit.relevance for hit in found), reverse=True)
    [alone] = memory.search("Oslo", namespace="acme/ann", top_k=1)
    assert alone.relevance in [hit.relevance for hit in found if hit.memory.namespace == "acme/ann"]
    assert {hit.memory.namespace for hit in memory.search("Oslo", namespaces="acme/*")} == {"acme/ann", "acme/team"}
    everywhere = {hit.memory.namespace for hit in memory.search("Oslo", namespaces="*", role="user")}
    assert everywhere == {"acme/ann", "acme/team", "other"}
    assert memory.search("Oslo", namespaces=["nobody/*"]) == []


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({}, "namespace came as None"),
        ({"namespaces": []}, "namespaces came as "),
        ({"namespaces": 5}, "namespaces came as 5"),
        ({"namespaces": ["a", 5]}, "came as 5"),
        ({"namespaces": "a*"}, "'\\*' in another place than its end"),
        ({"namespaces": "a", "namespace": "a"}, "namespace came beside namespaces"),
        ({"namespaces": "a", "trace": True}, "trace came beside namespaces"),
        ({"namespaces": "a", "for_session": "s"}, "for_session came beside namespaces"),
    ],
)
def test_several_namespaces_that_cannot_be_searched(memory: Memory, given: dict[str, object], says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        memory.search("x", **given)  # type: ignore[arg-type]


def test_so_many_namespaces_are_searched_and_no_more(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("memsvc.verbs.reading.MOST_NAMESPACES", 1)
    for name in ("a/1", "a/2"):
        memory.add("x", namespace=name)
    assert len(memory.search("x", namespaces=["a/1", "a/3"])) == 1
    with pytest.raises(InvalidInput, match="which are 2, and at most 1"):
        memory.search("x", namespaces="a/*")
