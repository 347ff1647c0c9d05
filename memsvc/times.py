"""Times as people say them: a date, "yesterday", "7d" (ago), a month; and the time zone that they are meant in.

What has an offset of its own means that. Everything else is read in one zone: that of the call, else the setting
`timezone`. At 00:30 in Shanghai it is still the day before in UTC, so that "today" takes a zone to mean anything.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, available_timezones

from memsvc.errors import InvalidInput, InvalidTimestamp
from memsvc_store.errors import shown
from memsvc_store.values import clock

_DAYS = {"yesterday": -1, "today": 0, "tomorrow": 1}
_LONG = re.compile(r"(\d{1,6}) ?(min|h|d|w)( ago)?")
_HOURS = {"min": timedelta(minutes=1), "h": timedelta(hours=1)}
_WALL = {"d": timedelta(days=1), "w": timedelta(weeks=1)}
"""On the clock on the wall: 7d before noon is noon, whether or not the clocks were changed in between."""

_YEAR, _MONTH = re.compile(r"(\d{4})"), re.compile(r"(\d{4})-(\d{2})")
_WEEK = re.compile(r"(\d{4})-?W(\d{2})")
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Times:
    """How the times of one call are read: `now` is the memory's clock, `zone` what has no offset is meant in."""

    now: datetime
    zone: tzinfo = UTC

    def within(self, name: str | None) -> Times:
        """The same in the zone of this name; None: as it is.

        Raises:
            InvalidInput: there is no such zone.
        """
        return self if name is None else replace(self, zone=zone(name))

    @property
    def here(self) -> datetime:
        """The present, with the offset of the zone."""
        return _fixed(self.now.astimezone(self.zone))

    def moment(self, value: object) -> datetime:
        """A point in time with its offset from UTC; of a day, week, month or year its beginning.

        Raises:
            InvalidTimestamp: it cannot be read; nothing is ever guessed.
        """
        return self._span(value, -1)[0]

    def last(self, value: object) -> datetime:
        """The same; of a day, week, month or year its last microsecond.

        Raises:
            InvalidTimestamp: as `moment`.
        """
        first, following = self._span(value, -1)
        return first if following is None else following - _INSTANT

    def ahead(self, value: object) -> datetime:
        """As `moment`, where "7d" is meant from now on.

        Raises:
            InvalidTimestamp: as `moment`.
        """
        return self._span(value, 1)[0]

    def expiry(self, value: object) -> datetime:
        """When something that is stored now expires: after now.

        Raises:
            InvalidTimestamp: it cannot be read, or has passed.
        """
        moment = self.ahead(value)
        if moment <= self.now:
            raise InvalidTimestamp(
                f"expires_at came as {shown(value)}, which has passed ({moment.isoformat(timespec='seconds')}); give a "
                "time to come, such as '30d' from now, or store nothing"
            )
        return moment

    def _span(self, value: object, direction: int) -> tuple[datetime, datetime | None]:
        """When it begins, and when what follows it does; None for a point in time."""
        try:
            if isinstance(value, str):
                text = value.strip().lower()
                if (days := _days(text, self.here.date())) is not None:
                    return self._midnight(days[0]), self._midnight(days[1])
                if text == "now":
                    return self.here, None
                if found := _LONG.fullmatch(text):
                    return self._away(direction * int(found[1]), found[2], ago=found[3] is not None), None
            elif isinstance(value, date) and not isinstance(value, datetime):
                return self._midnight(value), self._midnight(value + timedelta(days=1))
            moment = clock.parse_timestamp(value, self.zone)
            return _fixed(moment.astimezone(self.zone) if isinstance(value, int | float) else moment), None
        except (ValueError, OverflowError) as error:  # InvalidTimestamp is a ValueError
            raise InvalidTimestamp(
                f"{shown(value)} is not a point in time; give an ISO 8601 string such as '2026-03-02T09:00:00+01:00', "
                "a date or a month ('2026-03'), 'yesterday', '7d' or '12h' (ago), an aware datetime, or seconds since "
                "1970"
            ) from error

    def _midnight(self, day: date) -> datetime:
        return clock.parse_timestamp(_fixed(datetime.combine(day, time(), self.zone)))

    def _away(self, number: int, unit: str, *, ago: bool) -> datetime:
        number = -abs(number) if ago else number
        if unit in _HOURS:
            moment = (self.now.astimezone(UTC) + number * _HOURS[unit]).astimezone(self.zone)
        else:
            moment = self.now.astimezone(self.zone) + number * _WALL[unit]
        return clock.parse_timestamp(_fixed(moment))


