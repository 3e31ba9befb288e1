"""A person can have two open mails: one about a takeover and one about all else."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    condition = sa.text("kind = 'mail' AND state = 'due'")
    op.drop_index("ix_callbacks_open_mail", "callbacks")
    op.create_index(
        "ix_callbacks_open_mail",
        "callbacks",
        ["tenant_id", "agent_id", "event_type"],
        unique=True,
        sqlite_where=condition,
        postgresql_where=condition,
    )
