"""A process says whether it knows if clicks reach it."""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"


def upgrade() -> None:
    known: sa.Column[bool] = sa.Column("has_listened", sa.Boolean(), nullable=False, server_default=sa.text("TRUE"))
    op.add_column("presences", known)
