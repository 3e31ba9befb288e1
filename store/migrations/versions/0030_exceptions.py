"""Exceptions to rules that people approved, and the packages that used them."""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    op.create_table(
        "exceptions",
        sa.Column("tenant_id", sa.String(), nullable=False),
        sa.Column("package_id", sa.String(), nullable=False),
        sa.Column("holding", sa.Boolean(), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "package_id"),
    )
    condition = sa.text("holding")
    op.create_index(
        "ix_exceptions_holding",
        "exceptions",
        ["tenant_id", "ends_at"],
        sqlite_where=condition,
        postgresql_where=condition,
    )
    op.create_table(
        "exception_uses",
        sa.Column("tenant_id", sa.String(), nullable=False),
        sa.Column("exception_id", sa.String(), nullable=False),
        sa.Column("package_id", sa.String(), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "exception_id", "package_id"),
    )
