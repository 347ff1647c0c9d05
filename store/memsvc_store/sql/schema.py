"""The tables. SQL is the truth: everything else is rebuilt from these rows.

Ids are unique inside a namespace, never across: every statement names the namespace, so that one
can't read another's rows by a guessed id. Points in time follow `clock.py`.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Double,
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
    text,
)

# SQLite numbers rows by itself only where the column is exactly INTEGER.
_Key = BigInteger().with_variant(Integer, "sqlite")

# By bytes, as SQLite sorts: an index by language is none for a prefix (`patterns.py`).
_Name = String(255).with_variant(String(255, collation="C"), "postgresql")

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

# One row. `identity` ties snapshots to their database; `receipt_key` (64 hex digits) signs receipts of erasures and is
# made with the first.
database = Table(
    "memsvc_database",
    metadata,
    Column("key", Integer, CheckConstraint("key = 1", name="ck_memsvc_database_one_row"), primary_key=True),
    Column("identity", String(32), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("receipt_key", String(64)),
)

# `version` counts the writes of the namespace: gapless, in commit order. `stamp` is when the last one was made.
# `learned` counts what moved utilities (feedback, resets, rebuilds) in the same way, `learned_at` is its stamp.
namespaces = Table(
    "namespaces",
    metadata,
    Column("key", _Key, primary_key=True),
    Column("name", _Name, nullable=False, unique=True),
    Column("version", BigInteger, nullable=False),
    Column("stamp", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("learned", BigInteger, nullable=False, server_default="0"),
    Column("learned_at", BigInteger, nullable=False, server_default="0"),
)

# The raw log: immutable. `id` is derived from session, speaker, text and time, and of several equal ones from their
# `occurrence` (rows.message_id), so the primary key itself keeps a repeated message out. Where a name came in another
# form of Unicode before names had one, `alias` is the id that follows from the names as they are now.
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
    Column("occurrence", Integer, nullable=False, server_default="0"),
    Column("alias", String(32)),
    UniqueConstraint("namespace_key", "session_id", "position"),
    UniqueConstraint("namespace_key", "write_key"),
    Index(
        "ix_messages_namespace_key_alias",
        "namespace_key",
        "alias",
        sqlite_where=text("alias IS NOT NULL"),
        postgresql_where=text("alias IS NOT NULL"),
    ),
)

# What look-ups return. `digest` names the vector of its text; `entities` is its hyperedge. A cold one is left out of
# look-ups to make room, an echo because it repeats the memory `echo_of`. The
# `role` is that of the message, of a fact that of the last one that it rests on; nothing for an episode. `fact_by` says
# who worked a fact out. From `expires_at` on nothing but an erasure finds it.
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
    Column("cold", SmallInteger, nullable=False, server_default="0"),
    Column("echo_of", String(32)),
    Column("role", Text, nullable=False, server_default=""),
    Column("fact_by", String(8)),
    Column("expires_at", BigInteger),
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

# Work that is done later. `payload` holds ids only; `through` is the row of `memories` up to which messages or episodes
# are covered by this job and those before it of its kind, 0 for one queued for a correction. `worker` names one claim.
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

# Task attempts, verbatim: all but the experience is immutable. The memory of the same id holds the intent as it stands.
episodes = Table(
    "episodes",
    metadata,
    Column("namespace_key", _Key, ForeignKey("namespaces.key"), primary_key=True),
    Column("memory_id", String(32), primary_key=True),
    Column("intent", Text, nullable=False),
    Column("happened_at", BigInteger, nullable=False),
    Column("happened_at_offset", SmallInteger, nullable=False),
    Column("trajectory", Text, nullable=False),
    Column("trajectory_format", String(8), nullable=False),
    Column("experience", Text, nullable=False),
    Column("experience_by", String(8), nullable=False),
    Column("reward", Double),
    Column("success", SmallInteger),
    Column("write_key", Text),
    Column("stored_at", BigInteger, nullable=False),
    Column("occurrence", Integer, nullable=False, server_default="0"),
    UniqueConstraint("namespace_key", "write_key"),
)

# What look-ups considered and gave. `id` is random, so that a feedback need not name the namespace. `session_id` is the
# session on whose behalf it was, if it said one.
traces = Table(
    "traces",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("namespace_key", _Key, ForeignKey("namespaces.key"), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("query", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("used", Text, nullable=False),
    Column("cited", Text, nullable=False),
    Column("pool", Text, nullable=False),
    Column("weight", Double),
    Column("document", Text, nullable=False),
    Column("session_id", Text),
    Index("ix_traces_namespace_key_at", "namespace_key", "at"),
)

# The log that utilities follow from: rewards, and resets of one memory. `learned` is the namespace's count at that row.
# `credited` holds the memories asked for, `skipped` those of them that were not moved, with the reason.
feedback = Table(
    "feedback",
    metadata,
    Column("namespace_key", _Key, ForeignKey("namespaces.key"), primary_key=True),
    Column("learned", BigInteger, primary_key=True),
    Column("kind", String(8), nullable=False),
    Column("trace_id", String(32)),
    Column("write_key", Text),
    Column("source", Text, nullable=False),
    Column("reward", Double),
    Column("credited", Text, nullable=False),
    Column("skipped", Text, nullable=False),
    Column("alpha", Double),
    Column("cap", Double),
    Column("window_micros", BigInteger),
    Column("at", BigInteger, nullable=False),
    UniqueConstraint("namespace_key", "write_key"),
    Index("ix_feedback_namespace_key_trace_id", "namespace_key", "trace_id"),
)

# Derived: what each memory is worth now. A row without visits was reset; `learned` is the count it was written at.
utilities = Table(
    "utilities",
    metadata,
    Column("namespace_key", _Key, ForeignKey("namespaces.key"), primary_key=True),
    Column("memory_id", String(32), primary_key=True),
    Column("q", Double, nullable=False),
    Column("visits", Integer, nullable=False),
    Column("reward_average", Double, nullable=False),
    Column("last_reward", Double, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("learned", BigInteger, nullable=False),
    Index("ix_utilities_namespace_key_learned", "namespace_key", "learned"),
)

# Derived: every step of a utility, by the row of the log that made it. `total` is where the source's steps have moved
# the memory since its last reset: the difference of two of them is a balance. They are in the order of the log and not
# of their times, since clocks are set back.
moves = Table(
    "moves",
    metadata,
    Column("namespace_key", _Key, ForeignKey("namespaces.key"), primary_key=True),
    Column("learned", BigInteger, primary_key=True),
    Column("ordinal", Integer, primary_key=True),
    Column("memory_id", String(32), nullable=False),
    Column("source", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("before", Double, nullable=False),
    Column("after", Double, nullable=False),
    Column("total", Double, nullable=False),
    Index("ix_moves_namespace_key_memory_id_source_learned", "namespace_key", "memory_id", "source", "learned", "at"),
)

# Small documents that were worked out for a namespace: the episode threshold, the gate's model.
calibrations = Table(
    "calibrations",
    metadata,
    Column("namespace_key", _Key, ForeignKey("namespaces.key"), primary_key=True),
    Column("name", String(64), primary_key=True),
    Column("document", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
)

# Erasures whose rows are gone and whose bytes may still lie in the files. `mark` says of what to whoever asks for the
# same again, and nothing to others: an HMAC. A row goes with the signing of its receipt.
erasures = Table(
    "erasures",
    metadata,
    Column("mark", String(64), primary_key=True),
    Column("counts", Text, nullable=False),
)

# Keys of the service. `digest` is the SHA-256 of a token, which nobody has but who was shown it; `namespaces` and
# `allow` are JSON lists.
keys = Table(
    "keys",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("name", String(255), nullable=False),
    Column("digest", LargeBinary(32), nullable=False),
    Column("namespaces", Text, nullable=False),
    Column("allow", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    Column("last_used_at", BigInteger),
    Column("revoked_at", BigInteger),
    Column("tokens_per_day", BigInteger),
)

# Tokens that language models have taken on a day (its number since the year 1), for a key and for all (""). Only what a
# limit is set for is counted, and only today's rows are kept.
model_tokens = Table(
    "model_tokens",
    metadata,
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("payer", String(16), primary_key=True),
    Column("tokens", BigInteger, nullable=False),
)
