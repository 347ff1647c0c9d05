"""Points in time, between what callers write, what Python holds and what SQL stores.

SQL stores an instant as microseconds since 1970 in UTC, beside the author's offset from UTC in
minutes: an utterance of 00:30 at +09:00 belongs to that local day, not to the day before.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from typing import NamedTuple

from memsvc_store.errors import InvalidTimestamp, shown

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Instant(NamedTuple):
    """A stored point in time: microseconds since 1970 (UTC) and the author's offset in minutes."""

    micros: int
    offset: int


def now() -> datetime:
    """The present, in UTC."""
    return datetime.now(UTC)


def to_instant(moment: datetime) -> Instant:
    """An aware datetime as it is stored."""
    offset = moment.utcoffset()
    assert offset is not None, "only aware datetimes reach the store"
    return Instant((moment - _EPOCH) // _MICROSECOND, round(offset.total_seconds() / 60))


def from_instant(micros: int, offset: int = 0) -> datetime:
    """A stored point in time as an aware datetime with its author's offset."""
    moment = _EPOCH + timedelta(microseconds=micros)
    return moment if offset == 0 else moment.astimezone(timezone(timedelta(minutes=offset)))


def from_micros(micros: int | None) -> datetime | None:
    """A column that may be empty, as a datetime in UTC."""
    return None if micros is None else from_instant(micros)


def to_micros(moment: datetime | None) -> int | None:
    """A time that may be none, as its column."""
    return None if moment is None else to_instant(moment).micros


def parse_timestamp(value: object, zone: tzinfo = UTC) -> datetime:
    """An aware datetime from a datetime, a date, an ISO 8601 string, or seconds since 1970.

    A value without an offset is taken as of `zone`, and a date as its beginning.

    Raises:
        InvalidTimestamp: anything else; nothing is ever guessed.
    """
    try:
        moment = _read(value)
        if moment.utcoffset() is None:
            moment = moment.replace(tzinfo=zone)
        from_instant(*to_instant(moment))  # 9999-12-31T23:59-12:00 and its like leave the calendar in UTC
    except (ValueError, OverflowError, OSError, TypeError) as error:
        raise InvalidTimestamp(
            f"{shown(value)} is not a point in time; give an ISO 8601 string such as "
            "'2026-03-02T09:00:00+01:00', an aware datetime, or seconds since 1970"
        ) from error
    return moment


def _read(value: object) -> datetime:
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)
    if isinstance(value, str):
        return datetime.fromisoformat(value.strip())
    if isinstance(value, int | float) and not isinstance(value, bool):
        return datetime.fromtimestamp(value, UTC)
    raise TypeError(type(value).__name__)
