"""Echoes: recalled text is not stored again, and nothing else is lost."""

from __future__ import annotations

import unicodedata
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from memsvc import Memory, Settings
from memsvc.errors import InvalidInput
from memsvc.mcp import quoting
from memsvc.testing import HashEmbedder, RuleModel
from memsvc.writing.echo import LONGEST_WORD, Echoes, normalised
from memsvc_retrievers.passages import Passage, line
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


def test_recalled_text_is_not_stored_again(talk: Memory) -> None:
    [original] = [one for one in talk.list(namespace="ann") if one.text == OSLO]
    [receipt] = talk.add({"content": OSLO, "role": "assistant"}, namespace="ann", session_id="today")
    assert (receipt.status, receipt.id) == ("echo", original.id)
    assert receipt.reason == "a look-up had just given it to session 'today'"
    assert talk.stats(namespace="ann")["messages"] == 2


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
            assert added(memory, OSLO, "today", timestamp=f"2026-05-01T10:{minutes % 60:02}Z") == status


def test_nothing_is_remembered_where_the_setting_is_0(path: Path) -> None:
    settings = Settings.load(echo_minutes=0)
    with Memory.open(path, embedder=HashEmbedder(), now=lambda: START, settings=settings) as memory:
        memory.add(OSLO, namespace="ann", session_id="old")
        memory.search("Oslo", namespace="ann", for_session="today")
        assert added(memory, OSLO) == "stored"


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
    [receipt] = memory.add({"content": f"{OSLO} So there.", "key": "k"}, namespace="ann", session_id="today")
    assert receipt.status == "rejected", "the key names other contents"


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


def test_only_the_echoes_of_a_list_are_left_out(talk: Memory) -> None:
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
    assert (receipt.status, receipt.id) == ("echo", answer.evidence[0].id)
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


def test_who_looks_up_most_makes_room_for_the_others() -> None:
    echoes = Echoes(minutes=30, kept=10)
    echoes.remember("acme/ann", "s", [("text of Ann", "id")], START)
    for n in range(40):
        echoes.remember(f"beta/{n}", "s", [(f"text {n}", f"id {n}")], START)
    assert echoes.repeated("acme/ann", "s", "text of Ann", START) == "id"
    found = [echoes.repeated(f"beta/{n}", "s", f"text {n}", START) for n in range(40)]
    assert found == [None] * 31 + [f"id {n}" for n in range(31, 40)]
    for n in range(20):
        echoes.remember(f"tenant {n}", "s", [(f"text {n}", f"id {n}")], START)
    assert sum(echoes.repeated(f"tenant {n}", "s", f"text {n}", START) is not None for n in range(20)) >= 8
    assert sum(map(len, echoes._given.values())) == 10


def test_the_texts_given_longest_ago_make_room_and_no_text_is_kept() -> None:
    echoes = Echoes(minutes=30, kept=3)
    for n in range(3):
        echoes.remember("ann", "s", [(f"text {n}", f"id {n}")], START)
    echoes.remember("ann", "s", [("text 0", "id 0"), ("text 3", "id 3")], START)
    found = [echoes.repeated("ann", "s", f"text {n}", START) for n in range(4)]
    assert found == ["id 0", None, "id 2", "id 3"]
    assert echoes.repeated("ann", "s", "text 0", START + timedelta(minutes=30)) is None
    assert "text 0" not in repr(vars(echoes))
