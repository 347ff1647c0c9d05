"""One suite for all faces of a memory: a database in this process or a service, waited for or awaited."""

from __future__ import annotations

import json
import time
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from openai.types.chat import ChatCompletionMessage

from memsvc import Answer, Erasure, Event, FeedbackReceipt, Graph
from memsvc.client.slicing import MOST_MESSAGES
from memsvc.episodes.found import Episodes
from memsvc.errors import (
    InvalidFilter,
    InvalidInput,
    InvalidMessage,
    InvalidNamespace,
    InvalidTimestamp,
    MemsvcError,
    MessagesRejected,
    NotFound,
)
from memsvc.lookup.traces import Hits
from memsvc.service.bodies import MAX_MESSAGES
from memsvc.testing import RuleModel
from memsvc_store.values.drafts import Receipt
from memsvc_store.values.erasure_receipts import document
from memsvc_store.values.hits import Hit
from memsvc_store.values.memories import Memory
from tests.memsvc.client.faces import FACES, face

if TYPE_CHECKING:
    from collections.abc import Iterator

ANN = [
    {"name": "Ann", "content": "I moved to Oslo last week.", "timestamp": "2026-03-02T09:00:00+01:00",
     "session_id": "s1", "tags": ["north"], "metadata": {"place": {"lat": 59.9, "tags": ["capital", None]}}},
    {"name": "Ben", "content": "How do you like the rain there?", "timestamp": datetime(2026, 3, 2, 9, 1, tzinfo=UTC),
     "role": "assistant", "metadata": {"tags": "rain"}, "tags": "north"},
    {"name": "Ann", "content": "Line\u2028separators and \U0001f31e are fine in Oslo.", "timestamp": 1772442120.5},
]  # fmt: skip


@pytest.fixture(scope="module", params=FACES)
def one(request: pytest.FixtureRequest) -> Iterator[Any]:
    """A face, shared by the tests: each works in a namespace of its own."""
    with face(request.param, model=RuleModel({"reflect": lambda _: {"experience": "Book early."}})) as made:
        yield made


@pytest.fixture
def here(request: pytest.FixtureRequest) -> str:
    return f"acme/{request.node.originalname}"


@pytest.fixture
def ann(one: Any, here: str) -> list[str]:
    """The ids of `ANN`."""
    return [receipt.id for receipt in one.add(ANN, namespace=here)]


def test_what_is_stored_comes_back_as_it_was(one: Any, here: str, ann: list[str]) -> None:
    first, second, third = one.list(namespace=here)
    assert [first.id, second.id, third.id] == ann
    assert isinstance(first, Memory)
    assert (first.namespace, first.text, first.speaker, first.session_id) == (here, ANN[0]["content"], "Ann", "s1")
    assert first.valid_from == datetime.fromisoformat(str(ANN[0]["timestamp"]))
    assert first.valid_from.utcoffset() == timedelta(hours=1)
    assert first.metadata == {"place": {"lat": 59.9, "tags": ["capital", None]}, "tags": ["north"]}
    assert third.text == ANN[2]["content"]
    assert third.valid_from == datetime(2026, 3, 2, 9, 2, 0, 500_000, tzinfo=UTC)
    assert ("speaker", "ann") in first.entities
    assert first.entities[0].kind
    assert one.get(first.id, namespace=here) == first


def test_traces_are_listed_with_their_rewards(one: Any, here: str, ann: list[str]) -> None:
    assert one.traces(namespace=f"{here}/other") == []
    first = one.search("Who moved to Oslo?", namespace=here, top_k=2, trace=True).trace_id
    answer = one.ask("Where did Ann move?", namespace=here)
    for reward in (1.0, -0.5):
        one.feedback(first, reward, namespace=here, key=str(reward))
    latest, earlier = one.traces(namespace=here)
    assert (latest.id, latest.kind, latest.rewards) == (answer.trace_id, "ask", ())
    assert (earlier.id, earlier.kind, earlier.query) == (first, "search", "Who moved to Oslo?")
    assert (earlier.used, earlier.rewards) == (2, (1.0, -0.5))
    assert one.traces(namespace=here, kind="search") == one.traces(namespace=here, limit=1, offset=1) == [earlier]
    assert one.ids(first[:8], namespace=here, of="trace") == [first]
    assert one.ids(first[:8], namespace=f"{here}/other", of="trace") == []


