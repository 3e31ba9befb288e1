"""When a trouble ended. It is kept until the admins know."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.add_column("troubles", sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True))
