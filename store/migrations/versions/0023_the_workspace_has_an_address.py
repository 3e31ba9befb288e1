"""The address of the workspace, for links to cards while Slack is away."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    op.add_column("installation", sa.Column("workspace_url", sa.Text()))
