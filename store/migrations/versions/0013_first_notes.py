"""Whether a card's thread has a note: the first one says that replies there are not read."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.add_column("cards", sa.Column("has_notes", sa.Boolean(), nullable=False, server_default=sa.text("FALSE")))
