"""Episodes, traces, and what is learned from feedback.

A step is history: it spells its tables out and never follows `schema.py` when that moves on.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_Key = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def _namespace(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["namespace_key"], ["namespaces.key"], name=f"fk_{table}_namespace_key_namespaces")


def upgrade() -> None:
    for table, column, type_ in (
        ("namespaces", "learned", sa.BigInteger),
        ("namespaces", "learned_at", sa.BigInteger),
        ("memories", "cold", sa.SmallInteger),
    ):
        op.add_column(table, sa.Column(column, type_, nullable=False, server_default="0"))
    op.execute("""UPDATE jobs SET payload = replace(payload, '{"messages":', '{"memories":')""")
    op.create_table(
        "episodes",
        sa.Column("namespace_key", _Key, nullable=False),
        sa.Column("memory_id", sa.String(32), nullable=False),
        sa.Column("intent", sa.Text, nullable=False),
        sa.Column("happened_at", sa.BigInteger, nullable=False),
        sa.Column("happened_at_offset", sa.SmallInteger, nullable=False),
        sa.Column("trajectory", sa.Text, nullable=False),
        sa.Column("trajectory_format", sa.String(8), nullable=False),
        sa.Column("experience", sa.Text, nullable=False),
        sa.Column("experience_by", sa.String(8), nullable=False),
        sa.Column("reward", sa.Double),
        sa.Column("success", sa.SmallInteger),
        sa.Column("write_key", sa.Text),
        sa.Column("stored_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("namespace_key", "memory_id", name="pk_episodes"),
        _namespace("episodes"),
        sa.UniqueConstraint("namespace_key", "write_key", name="uq_episodes_namespace_key_write_key"),
    )
    op.create_table(
        "traces",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("namespace_key", _Key, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("query", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("used", sa.Text, nullable=False),
        sa.Column("cited", sa.Text, nullable=False),
        sa.Column("pool", sa.Text, nullable=False),
        sa.Column("weight", sa.Double),
        sa.Column("document", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_traces"),
        _namespace("traces"),
    )
    op.create_index("ix_traces_namespace_key_at", "traces", ["namespace_key", "at"])
    op.create_table(
        "feedback",
        sa.Column("namespace_key", _Key, nullable=False),
        sa.Column("learned", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("trace_id", sa.String(32)),
        sa.Column("write_key", sa.Text),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("reward", sa.Double),
        sa.Column("credited", sa.Text, nullable=False),
        sa.Column("skipped", sa.Text, nullable=False),
        sa.Column("alpha", sa.Double),
        sa.Column("cap", sa.Double),
        sa.Column("window_micros", sa.BigInteger),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("namespace_key", "learned", name="pk_feedback"),
        _namespace("feedback"),
        sa.UniqueConstraint("namespace_key", "write_key", name="uq_feedback_namespace_key_write_key"),
    )
    op.create_index("ix_feedback_namespace_key_trace_id", "feedback", ["namespace_key", "trace_id"])
    op.create_table(
        "utilities",
        sa.Column("namespace_key", _Key, nullable=False),
        sa.Column("memory_id", sa.String(32), nullable=False),
        sa.Column("q", sa.Double, nullable=False),
        sa.Column("visits", sa.Integer, nullable=False),
        sa.Column("reward_average", sa.Double, nullable=False),
        sa.Column("last_reward", sa.Double, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.Column("learned", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("namespace_key", "memory_id", name="pk_utilities"),
        _namespace("utilities"),
    )
    op.create_index("ix_utilities_namespace_key_learned", "utilities", ["namespace_key", "learned"])
    op.create_table(
        "moves",
        sa.Column("namespace_key", _Key, nullable=False),
        sa.Column("learned", sa.BigInteger, nullable=False),
        sa.Column("ordinal", sa.Integer, nullable=False),
        sa.Column("memory_id", sa.String(32), nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("before", sa.Double, nullable=False),
        sa.Column("after", sa.Double, nullable=False),
        sa.Column("total", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("namespace_key", "learned", "ordinal", name="pk_moves"),
        _namespace("moves"),
    )
    op.create_index(
        "ix_moves_namespace_key_memory_id_source_learned",
        "moves",
        ["namespace_key", "memory_id", "source", "learned", "at"],
    )
    op.create_table(
        "calibrations",
        sa.Column("namespace_key", _Key, nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("namespace_key", "name", name="pk_calibrations"),
        _namespace("calibrations"),
    )
