"""The role of whoever said it beside each memory, for look-ups to filter by; a fact has that of its last message."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_SAID = """
    UPDATE memories SET role = coalesce((
        SELECT messages.role FROM messages
        WHERE messages.namespace_key = memories.namespace_key AND messages.id = memories.id), '')
    WHERE kind = 'message'
"""

_WORKED_OUT = """
    UPDATE memories SET role = coalesce((
        SELECT messages.role FROM sources
        JOIN messages ON messages.namespace_key = sources.namespace_key AND messages.id = sources.message_id
        WHERE sources.namespace_key = memories.namespace_key AND sources.memory_id = memories.id
        ORDER BY sources.ordinal DESC LIMIT 1), '')
    WHERE kind = 'fact'
"""


def upgrade() -> None:
    op.add_column("memories", sa.Column("role", sa.Text, nullable=False, server_default=""))
    op.execute(_SAID)
    op.execute(_WORKED_OUT)