def test_ids_are_found_by_how_they_begin(one: Any, here: str, ann: list[str]) -> None:
    for memory_id in ann:
        assert one.ids(memory_id[:6], namespace=here) == one.ids(memory_id, namespace=here) == [memory_id]
    one.delete(ann[0], namespace=here)
    assert one.ids(ann[0][:6], namespace=here) == [ann[0]]  # `history` shows it
    assert one.ids("zzzz", namespace=here) == one.ids("%_%_", namespace=here) == []
    assert one.ids(ann[0][:6], namespace=f"{here}/other") == []


def test_a_memory_is_got_by_its_writers_key(one: Any, here: str) -> None:
    [said] = one.add("I moved to Oslo.", namespace=here, key="a/b ?#é")
    listed = one.add(["One.", "Two.", {"content": "Three.", "key": "own"}], namespace=here, key="list")
    tried = one.add_episode("book a table", "called", namespace=here, reward=1.0, key="task")
    for key, receipt in (
        ("a/b ?#é", said),
        ("list/0", listed[0]),
        ("list/1", listed[1]),
        ("own", listed[2]),
        ("task", tried),
    ):
        assert one.get(key=key, namespace=here) == one.get(receipt.id, namespace=here)
    with pytest.raises(NotFound, match="'list/0', 'list/1'"):
        one.get(key="list", namespace=here)
    with pytest.raises(NotFound, match="nothing was stored under key"):
        one.get(key="own", namespace=f"{here}/other")
    one.delete(said.id, namespace=here)
    with pytest.raises(NotFound, match="was deleted"):
        one.get(key="a/b ?#é", namespace=here)


def test_a_list_of_any_length_is_added_in_its_order_under_one_key(one: Any, here: str) -> None:
    assert MOST_MESSAGES == MAX_MESSAGES
    texts: list[Any] = [f"Word {number}." for number in range(MOST_MESSAGES + 2)]
    texts[1], texts[-1] = {"content": "Her own.", "key": "own"}, {"content": ""}
    found = one.add(texts, namespace=here, session_id="s", key="k")
    assert [receipt.status for receipt in found] == ["stored"] * (MOST_MESSAGES + 1) + ["rejected"]
    again = one.add(texts, namespace=here, session_id="s", key="k")
    assert [(one.status, one.id) for one in again[:-1]] == [("duplicate", receipt.id) for receipt in found[:-1]]
    stored = one.list(namespace=here, limit=1_000) + one.list(namespace=here, limit=1_000, offset=1_000)
    assert [memory.id for memory in stored] == [receipt.id for receipt in found[:-1]]
    [last] = one.add([{"content": stored[-1].text, "key": f"k/{MOST_MESSAGES}"}], namespace=here, session_id="s")
    assert (last.status, last.id) == ("duplicate", found[-2].id)


def test_receipts_say_what_became_of_each_message(one: Any, here: str) -> None:
    found = one.add(["One thing.", {"content": ""}, "Another thing."], namespace=here, session_id="s", key="k")
    assert [receipt.status for receipt in found] == ["stored", "rejected", "stored"]
    assert isinstance(found[0], Receipt)
    assert "empty" in found[1].reason
    again = one.add(["One thing."], namespace=here, session_id="s", key="k")
    assert again == [Receipt("duplicate", found[0].id)]
    assert one.stats(namespace=here)["messages"] == 2


def test_facts_of_the_caller(one: Any, here: str) -> None:
    [said] = one.add("No coffee for me.", namespace=here, name="Ann")
    worked = ["Ann prefers tea.", {"content": "The build is slow.", "sources": []}, {"content": "x", "sources": ["y"]}]
    receipts = one.add(worked, namespace=here, kind="fact", sources=[said.id])
    assert [receipt.status for receipt in receipts] == ["stored", "stored", "rejected"]
    tea, slow = one.list(namespace=here, kind="fact")
    assert (tea.sources, tea.fact_by, tea.speaker, slow.sources, slow.speaker) == (
        (said.id,),
        "caller",
        "Ann",
        (),
        "agent",
    )
    assert one.add("Ann prefers tea.", namespace=here, kind="fact", sources=[said.id])[0].status == "duplicate"
    with pytest.raises(InvalidInput, match="key came with kind='fact'"):
        one.add("Ann prefers tea.", namespace=here, kind="fact", key="k")


