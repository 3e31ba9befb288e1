"""The request of each command, and the requests of Slack that were already carried out."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("commands", sa.Column("request", sa.String(), nullable=True))
    op.create_table(
        "requests",
        sa.Column("tenant_id", sa.String(), nullable=False),
        sa.Column("request", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "request"),
    )
    op.create_index(op.f("ix_requests_at"), "requests", ["at"], unique=False)
