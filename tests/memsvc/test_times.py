"""Times as people say them, in the zone that they are meant in."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from memsvc import InvalidInput, InvalidTimestamp, Memory, Settings, SettingsError
from memsvc.testing import HashEmbedder
from memsvc.times import Times, later, zone

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 3, 1, 16, 30, tzinfo=UTC)
"""At 00:30 of 2 March in Shanghai."""

SHANGHAI = "Asia/Shanghai"
HERE = Times(NOW).within(SHANGHAI)


@pytest.mark.parametrize(
    ("said", "first", "last"),
    [
        ("today", "2026-03-02T00:00:00+08:00", "2026-03-02T23:59:59.999999+08:00"),
        (" Yesterday", "2026-03-01T00:00:00+08:00", "2026-03-01T23:59:59.999999+08:00"),
        ("tomorrow", "2026-03-03T00:00:00+08:00", "2026-03-03T23:59:59.999999+08:00"),
        (date(2026, 2, 28), "2026-02-28T00:00:00+08:00", "2026-02-28T23:59:59.999999+08:00"),
        ("2026-02-28", "2026-02-28T00:00:00+08:00", "2026-02-28T23:59:59.999999+08:00"),
        ("2026-W09", "2026-02-23T00:00:00+08:00", "2026-03-01T23:59:59.999999+08:00"),
        ("2026-02", "2026-02-01T00:00:00+08:00", "2026-02-28T23:59:59.999999+08:00"),
        ("2026", "2026-01-01T00:00:00+08:00", "2026-12-31T23:59:59.999999+08:00"),
        ("now", "2026-03-02T00:30:00+08:00", "2026-03-02T00:30:00+08:00"),
        ("12h", "2026-03-01T12:30:00+08:00", "2026-03-01T12:30:00+08:00"),
        ("30 min ago", "2026-03-02T00:00:00+08:00", "2026-03-02T00:00:00+08:00"),
        ("2w", "2026-02-16T00:30:00+08:00", "2026-02-16T00:30:00+08:00"),
        ("2026-03-02T09:00", "2026-03-02T09:00:00+08:00", "2026-03-02T09:00:00+08:00"),
        ("2026-03-02T09:00+01:00", "2026-03-02T09:00:00+01:00", "2026-03-02T09:00:00+01:00"),
        (NOW.timestamp(), "2026-03-02T00:30:00+08:00", "2026-03-02T00:30:00+08:00"),
    ],
)
def test_what_a_time_means_in_a_zone(said: Any, first: str, last: str) -> None:
    assert (HERE.moment(said).isoformat(), HERE.last(said).isoformat()) == (first, last)


@pytest.mark.parametrize("said", ["next friday", "7", "7m", "-7d", "2026-13", "2026-W60", "0000", "9999999w", "", True])
def test_nothing_is_guessed(said: Any) -> None:
    with pytest.raises(InvalidTimestamp, match="is not a point in time; give"):
        HERE.moment(said)


def test_a_duration_counts_back_and_for_what_is_ahead_on() -> None:
    assert HERE.moment("7d") == NOW - timedelta(days=7)
    assert HERE.ahead("7d") == NOW + timedelta(days=7)
    assert HERE.ahead("7d ago") == NOW - timedelta(days=7)


def test_days_are_those_of_the_clock_on_the_wall_and_hours_are_hours() -> None:
    oslo = Times(datetime(2026, 3, 29, 12, tzinfo=UTC)).within("Europe/Oslo")  # an hour was left out in the night
    assert oslo.moment("1d").isoformat() == "2026-03-28T14:00:00+01:00"
    assert oslo.moment("24h").isoformat() == "2026-03-28T13:00:00+01:00"
    assert oslo.last("today") - oslo.moment("today") == timedelta(hours=23) - timedelta(microseconds=1)


def test_a_later_time_without_an_offset_keeps_none() -> None:
    assert later("2026-03-02T09:00", None, 5) == datetime(2026, 3, 2, 9, 0, 0, 5)
    assert later("2026-03-02T09:00+01:00", SHANGHAI, 0).isoformat() == "2026-03-02T09:00:00+01:00"


@pytest.mark.parametrize("name", ["Shanghai", "Asia", "../etc/passwd", "", "Mars/Base", "+99:00", 8])
def test_unknown_zones_are_told(name: Any) -> None:
    with pytest.raises(InvalidInput, match="timezone came as"):
        zone(name)


def test_a_city_alone_is_hinted_at() -> None:
    with pytest.raises(InvalidInput, match="did you mean 'Asia/Shanghai'"):
        zone("Shanghai")
    with pytest.raises(SettingsError, match="did you mean 'Asia/Shanghai'"):
        Settings.load(timezone="Shanghai")


@pytest.fixture
def memory(tmp_path: Path) -> Memory:
    return Memory.open(tmp_path / "m.db", embedder=HashEmbedder(), now=lambda: NOW)


def test_a_message_is_filed_under_the_day_of_its_zone(memory: Memory) -> None:
    with memory:
        memory.add("The pipes froze.", namespace="ann", timezone=SHANGHAI)
        memory.add("The plumber came.", namespace="ann", timestamp="yesterday", timezone=SHANGHAI)
        memory.add("The bill came.", namespace="ann")
        days = {
            one.text: node.name for one in memory.list(namespace="ann") for node in one.entities if node.kind == "day"
        }
    assert days == {
        "The pipes froze.": "2026-03-02", "The plumber came.": "2026-03-01", "The bill came.": "2026-03-01",
    }  # fmt: skip


def test_filters_mean_the_zone_of_the_call(memory: Memory) -> None:
    with memory:
        memory.add("The pipes froze.", namespace="ann", timestamp="2026-02-28T17:00Z")
        memory.add("The plumber came.", namespace="ann", timestamp="2026-03-01T16:10Z")

        def texts(**filters: Any) -> list[str]:
            return [one.text for one in memory.list(namespace="ann", **filters)]

        assert texts(since="today", timezone=SHANGHAI) == ["The plumber came."]
        assert texts(since="yesterday", until="yesterday", timezone=SHANGHAI) == ["The pipes froze."]
        assert texts(until="yesterday") == ["The pipes froze."]
        assert texts(until=date(2026, 2, 28), timezone=SHANGHAI) == []
        assert texts(since="2026-03") == ["The plumber came."]
        assert texts(since="2026-03", timezone=SHANGHAI) == ["The pipes froze.", "The plumber came."]
        assert [hit.text for hit in memory.search("came", namespace="ann", since="12h")] == ["The plumber came."]
        with pytest.raises(InvalidInput, match="timezone came as 'Nowhere'"):
            memory.search("came", namespace="ann", timezone="Nowhere")


def test_the_setting_is_the_zone_of_all_calls(tmp_path: Path) -> None:
    settings = Settings.load(database=str(tmp_path / "m.db"), timezone=SHANGHAI)
    with Memory.open(settings=settings, embedder=HashEmbedder(), now=lambda: NOW) as memory:
        [receipt] = memory.add("The pipes froze.", namespace="ann")
        assert receipt.id is not None
        assert memory.get(receipt.id, namespace="ann").valid_from.isoformat() == "2026-03-02T00:30:00+08:00"
        changed = memory.update(receipt.id, namespace="ann", valid_to="2026-04-01")
        assert changed.valid_to is not None
        assert changed.valid_to.isoformat() == "2026-04-01T00:00:00+08:00"
