"""The processes that receive clicks, and the public addresses at which Slack's requests arrived."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "presences",
        sa.Column("tenant_id", sa.String(), nullable=False),
        sa.Column("process_id", sa.String(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("alive_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("gone", sa.Boolean(), nullable=False),
        sa.Column("proven_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sockets", sa.Integer(), nullable=False),
        sa.Column("nonce", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "process_id"),
    )
    op.create_index("ix_presences_alive", "presences", ["tenant_id", "alive_at"], unique=False)
    op.create_table(
        "heard_at",
        sa.Column("tenant_id", sa.String(), nullable=False),
        sa.Column("host", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "host"),
    )
