"""The backbone: raw log, memories, vectors, change log.

A step is history: it spells its tables out and never follows `schema.py` when that moves on.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_Key = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "memsvc_database",
        sa.Column("key", sa.Integer, nullable=False),
        sa.Column("identity", sa.String(32), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_memsvc_database"),
        sa.CheckConstraint("key = 1", name="ck_memsvc_database_one_row"),
    )
    op.create_table(
        "namespaces",
        sa.Column("key", _Key, nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("stamp", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_namespaces"),
        sa.UniqueConstraint("name", name="uq_namespaces_name"),
    )
    op.create_table(
        "messages",
        sa.Column("namespace_key", _Key, nullable=False),
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("session_id", sa.Text, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("speaker", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("said_at", sa.BigInteger, nullable=False),
        sa.Column("said_at_offset", sa.SmallInteger, nullable=False),
        sa.Column("stored_at", sa.BigInteger, nullable=False),
        sa.Column("write_key", sa.Text),
        sa.Column("metadata", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("namespace_key", "id", name="pk_messages"),
        sa.ForeignKeyConstraint(["namespace_key"], ["namespaces.key"], name="fk_messages_namespace_key_namespaces"),
        sa.UniqueConstraint(
            "namespace_key", "session_id", "position", name="uq_messages_namespace_key_session_id_position"
        ),
        sa.UniqueConstraint("namespace_key", "write_key", name="uq_messages_namespace_key_write_key"),
    )
    op.create_table(
        "memories",
        sa.Column("key", _Key, nullable=False),
        sa.Column("namespace_key", _Key, nullable=False),
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("digest", sa.LargeBinary(16), nullable=False),
        sa.Column("session_id", sa.Text, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("speaker", sa.Text, nullable=False),
        sa.Column("entities", sa.Text, nullable=False),
        sa.Column("valid_from", sa.BigInteger, nullable=False),
        sa.Column("valid_from_offset", sa.SmallInteger, nullable=False),
        sa.Column("valid_to", sa.BigInteger),
        sa.Column("valid_to_offset", sa.SmallInteger),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("retired_at", sa.BigInteger),
        sa.Column("metadata", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_memories"),
        sa.ForeignKeyConstraint(["namespace_key"], ["namespaces.key"], name="fk_memories_namespace_key_namespaces"),
        sa.UniqueConstraint("namespace_key", "id", name="uq_memories_namespace_key_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_memories_namespace_key_digest", "memories", ["namespace_key", "digest"])
    op.create_table(
        "vectors",
        sa.Column("namespace_key", _Key, nullable=False),
        sa.Column("digest", sa.LargeBinary(16), nullable=False),
        sa.Column("model", sa.String(255), nullable=False),
        sa.Column("dimension", sa.Integer, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("namespace_key", "digest", "model", name="pk_vectors"),
        sa.ForeignKeyConstraint(["namespace_key"], ["namespaces.key"], name="fk_vectors_namespace_key_namespaces"),
    )
    op.create_table(
        "changes",
        sa.Column("namespace_key", _Key, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("ordinal", sa.Integer, nullable=False),
        sa.Column("memory_id", sa.String(32), nullable=False),
        sa.Column("operation", sa.String(16), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("before", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("namespace_key", "version", "ordinal", name="pk_changes"),
        sa.ForeignKeyConstraint(["namespace_key"], ["namespaces.key"], name="fk_changes_namespace_key_namespaces"),
    )
    op.create_index("ix_changes_namespace_key_memory_id", "changes", ["namespace_key", "memory_id"])
