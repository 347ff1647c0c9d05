"""What the modules of SQL statements share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import sqlalchemy as sa
    from sqlalchemy.engine import Connection

IN_LIMIT = 500
"""Values in one `IN (...)`; SQLite allowed no more than 999 variables until 3.32."""


def rows_in(
    connection: Connection,
    statement: sa.Select[Any],
    column: sa.ColumnElement[Any],
    values: Sequence[Any],
    parameters: Mapping[str, Any] | None = None,
) -> Iterator[Any]:
    """Rows where the column is one of the values, asked for in slices that every database takes."""
    for start in range(0, len(values), IN_LIMIT):
        part = statement.where(column.in_(values[start : start + IN_LIMIT]))
        yield from connection.execute(part, dict(parameters or {}))


def insert_into(connection: Connection, table: sa.Table) -> Any:
    """An INSERT of the database's own dialect, which knows ON CONFLICT."""
    return insert_of(connection.dialect.name, table)


def insert_of(dialect: str, table: sa.Table) -> Any:
    """The same, for statements that are built once a dialect."""
    if dialect == "postgresql":
        from sqlalchemy.dialects.postgresql import insert as postgres_insert

        return postgres_insert(table)
    from sqlalchemy.dialects.sqlite import insert as sqlite_insert

    return sqlite_insert(table)
