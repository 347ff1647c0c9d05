"""Tokens of language models as rows, on SQLite and on PostgreSQL."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

from memsvc_store.sql.database import Database
from memsvc_store.tokens import EVERYBODY, TokenTable

TODAY = date(2026, 3, 2)


def test_what_several_processes_take_adds_up(target: str) -> None:
    databases = [Database(target), Database(target)]
    tables = [TokenTable(one) for one in databases]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: tables[n % 2].spend(TODAY, [EVERYBODY, "key"], n), range(20)))
    assert tables[0].spent(TODAY, [EVERYBODY, "key", "other"]) == {EVERYBODY: 190, "key": 190, "other": 0}
    for one in databases:
        one.close()


def test_a_day_begins_with_nothing_and_forgets_the_last(target: str) -> None:
    database = Database(target)
    table, tomorrow = TokenTable(database), TODAY + timedelta(days=1)
    table.spend(TODAY, [EVERYBODY], 10)
    assert table.spent(tomorrow, [EVERYBODY]) == {EVERYBODY: 0}
    table.spend(tomorrow, [EVERYBODY], 5)
    assert table.spent(tomorrow, [EVERYBODY]) == {EVERYBODY: 5}
    assert table.spent(TODAY, [EVERYBODY]) == {EVERYBODY: 0}
    database.close()
