"""The log replayed through the store gives every utility bit for bit, caps and resets included."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import accumulate
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memsvc_learners.qvalue import decide
from memsvc_store.store import Store
from memsvc_store.values.learned import Feedback, Situation, Trace, Utility
from tests.store.values import START, Space, said

pytestmark = pytest.mark.slow


class Event(NamedTuple):
    """A feedback, or a reset of the first memory where there is no reward."""

    reward: float | None
    source: str
    credited: tuple[int, ...]
    cap: float | None
    hours: float  # since the event before


EVENTS = st.lists(
    st.builds(
        Event,
        reward=st.one_of(st.none(), st.floats(-1, 1)),
        source=st.sampled_from(["default", "other"]),
        credited=st.lists(st.integers(0, 2), min_size=1, max_size=3, unique=True).map(tuple),
        cap=st.sampled_from([None, 0.4, 1.0]),
        hours=st.sampled_from([0.0, 5.0, 30.0, -3.0, -40.0]),
    ),
    max_size=12,
)
WINDOW = timedelta(hours=24)


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


def plainly(events: Sequence[Event], ids: Sequence[str]) -> dict[str, Utility]:
    """The same without a store."""
    utilities: dict[str, Utility] = {}
    moves: list[tuple[str, str, datetime, float]] = []
    now = START
    for event in events:
        now += timedelta(hours=event.hours)
        if event.reward is None:
            utilities.pop(ids[event.credited[0]], None)
            moves = [move for move in moves if move[0] != ids[event.credited[0]]]
            continue
        for memory_id in [ids[place] for place in event.credited]:
            known = utilities.get(memory_id)
            mine = [(at, far) for mid, source, at, far in moves if (mid, source) == (memory_id, event.source)]
            totals = [0.0, *accumulate(far for _, far in mine)]  # one after the other, as the store adds them up
            outside = [place for place, (at, _) in enumerate(mine, 1) if abs(at - now) >= WINDOW]
            balance = totals[-1] - totals[max(outside, default=0)]
            left = 0.0 if event.cap is None else balance
            after = decide(Situation(memory_id, known, event.reward, 0.3, event.cap, left, now))
            moves.append((memory_id, event.source, now, after.q - (known.q if known else 0.0)))
            utilities[memory_id] = after
    return utilities


@settings(max_examples=25)
@given(EVENTS)
def test_step_by_step_plainly_and_replayed_are_the_same(events: list[Event]) -> None:
    clock = Clock()
    with Store(":memory:", space=Space(), now=clock) as store:
        ids = said(store, "one", "two", "three")
        trace = Trace("0" * 32, "search", "?", START, tuple(ids))
        store.learning.add_trace("ann", trace)
        for event in events:
            clock.now += timedelta(hours=event.hours)
            credited = tuple(ids[place] for place in event.credited)
            if event.reward is None:
                store.learning.reset("ann", credited[0])
            else:
                given_now = Feedback(trace.id, event.reward, credited, 0.3, event.cap, WINDOW, event.source)
                store.learning.learn("ann", given_now, decide)
        learned = store.learning.utilities("ann")
        history = {memory_id: store.learning.moves("ann", memory_id) for memory_id in ids}
        assert learned == plainly(events, ids)
        assert store.learning.replay("ann", decide) == len(events)
        assert store.learning.utilities("ann") == learned
        assert {memory_id: store.learning.moves("ann", memory_id) for memory_id in ids} == history
