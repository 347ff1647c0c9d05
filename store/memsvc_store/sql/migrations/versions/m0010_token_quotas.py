"""Tokens that language models have taken, by day and payer, and how many a key gets a day."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "model_tokens",
        sa.Column("day", sa.Integer, nullable=False),
        sa.Column("payer", sa.String(16), nullable=False),
        sa.Column("tokens", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("day", "payer", name="pk_model_tokens"),
    )
    op.add_column("keys", sa.Column("tokens_per_day", sa.BigInteger))
