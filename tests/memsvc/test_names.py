"""A name is one name however its letters are composed, on every way in; what was said stays as it came."""

from __future__ import annotations

import json
import unicodedata
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memsvc.checks import MAX_NAME_CHARS, checked_name, checked_namespace, checked_patterns
from memsvc.errors import InvalidMessage, InvalidNamespace
from memsvc.lookup.filters import parse_filters
from memsvc.service.access import Access
from memsvc.times import Times
from memsvc_store.values import clock
from tests.memsvc.server.served import fresh, served

if TYPE_CHECKING:
    from memsvc import Memory

COMPOSED, DECOMPOSED = "Zo\u00eb", "Zoe\u0308"
BY_ZOE = {"content": f"{DECOMPOSED} here: I moved to Ko\u0308ln.", "name": DECOMPOSED, "key": DECOMPOSED}


def test_what_one_form_wrote_the_other_finds(memory: Memory) -> None:
    [stored] = memory.add([BY_ZOE], namespace=f"a/{DECOMPOSED}", session_id=DECOMPOSED)
    here = f"a/{COMPOSED}"
    [found] = memory.list(namespace=here, speaker=COMPOSED, session_id=COMPOSED)
    assert (found.id, found.namespace, found.text) == (stored.id, here, BY_ZOE["content"])
    assert memory.list(namespace=f"a/{DECOMPOSED}", speaker=[DECOMPOSED]) == [found]
    again = BY_ZOE | {"name": COMPOSED, "key": COMPOSED}
    assert memory.add([again], namespace=here, session_id=COMPOSED)[0].status == "duplicate"
    memory.add([{"content": "Me too.", "name": "Bob"}], namespace=here)
    by_word, by_speaker = (
        next(hit.parts for hit in memory.search(query, namespace=here) if hit.id == stored.id)
        for query in ("Who is in k\u00f6ln?", "What did zo\u00eb do?")
    )
    assert by_word.lexical > 0
    assert by_speaker.graph >= 0.4
    assert memory.namespaces() == [here]
    assert memory.verify() == []


def test_a_source_is_erased_in_whichever_form_it_was_given(memory: Memory) -> None:
    by_metadata = {"content": "It rains.", "metadata": {"source": DECOMPOSED}}
    memory.add([by_metadata, {"content": "It snows.", "key": f"{DECOMPOSED}/1"}, "It hails."], namespace="a")
    memory.forget(namespace="a", source=COMPOSED)
    assert [one.text for one in memory.list(namespace="a")] == ["It hails."]


def test_an_export_with_names_in_another_form_is_read_whole(memory: Memory) -> None:
    """Facts keep their messages, whose ids follow from their names."""
    memory.add([BY_ZOE], namespace="a", session_id=DECOMPOSED)
    header, line = memory.export(namespace="a")
    message = json.loads(line) | {"id": "0" * 20, "name": DECOMPOSED, "session_id": DECOMPOSED}
    told = {"fact": "Zoë lives in Cologne.", "sources": ["0" * 20], "session_id": DECOMPOSED, "name": DECOMPOSED}
    fact = told | {"valid_from": message["timestamp"]}
    lines = [header, json.dumps(message), json.dumps(fact)]
    assert [one.status for one in memory.import_(lines, namespace="b")] == ["stored", "stored"]
    assert [one.status for one in memory.import_(lines, namespace="b")] == ["duplicate", "duplicate"]
    assert memory.verify() == []


def test_over_http_a_key_opens_its_namespace_in_both_forms() -> None:
    with fresh() as memory, served(memory) as running:
        memory.add([BY_ZOE], namespace=COMPOSED)
        for form in (COMPOSED, DECOMPOSED):
            told = running.get("/memories", namespace=form, speaker=form)
            assert BY_ZOE["content"] in json.dumps(told.json(), ensure_ascii=False), told.text


def test_a_key_covers_its_namespaces_in_both_forms() -> None:
    access = Access(checked_patterns([f"{DECOMPOSED}/*", COMPOSED, DECOMPOSED]), ("read",))
    assert access.namespaces == (f"{COMPOSED}/*", COMPOSED)
    for form in (COMPOSED, DECOMPOSED):
        access.require("read", form)
        access.require("read", f"{form}/bob")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.text(st.characters(codec=None), min_size=1, max_size=8))
def test_any_name_is_one_or_refused(name: str) -> None:
    forms = [unicodedata.normalize(form, name) for form in ("NFC", "NFD")]
    assert len({_answer(checked_name, "name", one) for one in (name, *forms)}) == 1
    assert len({_answer(checked_namespace, one) for one in (name, *forms)}) == 1


def _answer(check: object, *given: str) -> str | None:
    try:
        return check(*given)  # type: ignore[operator, no-any-return]
    except (InvalidMessage, InvalidNamespace):
        return None


@pytest.mark.parametrize("name", ["\ud800", "a\ud800", "\ud800e\u0308"])
def test_half_a_character_is_no_name(name: str) -> None:
    with pytest.raises(InvalidMessage, match="half a character"):
        checked_name("name", name)
    with pytest.raises(InvalidNamespace):
        checked_namespace(name)


def test_a_name_is_as_long_as_it_is_stored() -> None:
    assert len(checked_name("name", "e\u0301" * (MAX_NAME_CHARS // 2))) == MAX_NAME_CHARS // 2
    with pytest.raises(InvalidMessage, match="1 to 255"):
        checked_name("name", "\u0958" * 200)  # composed, it takes two characters
    assert parse_filters({"speaker": DECOMPOSED}, Times(clock.now())).speaker == (COMPOSED,)