def zone(name: object) -> tzinfo:
    """The time zone of an IANA name such as `Asia/Shanghai`, or of an offset such as `+08:00`.

    Raises:
        InvalidInput: there is none.
    """
    if not isinstance(name, str) or not name.strip():
        raise InvalidInput(f"timezone came as {shown(name)}; give a name such as 'Asia/Shanghai', or an offset")
    try:
        if name[0] in "+-":
            offset = datetime.fromisoformat(f"2000-01-01T00:00{name}").utcoffset()
            return timezone(offset or timedelta())
        return UTC if name == "UTC" else ZoneInfo(name)  # UTC is there without a database of zones
    except (KeyError, ValueError, OSError) as error:  # OSError: a folder of zones, such as `Asia`
        raise InvalidInput(f"timezone came as {shown(name)}, which is no time zone; {_near(name)}") from error


def later(value: object, timezone: str | None, micros: int) -> datetime:
    """A time of `add`, this much later; one without an offset stays so, for whoever stores it to read.

    Raises:
        InvalidTimestamp: it cannot be read.
        InvalidInput: there is no such zone.
    """
    plain = value
    if isinstance(value, str):
        try:
            plain = datetime.fromisoformat(value.strip())
        except ValueError:
            plain = value
    if not isinstance(plain, datetime):
        plain = Times(clock.now()).within(timezone).moment(value)
    return plain + timedelta(microseconds=micros)


def local(moment: datetime, timezone: str | None) -> datetime:
    """A time as it is shown: in this zone, or where none was asked for, as its author's clock had it."""
    return moment if timezone is None else _fixed(moment.astimezone(zone(timezone)))


def _days(text: str, today: date) -> tuple[date, date] | None:
    """The first day that a text names, and the first one after; None where it names none."""
    if text in _DAYS:
        first = today + timedelta(days=_DAYS[text])
        return first, first + timedelta(days=1)
    if found := _WEEK.fullmatch(text.upper()):
        first = date.fromisocalendar(int(found[1]), int(found[2]), 1)
        return first, first + timedelta(weeks=1)
    if found := _MONTH.fullmatch(text):
        first = date(int(found[1]), int(found[2]), 1)
        return first, (first + timedelta(days=31)).replace(day=1)
    if found := _YEAR.fullmatch(text):
        return date(int(text), 1, 1), date(int(text) + 1, 1, 1)
    try:
        first = date.fromisoformat(text.upper())
    except ValueError:
        return None
    return first, first + timedelta(days=1)


def _fixed(moment: datetime) -> datetime:
    """With its offset instead of its zone: differences of two of one zone are told by the clock on the wall."""
    offset = moment.utcoffset()
    return moment.replace(tzinfo=timezone(offset) if offset else UTC)


def _near(name: str) -> str:
    known = available_timezones()
    if not known:
        return "this system has no database of zones; install the package tzdata, or give an offset such as +08:00"
    wanted = name.strip().lower().replace(" ", "_")
    alike = sorted(one for one in known if wanted in (one.lower(), one.lower().rpartition("/")[2]))
    if alike:
        return f"did you mean {alike[0]!r}?"
    return "give a name of the IANA database such as 'Asia/Shanghai' or 'Europe/Oslo', or an offset such as '+08:00'"