def test_what_expires_is_gone_and_can_be_erased(one: Any, here: str) -> None:
    soon = datetime.now(UTC) + timedelta(seconds=0.5)
    [short, long] = one.add([{"content": "A code: 1234.", "expires_at": soon}, "I moved."], namespace=here)
    assert one.get(short.id, namespace=here).expires_at == soon
    assert one.update(long.id, namespace=here, expires_at="30d").expires_at > soon
    assert one.update(long.id, namespace=here, expires_at="never").expires_at is None
    time.sleep(max(0.0, (soon - datetime.now(UTC)).total_seconds() + 0.01))
    assert [memory.id for memory in one.list(namespace=here)] == [long.id]
    assert short.id not in {hit.id for hit in one.search("a code", namespace=here)}
    assert [memory.id for memory in one.list(namespace=here, expired=True)] == [short.id]
    receipt = one.forget(namespace=here, expired=True)
    assert (receipt.what, receipt.counts["memories"]) == ("expired", 1)
    assert one.verify_erasure(receipt)
    assert one.list(namespace=here, expired=True) == []


def test_times_are_of_the_zone_of_the_call_and_notes_come_along(one: Any, here: str) -> None:
    [said] = one.add("I moved.", namespace=here, name="Ann", timestamp="2026-03-02T00:30", timezone="Asia/Shanghai")
    assert one.get(said.id, namespace=here).valid_from.isoformat() == "2026-03-02T00:30:00+08:00"
    found = one.search("moved", namespace=here, since="2026-03-02", timezone="Asia/Shanghai")
    assert [hit.id for hit in found] == [said.id]
    assert one.list(namespace=here, until=date(2026, 3, 1), timezone="Asia/Shanghai") == []
    assert len(one.list(namespace=here, until=date(2026, 3, 1))) == 1
    notes = (f"no memory of namespace {here!r} is by speaker 'ann'; did you mean 'Ann'?",)
    for found in (one.search("moved", namespace=here, speaker="ann"), one.list(namespace=here, speaker="ann")):
        assert (list(found), found.notes) == ([], notes)
    assert one.ask("Who moved?", namespace=here, speaker="ann", gate="never").notes == notes


def test_objects_of_frameworks_and_what_is_said_of_all_messages(one: Any, here: str) -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    message = ChatCompletionMessage.model_validate({"role": "assistant", "content": None, "tool_calls": [call]})
    said = {"name": "Bot", "timestamp": "2026-03-02T09:00:00Z", "metadata": {"a": 1}}
    receipts = one.add([message, "half \ud83c", "Hi"], namespace=here, **said)
    assert [receipt.status for receipt in receipts] == ["stored", "rejected", "stored"]
    assert [receipt.reason for receipt in receipts.rejected] == [receipts[1].reason]
    first, second = one.list(namespace=here)
    assert (first.text, first.speaker, first.metadata["message"]["tool_calls"][0]["id"]) == ("f({})", "Bot", "c")
    assert (second.text, second.metadata) == ("Hi", {"a": 1})
    assert (second.valid_from - first.valid_from).microseconds == 2
    assert one.add(message, namespace=here)[0].status == "stored"


def test_the_graph_of_things(one: Any, here: str, ann: list[str]) -> None:
    overview = one.graph(namespace=here)
    assert isinstance(overview, Graph)
    assert [(thing.name, thing.kind, thing.memories) for thing in overview.nodes] == [
        ("Ann", "person", 2), ("Oslo", "thing", 2), ("Ben", "person", 1),
    ]  # fmt: skip
    found = one.graph("OSLO", namespace=here, limit=1)
    assert [(tie.source, tie.target, tie.weight) for tie in found.edges] == [("Oslo", "Ann", 2)]
    assert [memory.id for memory in found.edges[0].memories] == [ann[2], ann[0]]
    path = one.graph("Oslo", to="day:2026-03-02", namespace=here, kinds=["session", "day"])
    assert [thing.name for thing in path.nodes] == ["Oslo", "day:2026-03-02"]
    assert one.graph("Oslo", to="Ben", namespace=here, kinds="thing").nodes == ()


