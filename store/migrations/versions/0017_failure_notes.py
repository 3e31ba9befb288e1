"""Which note of a card's thread asks what to do about a failure: its buttons go once that is answered."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.add_column("cards", sa.Column("failure_ts", sa.String(), nullable=True))
