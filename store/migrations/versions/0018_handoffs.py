"""Handoffs of threads: one row each, to find them by agent and by time; and what later packages of a thread inherit."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.add_column("thread_records", sa.Column("lineage", sa.Text(), nullable=True))
    op.create_table(
        "handoffs",
        sa.Column("tenant_id", sa.String(), nullable=False),
        sa.Column("handoff_id", sa.String(), nullable=False),
        sa.Column("thread_key", sa.String(), nullable=False),
        sa.Column("thread_id", sa.Text(), nullable=False),
        sa.Column("from_agent", sa.String(), nullable=False),
        sa.Column("to_agent", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("offered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decision_package_id", sa.String(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "handoff_id"),
    )
    for side in ("from_agent", "to_agent"):
        op.create_index(f"ix_handoffs_{side}", "handoffs", ["tenant_id", side, "offered_at"])
    for index, column in (("ix_handoffs_permit", "decision_package_id"), ("ix_handoffs_due", "due_at")):
        where = sa.text(f"{column} IS NOT NULL")
        op.create_index(index, "handoffs", ["tenant_id", column], sqlite_where=where, postgresql_where=where)
