"""The steps that the schema has gone through, and how a database is brought to the last of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from memsvc_store.errors import DatabaseForeign, DatabaseTooNew, DatabaseUnreadable
from memsvc_store.sql import schema

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008", "0009", "0010")
"""The steps in `versions/`, oldest first. Known here so that only opening an older database imports Alembic
(0.28 s)."""

HEAD = REVISIONS[-1]

STEP = sa.text("SELECT version_num FROM alembic_version")
"""Asks a database of ours for its step."""


def revision(connection: Connection, name: str) -> str | None:
    """The step of the database that a message calls `name`, or None for an empty one.

    Raises:
        DatabaseForeign: it holds another program's tables.
        DatabaseTooNew: its step is of a newer memsvc.
        DatabaseUnreadable: it has a step that never was.
    """
    tables = set(sa.inspect(connection).get_table_names())
    if not tables:
        return None
    if not {"alembic_version", "memsvc_database"} <= tables:
        raise DatabaseForeign(
            f"{name} holds tables of another program ({', '.join(sorted(tables)[:3])}); "
            "it was left untouched. Name another file, or one that memsvc made"
        )
    found = connection.execute(STEP).scalar_one_or_none()
    if found in REVISIONS:
        return str(found)
    if found is not None and found > HEAD:
        raise DatabaseTooNew(
            f"{name} has schema {found}, and this memsvc knows up to {HEAD}; upgrade memsvc to open it"
        )
    raise DatabaseUnreadable(f"{name} has schema {found!r}, which no memsvc ever wrote; restore a backup")


def create(connection: Connection) -> None:
    """All tables at once, as the steps would make them: a third of the time, and no Alembic."""
    schema.metadata.create_all(connection, checkfirst=False)
    version = sa.Column("version_num", sa.String(32), nullable=False)
    table = sa.Table(
        "alembic_version", sa.MetaData(), version, sa.PrimaryKeyConstraint(version, name="alembic_version_pkc")
    )
    table.create(connection, checkfirst=False)
    connection.execute(table.insert().values(version_num=HEAD))


def migrate(connection: Connection) -> None:
    """Bring an older schema to HEAD, or an empty database, step by step."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "memsvc_store.sql:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, HEAD)