def test_a_history_with_times_is_stored_once_however_often_it_comes(one: Any, here: str) -> None:
    no, sure = ({"content": text, "name": "Bob", "timestamp": "2026-03-02T10:02"} for text in ("No.", "Sure?"))
    for given, statuses in (
        (no, ["stored"]),
        (no, ["duplicate"]),
        ([no, sure, no], ["duplicate", "stored", "stored"]),
        ([no, sure, no], ["duplicate"] * 3),
        ({**no, "key": "m1"}, ["stored"]),
    ):
        assert [receipt.status for receipt in one.add(given, namespace=here)] == statuses
    task = {"reward": 1, "namespace": here, "timestamp": "2026-03-02T10:02"}
    keys: list[dict[str, str]] = [{}, {}, {"key": "a"}, {"key": "b"}]
    attempts = [one.add_episode("book a table", "called", **task, **key) for key in keys]
    assert [receipt.status for receipt in attempts] == ["stored", "duplicate", "stored", "stored"]


def test_an_echo_names_itself_and_what_it_repeats(one: Any, here: str) -> None:
    [original] = one.add("I moved to Oslo in May.", namespace=here, session_id="old")
    one.search("Oslo", namespace=here, for_session="today")
    [receipt] = one.add("I moved to Oslo in May.", namespace=here, session_id="today")
    assert (receipt.status, receipt.echo_of) == ("echo", original.id)
    assert one.get(receipt.id, namespace=here).echo_of == original.id
    assert [hit.id for hit in one.search("Oslo", namespace=here)] == [original.id]
    assert [memory.id for memory in one.session("today", namespace=here)] == [receipt.id]


def test_without_a_key_two_equal_messages_stay_two(one: Any, here: str) -> None:
    stored = [one.add("I'm here.", namespace=here)[0] for _ in range(2)]
    assert [receipt.status for receipt in stored] == ["stored", "stored"]
    assert len({receipt.id for receipt in stored}) == 2


def test_search_gives_hits_with_their_parts_and_a_trace(one: Any, here: str, ann: list[str]) -> None:
    found = one.search("Who moved to Oslo?", namespace=here, top_k=2, trace=True)
    assert isinstance(found, Hits)
    assert isinstance(found[0], Hit)
    assert (found[0].id, found[0].rank, len(found)) == (ann[0], 1, 2)
    assert found[0].score == found[0].parts.final
    assert "| Ann: I moved to Oslo" in found.text(token_budget=60).splitlines()[0]
    trace = one.trace(found.trace_id, namespace=here)
    assert (trace.kind, trace.used) == ("search", tuple(hit.id for hit in found))
    assert trace.pool[0].memory_id == ann[0]
    assert one.search("Oslo", namespace=here).trace_id is None
    assert len(one.search("Oslo", namespace=here, token_budget=8)) == 1


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"speaker": "Ben"}, [1]),
        ({"speaker": ("Ann", "Ben"), "session_id": ["default"]}, [1, 2]),
        ({"since": "2026-03-02T08:30:00Z", "until": datetime(2026, 3, 2, 9, 1, 30, tzinfo=UTC)}, [1]),
        ({"since": datetime(2026, 3, 2, 9, 1)}, [1, 2]),  # without an offset it is UTC
        ({"as_of": 1772442061, "kind": "message"}, [0, 1]),
        ({"kind": "episode"}, []),
        ({"include_ended": False, "speaker": "Ben"}, [1]),
        ({"where": {"place.lat": {"$gt": 59}, "place.tags": "capital"}}, [0]),
        ({"where": {"$not": {"place": {"$exists": True}}}, "speaker": "Ann"}, [2]),
        ({"where": '{"place.tags": {"$in": [null]}}'}, [0]),
        ({"tags": ["capital"]}, []),
        ({"tags": "north"}, [0, 1]),
        ({"tags": ["rain", "sun"]}, [1]),
        ({"role": ["assistant", "tool"]}, [1]),
    ],
)
def test_filters_narrow(one: Any, here: str, ann: list[str], filters: dict[str, Any], expected: list[int]) -> None:
    wanted = {ann[place] for place in expected}
    assert {memory.id for memory in one.list(namespace=here, **filters)} == wanted
    assert {hit.id for hit in one.search("Oslo rain", namespace=here, **filters)} == wanted
    assert {json.loads(line)["id"] for line in [*one.export(namespace=here, **filters)][1:]} == wanted
    assert {found.id for found in one.ask("Oslo rain?", namespace=here, gate="always", **filters).evidence} <= wanted


