"""Why a receiver of the feed refuses the next event of a chain."""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"


def upgrade() -> None:
    op.add_column("feed_positions", sa.Column("error", sa.Text(), nullable=True))
