"""Tokens that language models have taken, counted by day and by who pays for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from memsvc_store.sql import schema
from memsvc_store.sql.dialect import dialect_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import date

    from memsvc_store.sql.database import Database

EVERYBODY = ""
"""Who pays for all that a database's processes have models read and write; others are keys, by their ids."""

_spent = schema.model_tokens


class TokenTable:
    """The tokens of one database. Safe to share between threads and processes; nothing is held in memory."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def spent(self, day: date, payers: Collection[str]) -> dict[str, int]:
        """What each of them has taken on that day."""
        asked = sa.select(_spent.c.payer, _spent.c.tokens)
        with self._database.read() as connection:
            rows = connection.execute(asked.where(_spent.c.day == day.toordinal(), _spent.c.payer.in_(payers)))
            found = {payer: int(tokens) for payer, tokens in rows}
        return {payer: found.get(payer, 0) for payer in payers}

    def spend(self, day: date, payers: Iterable[str], tokens: int) -> None:
        """Add tokens to what each of them has taken on that day; what was taken before it is forgotten."""
        rows = [{"day": day.toordinal(), "payer": payer, "tokens": tokens} for payer in sorted(payers)]
        with self._database.write() as connection:
            insert = dialect_of(connection).insert(_spent)
            added = {"tokens": _spent.c.tokens + insert.excluded.tokens}
            connection.execute(insert.on_conflict_do_update(index_elements=list(_spent.primary_key), set_=added), rows)
            connection.execute(sa.delete(_spent).where(_spent.c.day < day.toordinal()))
