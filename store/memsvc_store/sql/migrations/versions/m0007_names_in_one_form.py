"""Names in one form of Unicode, NFC, and hyperedges by the words of every script (`../renaming.py`)."""

import sqlalchemy as sa
from alembic import op

from memsvc_store.sql.migrations import renaming

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("messages", sa.Column("alias", sa.String(32)))
    op.create_index("ix_messages_namespace_key_alias", "messages", ["namespace_key", "alias"], **renaming.ALIASED)
    connection = op.get_bind()
    renaming.rename_namespaces(connection)
    for key in connection.execute(sa.select(renaming.namespaces.c.key)).scalars().all():
        renaming.rename_within(connection, key)
    renaming.derive_hyperedges(connection)