def test_what_has_ended_is_found_where_it_is_asked_for(one: Any, here: str, ann: list[str]) -> None:
    one.update(ann[0], namespace=here, valid_to="2026-03-03")
    assert ann[0] not in {hit.id for hit in one.search("Oslo", namespace=here)}
    assert ann[0] in {hit.id for hit in one.search("Oslo", namespace=here, include_ended=True)}
    answer = one.ask("Who moved to Oslo?", namespace=here, as_of="2026-03-02T23:00:00Z")
    [quoted] = [evidence for evidence in answer.evidence if evidence.id == ann[0]]
    assert quoted.valid_to == datetime(2026, 3, 3, tzinfo=UTC)
    assert {memory.id for memory in one.list(namespace=here, include_ended=False)} == {*ann[1:]}


def test_several_namespaces_are_searched_at_once(one: Any, here: str, ann: list[str]) -> None:
    one.add("Oslo has rain.", namespace=f"{here}/team")
    found = one.search("Oslo rain", namespaces=[here, f"{here}/*"], speaker=["Ann", "user"])
    assert {hit.memory.namespace for hit in found} == {here, f"{here}/team"}
    assert [hit.rank for hit in found] == [1, 2, 3]


def test_list_gives_pages(one: Any, here: str, ann: list[str]) -> None:
    assert [memory.id for memory in one.list(namespace=here, limit=1, offset=1, cold=False)] == ann[1:2]
    assert one.list(namespace=here, cold=True) == []
    assert [memory.id for memory in one.list(namespace=here, order="newest")] == ann[::-1]
    assert [memory.id for memory in one.list(namespace=here, order="newest", limit=1, offset=1)] == ann[1:2]


SESSIONS = ["team/plans", "/lead", "..", "50 % ?#&", "Zoë"]


def test_sessions_and_what_was_said_in_them(one: Any, here: str) -> None:
    assert one.sessions(namespace=here) == one.session("s", namespace=here) == []  # nobody has said anything yet
    for minute, session_id in enumerate(SESSIONS):
        messages = [
            {"name": name, "content": f"{name} speaks.", "timestamp": f"2026-03-02T09:{minute:02}:0{second}Z"}
            for second, name in enumerate(["Ben", "Ann", "Ben"])
        ]
        stored = one.add(messages, namespace=here, session_id=session_id)
        assert [memory.id for memory in one.session(session_id, namespace=here)] == [got.id for got in stored]
        assert [memory.id for memory in one.session(session_id, namespace=here, last=2)] == [
            got.id for got in stored[1:]
        ]
    found = one.sessions(namespace=here)
    assert [session.id for session in found] == SESSIONS[::-1]
    assert one.sessions(namespace=here, limit=2, offset=1) == found[1:3]
    assert (found[0].messages, found[0].speakers) == (3, ("Ben", "Ann"))  # in the order in which they spoke up
    assert (found[0].first_at, found[0].last_at) == tuple(datetime(2026, 3, 2, 9, 4, n, tzinfo=UTC) for n in (0, 2))
    one.delete(stored[0].id, namespace=here)
    [latest, *_] = one.sessions(namespace=here)
    assert (latest.messages, latest.speakers) == (2, ("Ann", "Ben"))


