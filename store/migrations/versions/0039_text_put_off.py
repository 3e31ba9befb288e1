"""Whether a mail server has refused the text of a mail for now."""

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"


def upgrade() -> None:
    op.add_column("callbacks", sa.Column("text_put_off", sa.Boolean(), nullable=False, server_default=sa.text("FALSE")))
