"""Indexes of messages, which are few among the events: of a package by revision, and of a sender by time."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"

_IS_MESSAGE = "event_type = 'package.message'"
_INDEXES = (
    ("ix_events_messages", ["tenant_id", "package_id", "revision"]),
    ("ix_events_messages_of", ["tenant_id", "actor", "occurred_at"]),
)


def upgrade() -> None:
    where = sa.text(_IS_MESSAGE)
    for name, columns in _INDEXES:
        op.create_index(name, "events", columns, sqlite_where=where, postgresql_where=where)