def test_ask_answers_and_tells_its_steps(one: Any, here: str, ann: list[str]) -> None:
    told: list[Event] = []
    answer = one.ask("Where did Ann move?", namespace=here, gate="quality", on_event=told.append)
    assert isinstance(answer, Answer)
    assert (answer.process, answer.text) == ("fast", ANN[0]["content"])
    assert answer.evidence[0].id == ann[0]
    assert answer.verdict is not None
    assert answer.ledger.calls[0].purpose == "draft"
    assert [event.stage for event in told] == ["retrieved", "drafted", "judged", "answered"]
    assert told[-1].answer == answer
    assert one.ask("Where did Ann move?", namespace=here).trace_id != answer.trace_id


def test_ask_stream_is_the_same_step_by_step(one: Any, here: str, ann: list[str]) -> None:
    events = list(one.ask_stream("Where did Ann move?", namespace=here, gate="always", deliberation="scan"))
    assert events[0] == Event("retrieved", events[0].seconds, done=3)
    assert {event.stage for event in events} >= {"judged", "deliberating", "answered"}
    assert events[-1].answer.process == "scan"
    assert events[-1].answer.coverage.messages == 3


def test_feedback_moves_what_was_given(one: Any, here: str, ann: list[str]) -> None:
    trace_id = one.search("Who moved to Oslo?", namespace=here, trace=True, top_k=1).trace_id
    receipt = one.feedback(trace_id, 1, used={ann[0]}, key="k", credit="uniform", namespace=here)
    assert isinstance(receipt, FeedbackReceipt)
    assert (receipt.status, [move.memory_id for move in receipt.moves]) == ("applied", [ann[0]])
    again = one.feedback(trace_id, 1, used=[ann[0]], key="k", namespace=here)
    assert (again.status, again.moves) == ("duplicate", receipt.moves)
    assert one.utility_history(ann[0], namespace=here) == list(receipt.moves)
    [(memory_id, worth)] = one.top_utilities(namespace=here, worst=True)
    assert (memory_id, worth) == (ann[0], one.utility(ann[0], namespace=here))
    assert one.utility(ann[1], namespace=here) is None
    assert one.rebuild_utilities(namespace=here) == 1
    assert one.reset_utility(ann[0], namespace=here).after == 0
    assert one.utility(ann[0], namespace=here) is None


def test_episodes_are_stored_and_found(one: Any, here: str) -> None:
    steps = ["search", {"tool": "book", "at": (19, 0)}]
    receipt = one.add_episode("book a table", steps, namespace=here, reward=1, metadata={"by": "ann"}, key="e")
    assert receipt.status == "stored"
    again = one.add_episode("book a table", steps, namespace=here, reward=1, metadata={"by": "ann"}, key="e")
    assert (again.status, again.id) == ("duplicate", receipt.id)
    one.add_episode("cancel a table", "called", namespace=here, success=False, timestamp=datetime.now(UTC))
    found = one.search_episodes("book a table for two", namespace=here, top_k=1, weight=0.5, speaker="agent")
    assert isinstance(found, Episodes)
    assert found.hits[0].episode.trajectory == ["search", {"tool": "book", "at": [19, 0]}]
    assert (found.hits[0].id, found.weight) == (receipt.id, 0.5)
    assert found.trace_id
    assert "book a table" in found.text()
    assert -1 <= one.calibrate_threshold(namespace=here) <= 1
    assert [job.state for job in one.reflect(namespace=here)] == ["done", "done"]


def test_update_delete_and_history(one: Any, here: str, ann: list[str]) -> None:
    changed = one.update(ann[0], namespace=here, text="I moved to Bergen.", valid_to=datetime(2027, 1, 1, tzinfo=UTC))
    assert (changed.text, changed.valid_to) == ("I moved to Bergen.", datetime(2027, 1, 1, tzinfo=UTC))
    changed = one.update(ann[0], namespace=here, metadata={"place": None, "topic": "moving"})
    assert changed.metadata == {"topic": "moving", "tags": ["north"]}
    assert [hit.id for hit in one.search("Bergen", namespace=here, where={"topic": "moving"})] == ann[:1]
    lines = [json.loads(line) for line in one.export(namespace=here, where={"topic": "moving"})]
    assert lines[1]["metadata"]["place"], "as it was said"
    one.import_(map(json.dumps, lines), namespace=f"{here}-copy")
    assert [memory.metadata for memory in one.list(namespace=f"{here}-copy")] == [changed.metadata]
    assert [json.loads(line) for line in one.export(namespace=f"{here}-copy")][1:] == lines[1:]
    assert one.delete(ann[0], namespace=here) is None
    steps = one.history(ann[0], namespace=here)
    assert [step.operation for step in steps] == ["add", "update", "update", "delete"]
    assert steps[1].before["text"] == ANN[0]["content"]
    assert ann[0] not in {memory.id for memory in one.list(namespace=here)}


