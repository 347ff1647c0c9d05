"""Who worked a fact out, which up to now was always a model, and when a memory expires."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_memories = sa.table("memories", sa.column("kind", sa.String), sa.column("fact_by", sa.String))


def upgrade() -> None:
    op.add_column("memories", sa.Column("fact_by", sa.String(8)))
    op.add_column("memories", sa.Column("expires_at", sa.BigInteger))
    op.execute(sa.update(_memories).where(_memories.c.kind == "fact").values(fact_by="model"))
