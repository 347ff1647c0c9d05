"""Which message is which: by its key, and else by how often its like was said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memsvc_store.store import Store
from memsvc_store.values.drafts import Draft, Receipt
from tests.store.values import Space, draft

_NAMES = count()


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    with Store(":memory:", space=Space()) as opened:
        yield opened


@pytest.fixture
def here() -> str:
    return fresh()


def fresh() -> str:
    """A namespace of nobody's."""
    return f"n{next(_NAMES)}"


def no(key: str | None = None, **more: object) -> Draft:
    """Bob says No, as he does at any time."""
    return draft("No.", speaker="Bob", vector=None, key=key, anew=key is not None, **more)


def statuses(receipts: list[Receipt]) -> list[str]:
    return [receipt.status for receipt in receipts]


def held(store: Store, namespace: str) -> list[tuple[str, str, int]]:
    return [(message.text, message.speaker, message.occurrence) for message, _, _ in store.export(namespace)]


def test_another_key_is_another_message(store: Store, here: str) -> None:
    said = [no("m1"), draft("Sure?", key="m2", anew=True), no("m3")]
    assert statuses([receipt for one in said for receipt in store.add(here, [one])]) == ["stored"] * 3
    assert statuses(store.add(here, said)) == ["duplicate"] * 3
    assert statuses(store.add(here, [no(), no()])) == ["duplicate"] * 2, "two were said at that time"
    assert statuses(store.add(here, [no(), no(), no()])) == ["duplicate"] * 2 + ["stored"]
    assert store.verify(here) == []


def test_five_pictures_of_one_minute_are_five_messages(store: Store, here: str) -> None:
    said = [draft("<Media omitted>", vector=None) for _ in range(5)]
    assert statuses(store.add(here, said)) == ["stored"] * 5
    assert statuses(store.add(here, said)) == ["duplicate"] * 5
    assert len(held(store, here)) == 5


def test_a_history_that_grows_by_an_equal_message_is_stored_once(store: Store, here: str) -> None:
    a, b, c = no(), draft("Sure?", vector=None), draft("Fine.", vector=None, minutes=1)
    assert statuses(store.add(here, [a, b])) == ["stored"] * 2
    assert statuses(store.add(here, [a, b, a, c])) == ["duplicate", "duplicate", "stored", "stored"]
    assert [text for text, _, _ in held(store, here)] == ["No.", "Sure?", "No.", "Fine."]


def test_what_is_said_now_is_never_what_is_there(store: Store, here: str) -> None:
    now = replace(no(), anew=True)
    assert statuses([*store.add(here, [now]), *store.add(here, [now, now])]) == ["stored"] * 3


def test_a_long_row_of_equal_messages_goes_on(store: Store, here: str) -> None:
    store.add(here, [no() for _ in range(40)])
    [next_] = store.add(here, [no("later")])
    assert next_.status == "stored"
    assert [occurrence for _, _, occurrence in held(store, here)] == list(range(41))


def test_an_explicit_occurrence_is_found_whatever_call_it_comes_in(store: Store, here: str) -> None:
    pages = [[no(occurrence=0), no(occurrence=1)], [no(occurrence=2)], [no(occurrence=1), no(occurrence=3)]]
    found = [statuses(store.add(here, page)) for page in pages]
    assert found == [["stored"] * 2, ["stored"], ["duplicate", "stored"]]


def test_one_that_was_deleted_stays_so_and_the_others_of_its_like_stay(store: Store, here: str) -> None:
    _, gone, _ = store.add(here, [no(), no(), no()])
    store.delete(here, gone.id or "")
    again = store.add(here, [no(), no(), no()])
    assert statuses(again) == ["duplicate"] * 3
    assert [one.reason for one in again] == [None, "it was deleted or has expired since, and stays so", None]
    assert statuses(store.add(here, [no("new")])) == ["stored"]


TEXTS = st.sampled_from(["No.", "Sure?"])
SAID = {"k1": "No.", "k2": "No.", "k3": "Sure?"}
KEYS = st.sampled_from([None, None, *SAID])


@st.composite
def drafts(draw: st.DrawFn, keys: st.SearchStrategy[str | None] = KEYS) -> Draft:
    text, key, minute = draw(TEXTS), draw(keys), draw(st.integers(0, 1))
    return draft(text if key is None else SAID[key], vector=None, key=key, anew=key is not None, minutes=minute)


FEW = settings(max_examples=30)  # each writes to a database
CALLS = st.lists(st.lists(drafts(), min_size=1, max_size=5), min_size=1, max_size=4)


@FEW
@given(calls=CALLS)
def test_a_repeated_call_stores_nothing_and_finds_what_it_stored(store: Store, calls: list[list[Draft]]) -> None:
    here = fresh()
    for call in calls:
        first, again = store.add(here, call), store.add(here, call)
        assert statuses(again) == ["duplicate"] * len(call)
        assert [one.id for one in again] == [one.id for one in first]


@FEW
@given(calls=CALLS)
def test_no_two_messages_of_a_call_are_taken_for_one(store: Store, calls: list[list[Draft]]) -> None:
    here = fresh()
    for call in calls:
        ids = [receipt.id for receipt in store.add(here, call)]
        different = len({(one.key, nth if one.key is None else None) for nth, one in enumerate(call)})
        assert len(set(ids)) == different


@FEW
@given(history=st.lists(drafts(keys=st.none()), min_size=1, max_size=6), steps=st.lists(st.integers(1, 3), max_size=4))
def test_a_history_that_is_handed_over_anew_each_turn_is_stored_once(
    store: Store, history: list[Draft], steps: list[int]
) -> None:
    here, end = fresh(), 0
    for step in [*steps, len(history)]:
        end += step
        store.add(here, history[:end])
    assert Counter(held(store, here)).total() == len(history)
    assert Counter(text for text, _, _ in held(store, here)) == Counter(one.text for one in history)
    assert store.verify(here) == []


@FEW
@given(calls=CALLS)
def test_an_export_holds_all_and_its_import_the_same_ids(store: Store, calls: list[list[Draft]]) -> None:
    here, there = fresh(), fresh()
    for call in calls:
        store.add(here, call)
    kept = list(store.export(here))
    back = [
        draft(
            one.text, speaker=one.speaker, vector=None, key=key, occurrence=one.occurrence,
            minutes=(one.said_at.minute),
        )
        for one, _, key in kept
    ]  # fmt: skip
    for again in ("stored", "duplicate"):
        assert [(one.status, one.id) for one in store.add(there, back)] == [(again, one.id) for one, _, _ in kept]