def test_an_export_is_imported(one: Any, here: str, ann: list[str]) -> None:
    lines = list(one.export(namespace=here))
    assert [json.loads(line).get("content") for line in lines[1:]] == [message["content"] for message in ANN]
    there = f"{here}-copy"
    receipts = one.import_(iter(lines), namespace=there)
    assert [(receipt.status, receipt.id) for receipt in receipts] == [("stored", memory_id) for memory_id in ann]
    assert {receipt.status for receipt in one.import_([f"{line}\n" for line in lines], namespace=there)} == {
        "duplicate"
    }
    assert [json.loads(line) for line in one.export(namespace=there)][1:] == [json.loads(line) for line in lines[1:]]


def test_an_export_may_be_left_early(one: Any, here: str) -> None:
    one.add([f"Number {number} of many." for number in range(500)], namespace=here)
    lines = one.export(namespace=here)
    assert "memsvc_export" in next(lines)
    lines.close()
    assert one.stats(namespace=here)["messages"] == 500


def test_facts_are_worked_out_and_jobs_say_so(one: Any, here: str, ann: list[str]) -> None:
    summary = one.extract(namespace=here)
    jobs = one.jobs(namespace=here, state="done")
    assert summary.done == len(jobs) > 0
    assert {job.kind for job in jobs} == {"extract"}
    assert one.retry(namespace=here) == 0
    assert one.reindex(namespace=here) >= 3
    assert one.retain(namespace=here, budget=1).hot == 1


def test_care(one: Any, here: str, ann: list[str]) -> None:
    assert here in one.namespaces()
    counts = one.stats(namespace=here)
    assert (counts["messages"], counts["sessions"]) == (3, 2)
    assert one.verify(namespace=here) == []
    assert one.count_tokens("Where is Ann?") == 4


def test_what_is_forgotten_leaves_a_receipt(one: Any, here: str, ann: list[str]) -> None:
    receipt = one.forget(namespace=here, session_id="s1")
    assert isinstance(receipt, Erasure)
    assert (receipt.what, receipt.target, receipt.counts["messages"]) == ("session", "s1", 1)
    assert one.verify_erasure(receipt) is True
    assert one.verify_erasure({**document(receipt), "target": "s2"}) is False
    with pytest.raises(NotFound):
        one.get(ann[0], namespace=here)


