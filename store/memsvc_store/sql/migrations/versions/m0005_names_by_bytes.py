"""Names of namespaces by their bytes where the database sorts text by language, so that their index finds prefixes."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":  # SQLite sorts by bytes, and cannot alter a column
        op.alter_column("namespaces", "name", type_=sa.String(255, collation="C"), existing_nullable=False)
