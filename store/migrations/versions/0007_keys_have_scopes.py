"""An agent's key has a scope and rates. Two indexes count its waiting and its open packages."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_OPEN = sa.text("status IN ('pending', 'revision_requested', 'evidence_requested', 'deferred')")
_WAITS = sa.text("level IN ('soft_approval', 'hard_approval', 'human_takeover')")


def upgrade() -> None:
    op.add_column("agents", sa.Column("scope", sa.Text(), nullable=True))
    op.add_column("agents", sa.Column("per_minute", sa.Integer(), nullable=True))
    op.add_column("agents", sa.Column("max_open", sa.Integer(), nullable=True))
    op.create_index(
        "ix_packages_open", "packages", ["tenant_id", "agent_id"], sqlite_where=_OPEN, postgresql_where=_OPEN
    )
    op.create_index(
        "ix_versions_waiting",
        "versions",
        ["tenant_id", "agent_id", "created_at"],
        sqlite_where=_WAITS,
        postgresql_where=_WAITS,
    )