@pytest.mark.parametrize(
    ("expected", "verb", "args", "options"),
    [
        (InvalidNamespace, "add", ("x",), {"namespace": "/"}),
        (InvalidMessage, "add", ("",), {}),
        (InvalidMessage, "add", (b"bytes",), {}),
        (InvalidMessage, "add", ({"content": "x", "metadata": {1: 2}},), {}),
        (InvalidMessage, "add", ({"content": "x", "metadata": {"a": float("nan")}},), {}),
        (InvalidMessage, "add", ({"content": "x", "timestmap": "2026-03-02"},), {}),
        (MessagesRejected, "add", ([{"content": ""}, 7],), {}),
        (MessagesRejected, "add", (["x", {"content": ""}],), {"strict": True}),
        (InvalidTimestamp, "add", ({"content": "x", "timestamp": "some day"},), {}),
        (InvalidInput, "add_episode", ("x", "y"), {}),
        (InvalidInput, "add_episode", ("x", "y"), {"reward": 2}),
        (InvalidMessage, "search", (" ",), {}),
        (InvalidInput, "search", ("x",), {"top_k": 0}),
        (InvalidInput, "search", ("x",), {"top_k": "5"}),
        (InvalidFilter, "search", ("x",), {"spaeker": "Ann"}),
        (InvalidFilter, "list", (), {"spaeker": "Ann"}),
        (InvalidFilter, "search", ("x",), {"kind": "dream"}),
        (InvalidTimestamp, "list", (), {"since": "soon"}),
        (InvalidInput, "list", (), {"order": "latest"}),
        (InvalidInput, "sessions", (), {"limit": 0}),
        (InvalidInput, "traces", (), {"kind": "dream"}),
        (InvalidInput, "ids", ("abc",), {}),
        (InvalidInput, "ids", ("abcd",), {"of": "job"}),
        (InvalidInput, "session", ("s",), {"last": 0}),
        (MemsvcError, "session", ("",), {}),
        (InvalidFilter, "ask", ("x",), {"gates": "never"}),
        (InvalidInput, "ask", ("x",), {"gate": "sometimes"}),
        (InvalidInput, "ask", ("x",), {"model": object()}),
        (InvalidInput, "search_episodes", ("x",), {"weight": 2}),
        (InvalidInput, "search_episodes", ("x",), {"kind": "fact"}),
        (NotFound, "get", ("nothing",), {}),
        (NotFound, "get", ("",), {}),
        (NotFound, "get", ("a/b?c#d",), {}),
        (NotFound, "get", ("..",), {}),
        (InvalidInput, "get", ("a\nb",), {}),
        (InvalidInput, "get", (), {}),
        (InvalidInput, "get", ("a",), {"key": "one"}),
        (InvalidInput, "get", (), {"key": ""}),
        (NotFound, "delete", ("nothing",), {}),
        (NotFound, "history", ("nothing",), {}),
        (NotFound, "utility", ("nothing",), {}),
        (NotFound, "trace", ("nothing",), {}),
        (NotFound, "feedback", ("nothing", 1.0), {}),
        (NotFound, "stats", (), {"namespace": "acme/nobody"}),
        (NotFound, "forget", (), {"namespace": "acme/nobody"}),
        (InvalidInput, "forget", (), {"memory_id": "a", "session_id": "b"}),
        (InvalidInput, "verify_erasure", ({},), {}),
        (InvalidInput, "jobs", (), {"state": "lost"}),
        (NotFound, "graph", (), {"namespace": "acme/nobody"}),
        (NotFound, "graph", ("Atlantis",), {}),
        (InvalidInput, "graph", ("",), {}),
        (InvalidInput, "graph", (" ",), {}),
        (InvalidInput, "graph", (), {"limit": 0}),
        (InvalidInput, "graph", (), {"kinds": "colour"}),
        (InvalidInput, "graph", (), {"kinds": ["thing", "colour"]}),
        (InvalidInput, "graph", (), {"to": "Oslo"}),
        (InvalidInput, "calibrate_gate", (), {"budget": 0.5}),
        (InvalidInput, "retain", (), {}),
        (InvalidMessage, "import_", (["{}"],), {}),
        (InvalidMessage, "import_", ("{}",), {}),
        (InvalidMessage, "import_", ([],), {}),
    ],
)
def test_errors_are_of_the_same_kind(
    one: Any, here: str, expected: type[MemsvcError], verb: str, args: Any, options: dict[str, Any]
) -> None:
    one.add("Something is there.", namespace=here, key="one")
    place = {} if verb == "verify_erasure" else {"namespace": here}
    with pytest.raises(expected) as caught:
        getattr(one, verb)(*args, **{**place, **options})
    assert str(caught.value)


@pytest.mark.parametrize(
    ("expected", "verb", "args"), [(NotFound, "export", ()), (InvalidMessage, "ask_stream", (" ",))]
)
def test_iterators_raise_at_once(one: Any, expected: type[MemsvcError], verb: str, args: Any) -> None:
    with pytest.raises(expected):
        next(getattr(one, verb)(*args, namespace="acme/nobody"))


def test_a_parameter_that_is_not_there_is_a_type_error(one: Any) -> None:
    with pytest.raises(TypeError):
        one.get()
    with pytest.raises(TypeError):
        one.stats(namespace="acme/ann", colour="red")
