"""Conditions on metadata: `{"topic": "pets", "price": {"$lt": 10}}`, read into a small tree, and what they mean.

    equal (or $eq), $ne, $in, $nin      the value is one of these, or a list that has one of them
    $lt, $lte, $gt, $gte                numbers compare with numbers, strings with strings (by code point)
    $exists                             whether the key is there, null or not
    $contains                           a list has the value, or a string has it as a part
    $and, $or, $not                     of documents; AND, OR, NOT mean the same

A key is that of the metadata, or where there is none, the path of a nested one: `a.b`. What is said of one key and of
several has to hold together. A missing key is matched by `$ne`, `$nin`, `$exists: false` and what `$not`
makes of the others. Numbers are compared as they are written: 1 is 1.0, and true is no number.

The same rules run as SQL on PostgreSQL (`sql/conditions.py`); a law compares the two.
"""

from __future__ import annotations

import difflib
import json
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property, lru_cache
from typing import Any, Final, Literal, TypeVar

from memsvc_store.errors import InvalidFilter, shown

T = TypeVar("T")
Scalar = str | int | float | bool | None
Kind = Literal["in", "lt", "lte", "gt", "gte", "exists", "contains"]

MISSING: Final = object()
"""The value of a key that is not there."""

MOST_CONDITIONS, MOST_VALUES, MOST_DEEP = 64, 1_000, 8
"""Of one document: conditions, values of one `$in`, and `$and`, `$or`, `$not` in one another."""

_EXACT = 2**53
"""Below it a float and an integer compare alike as they are written and as they are held."""

ORDERS: Mapping[str, Callable[[Any, Any], bool]] = {
    "lt": operator.lt, "lte": operator.le, "gt": operator.gt, "gte": operator.ge,
}  # fmt: skip


@dataclass(frozen=True)
class Condition:
    """What one key is asked. `values` are what it is compared with; none for `exists`."""

    key: str
    kind: Kind
    values: tuple[Scalar, ...] = ()

    @cached_property
    def _known(self) -> frozenset[tuple[str, Any]]:
        return frozenset(filter(None, map(_plain, self.values)))

    @cached_property
    def _only(self) -> tuple[str, Any]:
        [one] = self._known
        return one

    def holds(self, value: Any) -> bool:
        """Whether it holds of a value, or of `MISSING`."""
        if value is MISSING or self.kind == "exists":
            return value is not MISSING
        if self.kind == "contains" and isinstance(value, str):
            [part] = self.values
            return isinstance(part, str) and part in value
        if self.kind in ("in", "contains"):
            parts = value if isinstance(value, list) else [value] if self.kind == "in" else []
            return any(_plain(part) in self._known for part in parts)
        mine, (kind, other) = _plain(value), self._only
        return mine is not None and mine[0] == kind and ORDERS[self.kind](mine[1], other)


@dataclass(frozen=True, slots=True)
class Every:
    """All of these; of none it is true."""

    parts: tuple[Clause, ...]


