"""Echoes: recalled text that comes back is kept, and gets no place in the ranking."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from memsvc import Memory, Settings
from memsvc.errors import InvalidInput, MessagesRejected
from memsvc.mcp import quoting
from memsvc.testing import HashEmbedder, RuleModel
from memsvc.writing.echo import LATEST, LONGEST_WORD, normalised
from memsvc_retrievers.passages import Passage, line
from memsvc_store.values.hits import NO_FILTER
from tests.memsvc.conftest import START, ticking

if TYPE_CHECKING:
    from pathlib import Path

OSLO = "I moved to Oslo in May, to the old harbour."


@pytest.fixture
def talk(memory: Memory) -> Memory:
    """A memory whose session `today` has just looked Oslo up."""
    memory.add([{"content": OSLO, "name": "Ann"}, "Bob keeps two bees."], namespace="ann", session_id="old")
    memory.search("Where does Ann live?", namespace="ann", for_session="today")
    return memory


def added(memory: Memory, text: str, session: str = "today", **more: str) -> str:
    [receipt] = memory.add({"content": text, **more}, namespace="ann", session_id=session)
    return receipt.status


def test_recalled_text_that_comes_back_is_kept_and_not_ranked(talk: Memory) -> None:
    [original] = [one for one in talk.list(namespace="ann") if one.text == OSLO]
    before = talk.search("Oslo harbour", namespace="ann")
    said = {"content": f"  “{OSLO}”", "role": "assistant", "key": "reply", "metadata": {"n": 1}}
    [receipt] = talk.add(said, namespace="ann", session_id="today")
    assert (receipt.status, receipt.echo_of) == ("echo", original.id)
    assert (
        receipt.reason
        == f"a look-up had just given {original.id} to session 'today'; kept, and left out of the ranking"
    )
    kept = talk.get(receipt.id or "", namespace="ann")
    assert (kept.text, kept.echo_of, kept.session_id, kept.metadata) == (f"  “{OSLO}”", original.id, "today", {"n": 1})
    assert [one.echo_of for one in talk.list(namespace="ann")] == [None, None, original.id]
    assert [(hit.id, hit.score) for hit in talk.search("Oslo harbour", namespace="ann")] == [
        (hit.id, hit.score) for hit in before
    ], "not even word counts know of it"
    [again] = talk.add(said, namespace="ann", session_id="today")
    assert (again.status, again.id) == ("duplicate", receipt.id)
    counts = talk.stats(namespace="ann")
    assert (counts["messages"], counts["memories"], counts["hot"], counts["echoes"]) == (3, 3, 2, 1)
    assert talk.store.whole("ann").log(NO_FILTER)[-1] == kept, "deliberation reads it"
    talk.reindex(namespace="ann")
    assert len(talk.search("Oslo harbour", namespace="ann")) == len(before)
    assert talk.verify() == []


def test_every_process_knows_what_a_session_was_told(path: Path) -> None:
    with opened(path) as first, opened(path) as second:
        first.add(OSLO, namespace="ann", session_id="old")
        first.search("Oslo", namespace="ann", for_session="today")
        assert added(second, OSLO) == "echo"
    with opened(path) as after_a_restart:
        assert added(after_a_restart, OSLO) == "echo"


def opened(path: Path) -> Memory:
    return Memory.open(path, embedder=HashEmbedder(), now=lambda: START)


def test_a_users_turn_that_carries_its_time_is_none_on_five_days(memory: Memory) -> None:
    text = "Please water the plants today."
    for day in range(1, 6):
        for role, status in (("user", "stored"), ("tool", "echo")):
            memory.search("water the plants", namespace="ann", for_session=f"day {day}")
            said = {"content": text, "role": role, "timestamp": f"2026-03-0{day}T09:00Z"}
            [receipt] = memory.add(said, namespace="ann", session_id=f"day {day}")
            assert receipt.status == (status if role == "user" or day > 0 else "stored")
    assert memory.stats(namespace="ann")["messages"] == 10
    assert len(memory.search("water the plants", namespace="ann", top_k=20)) == 5


def test_a_corrected_echo_says_something_of_its_own(talk: Memory) -> None:
    [receipt] = talk.add(OSLO, namespace="ann", session_id="today")
    talk.update(receipt.id or "", namespace="ann", text="I moved to Bergen in June.")
    assert talk.search("Bergen", namespace="ann")[0].id == receipt.id
    assert talk.history(receipt.id or "", namespace="ann")[-1].before["echo_of"] == receipt.echo_of
    assert talk.verify() == []


def test_an_export_carries_echoes_and_its_import_keeps_them(talk: Memory, tmp_path: Path) -> None:
    [receipt] = talk.add(OSLO, namespace="ann", session_id="today")
    lines = list(talk.export(namespace="ann"))
    with Memory.open(tmp_path / "other.db", embedder=HashEmbedder()) as other:
        statuses = [one.status for one in other.import_(lines, namespace="copy")]
        assert statuses == ["stored", "stored", "echo"]
        assert {one.status for one in other.import_(lines, namespace="copy")} == {"duplicate"}
        assert other.get(receipt.id or "", namespace="copy").echo_of == receipt.echo_of
        assert list(other.export(namespace="copy"))[1:] == lines[1:]
        assert receipt.id not in [hit.id for hit in other.search(OSLO, namespace="copy")]
        assert other.verify() == []


def test_what_is_erased_takes_its_echoes_with_it(talk: Memory) -> None:
    [receipt] = talk.add(OSLO, namespace="ann", session_id="today")
    [corrected] = talk.add(OSLO, namespace="ann", session_id="today")
    talk.update(corrected.id or "", namespace="ann", text="I moved to Bergen in June.")
    erased = talk.forget(namespace="ann", memory_id=receipt.echo_of)
    assert erased.counts["messages"] == 3, "the log holds what a corrected one had said"
    assert [one.text for one in talk.list(namespace="ann")] == ["Bob keeps two bees."]
    assert talk.verify() == []


def test_an_erased_session_is_named_by_no_look_up(talk: Memory) -> None:
    talk.search("bees", namespace="ann", for_session="today", trace=True)
    added(talk, "Good morning, it is raining here.")
    talk.forget(namespace="ann", session_id="today")
    assert {one.session_id for one in talk.store.learning.traces("ann")} <= {None}


def test_white_space_and_quotation_marks_do_not_matter_nor_do_our_own_prompt_lines(talk: Memory) -> None:
    [hit] = [one for one in talk.search("Oslo", namespace="ann") if one.text == OSLO]
    numbered = line(3, Passage.of(hit.memory))
    assert numbered.startswith("[3] 2026-03-02")
    for text in (f"  “{OSLO}”\n", OSLO.replace(" ", "\n "), f"Ann: {OSLO}", numbered, numbered.partition("] ")[2]):
        assert added(talk, text) == "echo", text


@pytest.mark.parametrize(
    "text",
    [
        f"You said “{OSLO}” - is that still so?",
        f"{OSLO} It is loud there.",
        OSLO.replace("May", "June"),
        OSLO.upper(),
        f"Bob: {OSLO}",
        "I moved to Oslo in May",
    ],
)
def test_what_says_more_or_less_or_otherwise_is_stored(talk: Memory, text: str) -> None:
    assert added(talk, text) == "stored"


def test_the_fence_around_a_quote_does_not_matter_and_words_beside_it_do(talk: Memory) -> None:
    fenced = quoting.fenced([("[1] id 4f · Ann · 2026-03-02", OSLO)])
    assert added(talk, fenced) == added(talk, f"> {OSLO}") == "echo"
    assert added(talk, f"{fenced}\nIs that so?") == "stored"


def test_it_holds_in_that_session_of_that_namespace_only(talk: Memory) -> None:
    assert added(talk, OSLO, "another") == "stored"
    [elsewhere] = talk.add(OSLO, namespace="bob", session_id="today")
    assert elsewhere.status == "stored"


def test_it_holds_for_as_long_as_the_settings_say(path: Path) -> None:
    for minutes, status in ((1, "stored"), (600, "echo")):
        settings = Settings.load(echo_minutes=minutes)
        with Memory.open(path, embedder=HashEmbedder(), now=ticking(), settings=settings) as memory:
            memory.add(OSLO, namespace="ann", session_id=f"{minutes}")
            memory.search("Oslo", namespace="ann", for_session="today")
            memory._now()  # another minute
            assert (
                added(memory, OSLO, "today", role="assistant", timestamp=f"2026-05-01T10:{minutes % 60:02}Z") == status
            )


def test_nothing_is_remembered_where_the_setting_is_0(path: Path) -> None:
    settings = Settings.load(echo_minutes=0)
    with Memory.open(path, embedder=HashEmbedder(), now=lambda: START, settings=settings) as memory:
        memory.add(OSLO, namespace="ann", session_id="old")
        memory.search("Oslo", namespace="ann", for_session="today")
        assert added(memory, OSLO) == "stored"
        assert memory.store.learning.traces("ann") == [], "and nothing is written for it"


def test_short_sayings_are_never_echoes(memory: Memory) -> None:
    memory.add(["What about you?", "What is it about you?"], namespace="ann", session_id="old")
    memory.search("what about you", namespace="ann", for_session="today")
    assert added(memory, "What about you?") == "stored"
    assert added(memory, "default: What about you?") == "stored"
    assert added(memory, "What is it about you?") == "echo"


def test_a_search_for_no_session_is_not_remembered(memory: Memory) -> None:
    memory.add(OSLO, namespace="ann", session_id="old")
    memory.search("Oslo", namespace="ann")
    assert added(memory, OSLO) == "stored"


def test_retries_stay_duplicates(memory: Memory) -> None:
    for again in ("stored", "duplicate"):
        assert added(memory, OSLO, key="k") == again
        assert added(memory, f"{OSLO} So there.", timestamp="2026-03-01T10:00Z") == again
        memory.search("Oslo", namespace="ann", for_session="today")
    assert added(memory, OSLO, key="another") == "echo"
    with pytest.raises(MessagesRejected, match="key 'k' already names message"):
        memory.add({"content": f"{OSLO} So there.", "key": "k"}, namespace="ann", session_id="today")


def test_a_character_and_its_parts_are_one_up_to_a_length_that_takes_too_long() -> None:
    word = "e\u0301" * (LONGEST_WORD // 2)
    assert normalised(f"{word} caf\u00e9") == normalised(f"{unicodedata.normalize('NFC', word)} cafe\u0301")
    assert normalised(f"{word}e\u0301") == f"{word}e\u0301"


def test_what_was_deleted_or_erased_since_may_be_said_again(talk: Memory) -> None:
    [hit] = [one for one in talk.search("Oslo", namespace="ann") if one.text == OSLO]
    talk.delete(hit.id, namespace="ann")
    assert added(talk, OSLO) == "stored"
    talk.search("Oslo", namespace="ann", for_session="today")
    talk.forget(namespace="ann", session_id="today")
    assert added(talk, OSLO) == "stored"


def test_only_the_echoes_of_a_list_are_marked(talk: Memory) -> None:
    messages = ["Good morning, it is raining here.", OSLO, "", {"content": OSLO, "session_id": "another"}]
    receipts = talk.add(messages, namespace="ann", session_id="today")
    assert [one.status for one in receipts] == ["stored", "echo", "rejected", "stored"]
    assert talk.get(str(receipts[0].id), namespace="ann").text == messages[0]


@pytest.mark.parametrize("streamed", [False, True])
def test_answers_and_their_quotes_are_remembered_before_anybody_hears_of_them(talk: Memory, streamed: bool) -> None:
    heard = []
    question, where = "Who keeps two bees?", {"namespace": "ann", "for_session": "bees"}
    if streamed:
        for event in talk.ask_stream(question, namespace="ann", for_session="bees"):
            heard += [added(talk, event.answer.text, "bees")] if event.answer else []
            answer = event.answer
    else:
        answer = talk.ask(question, **where)  # type: ignore[arg-type]
        heard.append(added(talk, answer.text, "bees"))
    assert answer is not None
    assert answer.text.startswith("“Bob keeps two bees.” (")
    assert heard == ["echo"]
    [receipt] = talk.add(answer.evidence[0].quote, namespace="ann", session_id="bees")
    assert (receipt.status, receipt.echo_of) == ("echo", answer.evidence[0].id)
    assert added(talk, question, "bees") == "stored"


def test_an_answer_that_rests_on_nothing_repeats_nothing(path: Path) -> None:
    with Memory.open(path, embedder=HashEmbedder(), language_model=RuleModel()) as memory:
        memory.add(OSLO, namespace="ann", session_id="old")
        answer = memory.ask("Which zebra won?", namespace="ann", for_session="today")
        assert (answer.process, answer.evidence) == ("abstained", ())
        assert added(memory, answer.text) == "stored"


def test_a_session_must_have_a_name(talk: Memory) -> None:
    for name in ("", " ", "x" * 300):
        with pytest.raises(InvalidInput, match="for_session"):
            talk.search("Oslo", namespace="ann", for_session=name)
        with pytest.raises(InvalidInput, match="for_session"):
            talk.ask("Oslo?", namespace="ann", for_session=name)


def test_only_the_latest_look_ups_are_looked_at(path: Path) -> None:
    with opened(path) as memory:
        memory.add([OSLO, "Bob keeps two bees."], namespace="ann", session_id="old")
        memory.search("Oslo", namespace="ann", for_session="today", top_k=1)
        [told] = memory.store.learning.traces("ann")
        bees = next(one.id for one in memory.list(namespace="ann") if one.text != OSLO)
        for n in range(LATEST):
            memory.store.learning.add_trace(
                "ann", replace(told, id=f"{n:032}", used=(bees,), pool=(), at=START + timedelta(seconds=1))
            )
        assert added(memory, OSLO) == "stored"
