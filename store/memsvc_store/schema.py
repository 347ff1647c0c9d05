"""The tables. SQL is the truth: everything else is rebuilt from these rows.

Ids are unique inside a namespace, never across: every statement names the namespace, so that one
can't read another's rows by a guessed id. Points in time follow `clock.py`.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
)

# SQLite numbers rows by itself only where the column is exactly INTEGER.
_Key = BigInteger().with_variant(Integer, "sqlite")

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

# One row. `identity` ties snapshots to their database.
database = Table(
    "memsvc_database",
    metadata,
    Column("key", Integer, CheckConstraint("key = 1", name="ck_memsvc_database_one_row"), primary_key=True),
    Column("identity", String(32), nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

# `version` counts the writes of the namespace: gapless, in commit order. `stamp` is when the last one was made.
namespaces = Table(
    "namespaces",
    metadata,
    Column("key", _Key, primary_key=True),
    Column("name", String(255), nullable=False, unique=True),
    Column("version", BigInteger, nullable=False),
    Column("stamp", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

# The raw log: immutable. `id` is derived from session, speaker, text and time (records.message_id),
# so the primary key itself keeps a repeated message out.
messages = Table(
    "messages",
    metadata,
    Column("namespace_key", _Key, ForeignKey("namespaces.key"), primary_key=True),
    Column("id", String(32), primary_key=True),
    Column("session_id", Text, nullable=False),
    Column("position", Integer, nullable=False),
    Column("speaker", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("said_at", BigInteger, nullable=False),
    Column("said_at_offset", SmallInteger, nullable=False),
    Column("stored_at", BigInteger, nullable=False),
    Column("write_key", Text),
    Column("metadata", Text, nullable=False),
    UniqueConstraint("namespace_key", "session_id", "position"),
    UniqueConstraint("namespace_key", "write_key"),
)

# What look-ups return. `digest` names the vector of its text; `entities` is its hyperedge.
memories = Table(
    "memories",
    metadata,
    Column("key", _Key, primary_key=True),
    Column("namespace_key", _Key, ForeignKey("namespaces.key"), nullable=False),
    Column("id", String(32), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("text", Text, nullable=False),
    Column("digest", LargeBinary(16), nullable=False),
    Column("session_id", Text, nullable=False),
    Column("position", Integer, nullable=False),
    Column("speaker", Text, nullable=False),
    Column("entities", Text, nullable=False),
    Column("valid_from", BigInteger, nullable=False),
    Column("valid_from_offset", SmallInteger, nullable=False),
    Column("valid_to", BigInteger),
    Column("valid_to_offset", SmallInteger),
    Column("created_at", BigInteger, nullable=False),
    Column("retired_at", BigInteger),
    Column("metadata", Text, nullable=False),
    UniqueConstraint("namespace_key", "id"),
    Index("ix_memories_namespace_key_digest", "namespace_key", "digest"),
    Index("ix_memories_namespace_key_kind_key", "namespace_key", "kind", "key"),
    sqlite_autoincrement=True,
)

# One row a text and model, shared by the memories of a namespace that say the same.
vectors = Table(
    "vectors",
    metadata,
    Column("namespace_key", _Key, ForeignKey("namespaces.key"), primary_key=True),
    Column("digest", LargeBinary(16), primary_key=True),
    Column("model", String(255), primary_key=True),
    Column("dimension", Integer, nullable=False),
    Column("data", LargeBinary, nullable=False),
)

# The change log: what shards replay, and the history of each memory.
changes = Table(
    "changes",
    metadata,
    Column("namespace_key", _Key, ForeignKey("namespaces.key"), primary_key=True),
    Column("version", BigInteger, primary_key=True),
    Column("ordinal", Integer, primary_key=True),
    Column("memory_id", String(32), nullable=False),
    Column("operation", String(16), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("before", Text, nullable=False),
    Index("ix_changes_namespace_key_memory_id", "namespace_key", "memory_id"),
)

# What a fact rests on: its messages, in the order they were said.
sources = Table(
    "sources",
    metadata,
    Column("namespace_key", _Key, ForeignKey("namespaces.key"), primary_key=True),
    Column("memory_id", String(32), primary_key=True),
    Column("ordinal", Integer, primary_key=True),
    Column("message_id", String(32), nullable=False),
    Index("ix_sources_namespace_key_message_id", "namespace_key", "message_id"),
)

# Work that is done later. `payload` holds message ids only; `through` is the row of `memories` up to which messages
# are covered by this job and those before it, 0 for one that was queued for a correction. `worker` names one claim.
jobs = Table(
    "jobs",
    metadata,
    Column("key", _Key, primary_key=True),
    Column("namespace_key", _Key, ForeignKey("namespaces.key"), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("payload", Text, nullable=False),
    Column("through", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("error", Text),
    Column("worker", String(32)),
    Column("leased_until", BigInteger),
    Column("not_before", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("started_at", BigInteger),
    Column("finished_at", BigInteger),
    Column("result", Text),
    Index("ix_jobs_namespace_key_state_key", "namespace_key", "state", "key"),
    Index("ix_jobs_namespace_key_kind_through", "namespace_key", "kind", "through"),
    sqlite_autoincrement=True,
)
