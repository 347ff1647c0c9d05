"""Rules of `values` in SQL: patterns of namespaces; what is asked of metadata, on SQLite by the rule itself."""

from __future__ import annotations

import json
import operator
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from memsvc_store.values import where
from memsvc_store.values.patterns import EVERYTHING

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from memsvc_store.values.where import Condition

    Truth = sa.ColumnElement[bool]

_FUNCTION = "memsvc_matches"

_AFTER_SLASH = chr(ord("/") + 1)
"""Names below `acme/` are those from `acme/` to before `acme0`."""


def teach_sqlite(connection: sqlite3.Connection) -> None:
    """Have a connection know the function that `matching_in_sqlite` calls."""
    connection.create_function(_FUNCTION, 2, _matches, deterministic=True)


def _matches(metadata: str, document: str) -> bool:
    return where.matches(where.read(document), json.loads(metadata))


def matching_in_sqlite(metadata: sa.ColumnElement[str], document: str) -> Truth:
    """Whether the metadata of a row is as a document wants it."""
    return sa.Function(_FUNCTION, metadata, document, type_=sa.Boolean).is_(sa.true())


def matching_in_postgres(metadata: sa.ColumnElement[str], document: str) -> Truth:
    """Whether the metadata of a row is as a document wants it."""
    held = sa.cast(metadata, JSONB)
    return where.combined(
        where.read(document),
        lambda one: _known(_holds(_value_at(held, one.key), one)),
        lambda parts: sa.and_(sa.true(), *parts),
        lambda parts: sa.or_(sa.false(), *parts),
        sa.not_,
    )


def _known(truth: Truth) -> Truth:
    """What would be NULL, of a key that is not there, is false."""
    return sa.func.coalesce(truth, sa.false())


def _value_at(held: sa.ColumnElement[Any], key: str) -> sa.ColumnElement[Any]:
    """The key's value or that of its path: NULL where there is none, and no NULL for JSON's null."""
    whole = _field(held, key)
    if "." not in key:
        return whole
    path = held
    for name in key.split("."):
        path = _field(path, name)
    return sa.func.coalesce(whole, path, type_=JSONB)


def _field(held: sa.ColumnElement[Any], name: str) -> sa.ColumnElement[Any]:
    return held.op("->", return_type=JSONB())(sa.cast(sa.literal(name), sa.Text))  # of a list it is NULL


def _holds(value: sa.ColumnElement[Any], one: Condition) -> Truth:
    if one.kind == "exists":
        return value.is_not(None)
    kind = sa.func.jsonb_typeof(value)
    if one.kind in ("in", "contains"):
        part = sa.func.jsonb_array_elements(value).table_valued(sa.column("value", JSONB))
        has = sa.exists(sa.select(sa.literal(1)).select_from(part).where(_is_one_of(part.c.value, one)))
        told: list[tuple[Truth, Truth]] = [(kind == "array", has)]
        if one.kind == "in":
            return sa.case(*told, else_=_is_one_of(value, one))
        if isinstance(one.values[0], str):
            told.append((kind == "string", sa.func.strpos(_text(value), sa.cast(one.values[0], sa.Text)) > 0))
        return sa.case(*told, else_=sa.false())
    [other] = one.values
    order = getattr(operator, {"lte": "le", "gte": "ge"}.get(one.kind, one.kind))
    if isinstance(other, str):
        compared = order(_text(value).collate("C"), sa.cast(other, sa.Text))
        return sa.case((kind == "string", compared), else_=sa.false())
    return sa.case((kind == "number", order(value, _json(other))), else_=sa.false())


def _is_one_of(value: sa.ColumnElement[Any], one: Condition) -> Truth:
    """By containment, which an object or a list may pass as well as a scalar: a list has each of its own parts."""
    scalar = sa.func.jsonb_typeof(value).not_in(("array", "object"))
    return scalar & _json(list(one.values)).op("@>", return_type=sa.Boolean())(value)


def _text(value: sa.ColumnElement[Any]) -> sa.ColumnElement[str]:
    return value.op("#>>", return_type=sa.Text())(sa.cast(sa.literal("{}"), sa.ARRAY(sa.Text)))


def _json(value: Any) -> sa.ColumnElement[Any]:
    return sa.cast(sa.literal(json.dumps(value, ensure_ascii=False), sa.Text), JSONB)


def covered(name: sa.ColumnElement[str], patterns: Iterable[str]) -> sa.ColumnElement[bool]:
    """`covers` of any of these patterns as a condition on a column that sorts by bytes.

    Its index answers: the time that takes follows from what the patterns cover, not from the names of others.
    """
    return sa.or_(sa.false(), *(_one(name, pattern) for pattern in patterns))


def _one(name: sa.ColumnElement[str], pattern: str) -> sa.ColumnElement[bool]:
    if pattern == EVERYTHING:
        return sa.true()
    if pattern.endswith("/*"):
        below = pattern[:-1]
        return sa.and_(name >= below, name < below[:-1] + _AFTER_SLASH)
    return name == pattern
