"""Threads have a record of their own, and packages are found by their thread whatever its spelling."""

import sqlalchemy as sa
from alembic import op

from rules.threads.model import thread_key

revision = "0014"
down_revision = "0013"

_PACKAGES = sa.table("packages", sa.column("thread_id", sa.String()), sa.column("thread_key", sa.String()))
_NAMES = sa.select(_PACKAGES.c.thread_id).where(_PACKAGES.c.thread_id.is_not(None)).distinct()


def upgrade() -> None:
    op.add_column("packages", sa.Column("thread_key", sa.String(), nullable=True))
    connection = op.get_bind()
    for name in list(connection.execute(_NAMES).scalars()):
        of_name = sa.update(_PACKAGES).where(_PACKAGES.c.thread_id == name)
        connection.execute(of_name.values(thread_key=thread_key(name)))
    where = sa.text("thread_key IS NOT NULL")
    columns = ["tenant_id", "thread_key", "created_at", "package_id"]
    op.create_index("ix_packages_thread_key", "packages", columns, sqlite_where=where, postgresql_where=where)
    op.create_table(
        "thread_records",
        sa.Column("tenant_id", sa.String(), nullable=False),
        sa.Column("thread_key", sa.String(), nullable=False),
        sa.Column("thread_id", sa.Text(), nullable=False),
        sa.Column("owner_agent", sa.String(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("head", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "thread_key"),
    )
    op.create_index("ix_thread_records_time", "thread_records", ["tenant_id", "updated_at"])
