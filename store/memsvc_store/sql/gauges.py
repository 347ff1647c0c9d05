"""What an operator watches: whether the database answers, and the jobs by state."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from memsvc_store.errors import DatabaseTooNew
from memsvc_store.sql import schema
from memsvc_store.sql.database import HEAD

if TYPE_CHECKING:
    from memsvc_store.sql.database import Database
    from memsvc_store.values.shapes import JobKind, JobState


def check(database: Database) -> None:
    """Nothing, if the database answers and has the schema of this version.

    Raises:
        DatabaseError: it does not; another process may have upgraded it under us.
    """
    with database.read() as connection:
        revision = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one()
    if revision != HEAD:
        raise DatabaseTooNew(f"{database.name} has schema {revision} by now, and this process was opened on {HEAD}")


def job_counts(database: Database) -> dict[tuple[JobKind, JobState], int]:
    """How many jobs of each kind are in each state, over all namespaces; none are left out."""
    jobs = schema.jobs.c
    statement = sa.select(jobs.kind, jobs.state, sa.func.count()).group_by(jobs.kind, jobs.state)
    with database.read() as connection:
        return {(kind, state): count for kind, state, count in connection.execute(statement)}
