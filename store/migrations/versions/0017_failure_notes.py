"""The note in a card's thread that asks what to do about a failure. Its buttons are removed after the answer."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.add_column("cards", sa.Column("failure_ts", sa.String(), nullable=True))
