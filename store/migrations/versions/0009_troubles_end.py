"""When a trouble was over: it is kept until the admins were told so."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.add_column("troubles", sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True))
