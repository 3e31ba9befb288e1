"""Which chains are replayed, so that live events do not wait behind them, and an index that counts a backlog alone.

A replay that is under way counts as live: it ends as it began.
"""

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"

_COLUMNS = ("tenant_id", "feed", "replayed", "due_at", "chain_id", "wanted", "sent", "behind_since", "attempts")


def upgrade() -> None:
    op.add_column(
        "feed_positions", sa.Column("replayed", sa.Boolean(), nullable=False, server_default=sa.text("FALSE"))
    )
    op.drop_index("ix_feed_positions_due", "feed_positions")
    where = sa.text("due_at IS NOT NULL")
    op.create_index("ix_feed_positions_due", "feed_positions", _COLUMNS, sqlite_where=where, postgresql_where=where)