@dataclass(frozen=True, slots=True)
class Some:
    """At least one of these."""

    parts: tuple[Clause, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """What that is not."""

    part: Clause


Clause = Condition | Every | Some | Not


def value_at(metadata: Mapping[str, Any], key: str) -> Any:
    """The value of a key, or of the path that it is; `MISSING` where there is none."""
    if key in metadata:
        return metadata[key]
    found: Any = metadata
    for name in key.split("."):
        if not isinstance(found, Mapping) or name not in found:
            return MISSING
        found = found[name]
    return found


def matches(clause: Clause, metadata: Mapping[str, Any]) -> bool:
    """Whether metadata is as it is wanted."""
    return combined(clause, lambda one: one.holds(value_at(metadata, one.key)), all, any, operator.not_)


def combined(
    clause: Clause,
    leaf: Callable[[Condition], T],
    every: Callable[[Iterator[T]], T],
    some: Callable[[Iterator[T]], T],
    no: Callable[[T], T],
) -> T:
    """What a clause comes to, in whatever its conditions come to: truth, masks of rows, SQL."""
    if isinstance(clause, Condition):
        return leaf(clause)
    if isinstance(clause, Not):
        return no(combined(clause.part, leaf, every, some, no))
    parts = (combined(part, leaf, every, some, no) for part in clause.parts)
    return every(parts) if isinstance(clause, Every) else some(parts)


def conditions(clause: Clause) -> Iterator[Condition]:
    """Every condition of a clause."""
    if isinstance(clause, Condition):
        yield clause
    else:
        for part in [clause.part] if isinstance(clause, Not) else clause.parts:
            yield from conditions(part)


@lru_cache(256)
def read(text: str) -> Clause:
    """The clause that a document says, as JSON.

    Raises:
        InvalidFilter: an unknown operator, a value that one cannot take, or more than one document may have.
    """
    clause = _document(json.loads(text), MOST_DEEP)
    if (count := sum(1 for _ in conditions(clause))) > MOST_CONDITIONS:
        raise InvalidFilter(f"'where' came with {count} conditions, and at most {MOST_CONDITIONS} are looked at")
    return clause


def _plain(value: Any) -> tuple[str, Any] | None:
    """A value in a form that equals another exactly if the two mean the same; None for a list or an object."""
    if isinstance(value, bool):
        return "bool", value
    if isinstance(value, int):
        return "number", value
    if isinstance(value, float):  # as it is written: 1e23 is 10**23, and PostgreSQL reads it so
        return "number", value if abs(value) < _EXACT else Decimal(repr(value))
    if isinstance(value, str):
        return "string", value
    return ("null", None) if value is None else None


def _document(document: Any, deep: int) -> Clause:
    if not isinstance(document, dict):
        raise InvalidFilter(f"'where' came as {shown(document)}; {_GIVE}")
    if not deep:
        raise InvalidFilter(f"'where' is nested more than {MOST_DEEP} deep; say it flatter")
    return _together([_entry(name, value, deep - 1) for name, value in document.items()])


_GIVE = 'give an object of keys and what they should be, such as {"topic": "pets", "price": {"$lt": 10}}'


def _together(parts: list[Clause]) -> Clause:
    return parts[0] if len(parts) == 1 else Every(tuple(parts))


def _entry(name: str, value: Any, deep: int) -> Clause:
    if name in ("$not", "NOT"):
        given = value if isinstance(value, list) and value else [value]
        return Not(Some(tuple(_document(one, deep) for one in given)))
    if name in ("$and", "AND", "$or", "OR"):
        if not isinstance(value, list) or not value:
            raise InvalidFilter(f"'where': {name} came as {shown(value)}; give a list of objects, at least one")
        parts = tuple(_document(one, deep) for one in value)
        return Every(parts) if name in ("$and", "AND") else Some(parts)
    if name.startswith("$"):
        raise InvalidFilter(f"'where': {_unknown(name, ['$and', '$or', '$not'])}; operators of a key stand below it")
    if not isinstance(value, dict):
        return _condition(name, "$eq", value)
    if not value:
        raise InvalidFilter(f"'where': {name!r} came as {{}}; {_GIVE}")
    return _together([_condition(name, one, wanted) for one, wanted in value.items()])


def _condition(key: str, name: str, value: Any) -> Clause:
    if name in ("$in", "$nin"):
        if not isinstance(value, list) or not 0 < len(value) <= MOST_VALUES:
            wanted = f"give a list of 1 to {MOST_VALUES:,} values"
            raise InvalidFilter(f"'where': {name} of {key!r} came as {shown(value)}; {wanted}")
        found = Condition(key, "in", tuple(_scalar(key, name, one) for one in value))
        return found if name == "$in" else Not(found)
    if name in ("$eq", "$ne"):
        found = Condition(key, "in", (_scalar(key, name, value),))
        return found if name == "$eq" else Not(found)
    if name == "$exists":
        if not isinstance(value, bool):
            raise InvalidFilter(f"'where': $exists of {key!r} came as {shown(value)}; give true or false")
        return Condition(key, "exists") if value else Not(Condition(key, "exists"))
    if name == "$contains":
        return Condition(key, "contains", (_scalar(key, name, value),))
    order = _ORDERS.get(name)
    if order is None:
        path = "" if name.startswith("$") else f"; of a nested key give the path, such as '{key}.{name}'"
        raise InvalidFilter(f"'where': {key!r} has {_unknown(name, _OPERATORS)}{path}")
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise InvalidFilter(f"'where': {name} of {key!r} came as {shown(value)}; give a number or a string")
    return Condition(key, order, (value,))


_ORDERS: Mapping[str, Kind] = {"$lt": "lt", "$lte": "lte", "$gt": "gt", "$gte": "gte"}
_OPERATORS = ["$eq", "$ne", "$in", "$nin", *_ORDERS, "$exists", "$contains"]


def _scalar(key: str, name: str, value: Any) -> Scalar:
    if isinstance(value, list | dict):
        hint = f'for any of several give {{"{key}": {{"$in": [...]}}}}' if name == "$eq" else "give one value"
        raise InvalidFilter(f"'where': {key!r} came as {shown(value)}; {hint}: a string, a number, true, false or null")
    found: Scalar = value
    return found


def _unknown(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name if name.startswith("$") else f"${name}", known, 1)
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
    return f"an unknown operator {name!r} ({hint})"
