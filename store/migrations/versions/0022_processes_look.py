"""Whether a process has tried to reach Slack since its start. Until then it does not know whether Slack is away."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    op.add_column("presences", sa.Column("has_looked", sa.Boolean(), nullable=False, server_default=sa.text("FALSE")))
