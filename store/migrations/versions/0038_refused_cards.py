"""Whether Slack has refused a card for its place or its text, which is no outage."""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"


def upgrade() -> None:
    op.add_column("cards", sa.Column("refused", sa.Boolean(), nullable=False, server_default=sa.text("FALSE")))
