"""The filters of `search`, `ask` and `list`: from what callers write to a `Filter`."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from memsvc import checks
from memsvc.contract.options import Filters
from memsvc.errors import InvalidFilter, InvalidMessage, InvalidTimestamp
from memsvc_store.errors import shown
from memsvc_store.values import where
from memsvc_store.values.hits import Filter
from memsvc_store.values.memories import KINDS
from memsvc_store.values.scripts import named

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from memsvc.times import Times


_MOST = 1_000
_KNOWN = tuple(Filters.__annotations__)


def parse_filters(given: Mapping[str, Any], times: Times, also: Sequence[str] = ()) -> Filter:
    """Check and read filters; None counts as not given. `also` are other options that would have been known.

    Raises:
        InvalidFilter: an unknown filter, or a value it cannot take.
        InvalidTimestamp: a time that cannot be read.
        InvalidInput: an unknown time zone.
    """
    for name in given:
        if name not in _KNOWN:
            known = (*_KNOWN, *also)
            near = difflib.get_close_matches(name, known, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
            raise InvalidFilter(f"unknown {'filter or option' if also else 'filter'} {name!r}; {hint}")
    times = times.within(given.get("timezone"))
    wanted = Filter(
        since=_time(given, "since", times.moment),
        until=_time(given, "until", times.last),
        as_of=_time(given, "as_of", times.moment),
        include_ended=_flag(given, "include_ended"),
        session_id=_names(given, "session_id"),
        speaker=_names(given, "speaker"),
        role=_names(given, "role"),
        kind=_names(given, "kind"),  # type: ignore[arg-type]  # checked below
        tags=_names(given, "tags"),
        where=_where(given.get("where")),
    )
    if wanted.since is not None and wanted.until is not None and wanted.since > wanted.until:
        raise InvalidFilter(
            f"since came as {shown(given['since'])}, which is after until, {shown(given['until'])}: nothing is both; "
            "exchange them, or leave one out"
        )
    for kind in wanted.kind or ():
        if kind not in KINDS:
            raise InvalidFilter(f"filter 'kind' came as {kind!r}; give one of {', '.join(KINDS)}")
    return wanted


def current(wanted: Filter, now: datetime) -> Filter:
    """A filter that leaves out what had ended by `now`, unless it asks for that by `as_of` or `include_ended`."""
    return wanted if wanted.include_ended or wanted.as_of is not None else replace(wanted, current_at=now)


def _where(given: object) -> str | None:
    """Conditions on metadata, as JSON; none where they are empty."""
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except (ValueError, RecursionError) as error:
            raise InvalidFilter(
                f"'where' came as {shown(given)}, which is not JSON ({error}); give an object, or its JSON"
            ) from error
    if given is None:
        return None
    try:
        text = checks.checked_json("where", dict(given) if isinstance(given, Mapping) else given)
    except InvalidMessage as error:
        raise InvalidFilter(str(error)) from error
    where.read(text)
    return None if given == {} else text


def _flag(given: Mapping[str, Any], name: str) -> bool | None:
    value = given.get(name)
    if value is not None and not isinstance(value, bool):
        raise InvalidFilter(f"filter {name!r} came as {shown(value)}; give True or False")
    return value


def _time(given: Mapping[str, Any], name: str, read: Callable[[object], datetime]) -> datetime | None:
    value = given.get(name)
    if value is None:
        return None
    try:
        return read(value)
    except InvalidTimestamp as error:
        raise InvalidTimestamp(f"filter {name!r}: {error}") from error


def _names(given: Mapping[str, Any], name: str) -> tuple[str, ...] | None:
    value = given.get(name)
    if value is None:
        return None
    names = (value,) if isinstance(value, str) else value
    if not isinstance(names, Sequence) or not 0 < len(names) <= _MOST or not all(isinstance(one, str) for one in names):
        raise InvalidFilter(
            f"filter {name!r} came as {shown(value)}; give a string or a list of strings, at most {_MOST:,}"
        )
    try:
        known = [checks.storable(name, one) for one in names]
    except InvalidMessage as error:
        raise InvalidFilter(f"filter {error}") from error
    return tuple(
        named(one) if len(one) <= checks.MAX_NAME_CHARS else one for one in known
    )  # a longer one names nothing
