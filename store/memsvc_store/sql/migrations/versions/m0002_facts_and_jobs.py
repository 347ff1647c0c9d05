"""Facts rest on messages, and jobs work them out.

A step is history: it spells its tables out and never follows `schema.py` when that moves on.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_Key = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_index("ix_memories_namespace_key_kind_key", "memories", ["namespace_key", "kind", "key"])
    op.create_table(
        "sources",
        sa.Column("namespace_key", _Key, nullable=False),
        sa.Column("memory_id", sa.String(32), nullable=False),
        sa.Column("ordinal", sa.Integer, nullable=False),
        sa.Column("message_id", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("namespace_key", "memory_id", "ordinal", name="pk_sources"),
        sa.ForeignKeyConstraint(["namespace_key"], ["namespaces.key"], name="fk_sources_namespace_key_namespaces"),
    )
    op.create_index("ix_sources_namespace_key_message_id", "sources", ["namespace_key", "message_id"])
    op.create_table(
        "jobs",
        sa.Column("key", _Key, nullable=False),
        sa.Column("namespace_key", _Key, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("through", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("error", sa.Text),
        sa.Column("worker", sa.String(32)),
        sa.Column("leased_until", sa.BigInteger),
        sa.Column("not_before", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("started_at", sa.BigInteger),
        sa.Column("finished_at", sa.BigInteger),
        sa.Column("result", sa.Text),
        sa.PrimaryKeyConstraint("key", name="pk_jobs"),
        sa.ForeignKeyConstraint(["namespace_key"], ["namespaces.key"], name="fk_jobs_namespace_key_namespaces"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_jobs_namespace_key_state_key", "jobs", ["namespace_key", "state", "key"])
    op.create_index("ix_jobs_namespace_key_kind_through", "jobs", ["namespace_key", "kind", "through"])
