"""Equal messages and episodes, told apart by their occurrence; echoes, and the session that a look-up was for."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("messages", "episodes"):
        op.add_column(table, sa.Column("occurrence", sa.Integer, nullable=False, server_default="0"))
    op.add_column("memories", sa.Column("echo_of", sa.String(32)))
    op.add_column("traces", sa.Column("session_id", sa.Text))
