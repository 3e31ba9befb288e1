"""Whether a mail server has refused the words of agents and people in a mail."""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"


def upgrade() -> None:
    op.add_column(
        "callbacks", sa.Column("words_refused", sa.Boolean(), nullable=False, server_default=sa.text("FALSE"))
    )
