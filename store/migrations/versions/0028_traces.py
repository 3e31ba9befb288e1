"""The trace in which an agent submitted a package."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0026"


def upgrade() -> None:
    op.add_column("packages", sa.Column("traceparent", sa.String(), nullable=True))
    op.add_column("packages", sa.Column("tracestate", sa.Text(), nullable=True))
