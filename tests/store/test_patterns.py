"""What patterns cover: said in Python and asked of the database it is the same, and an index tells it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, combinations_with_replacement

import pytest
import sqlalchemy as sa

from memsvc_store.sql import schema
from memsvc_store.sql.conditions import covered
from memsvc_store.sql.database import Database
from memsvc_store.sql.records import Records
from memsvc_store.values import clock
from memsvc_store.values.patterns import common, covers

NAMES = (
    "acme acme/ann acme/ann/b acme/Ann acme/a%n acme/a_n acme/a*n acmex acmex/ann acme-/ann acme0 acme0/a acme. "
    "acme./a ACME/ann Acme acm ac/me é é/a e\u0301/a e/a straße/a strasse/a STRASSE/a 日本/a 🚆/a zoe zoë/b z/a"
).split()
PATTERNS = [*NAMES, *(f"{name}/*" for name in NAMES), "*"]


@pytest.fixture
def database(target: str) -> Iterator[Database]:
    opened = Database(target)
    with opened.write() as connection:
        for name in NAMES:
            Records(connection).create_namespace(name, clock.to_instant(clock.now()))
    yield opened
    opened.close()


def test_the_database_finds_what_is_covered(database: Database) -> None:
    pairs = [(one,) for one in PATTERNS] + list(combinations(PATTERNS[::5], 2))
    with database.read() as connection:
        for patterns in pairs:
            wanted = sorted(name for name in NAMES if any(covers(one, name) for one in patterns))
            assert Records(connection).namespaces(patterns) == wanted


def test_what_two_patterns_have_in_common_is_a_pattern() -> None:
    for one, other in combinations_with_replacement(PATTERNS, 2):
        shared = common(one, other)
        both = [name for name in NAMES if covers(one, name) and covers(other, name)]
        assert both == ([] if shared is None else [name for name in NAMES if covers(shared, name)]), (one, other)
        assert shared == common(other, one)


def test_no_pattern_covers_nothing(database: Database) -> None:
    with database.read() as connection:
        assert Records(connection).namespaces(()) == []


@pytest.mark.parametrize("pattern", ["acme", "acme/*", "é/*"])
def test_names_of_others_are_not_gone_through(database: Database, pattern: str) -> None:
    with database.read() as connection:
        dialect, name = connection.dialect, schema.namespaces.c.name
        asked = sa.select(name).where(covered(name, [pattern]))
        spelt = str(asked.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
        if dialect.name == "postgresql":
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")  # thirty names are read sooner than an index
            plan = "\n".join(row[0] for row in connection.exec_driver_sql(f"EXPLAIN {spelt}"))
            assert "Index Cond" in plan
        else:
            plan = "\n".join(row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {spelt}"))
            assert "SEARCH namespaces USING COVERING INDEX" in plan
