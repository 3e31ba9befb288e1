"""Indexes hold only the rows that are looked up by them. Their conditions are quick to check."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

_OPEN = "(status = 'pending' OR status = 'revision_requested' OR status = 'evidence_requested' OR status = 'deferred')"
_WAITS = "(level = 'soft_approval' OR level = 'hard_approval' OR level = 'human_takeover')"
_INDEXES = (
    ("ix_packages_due", "packages", ["tenant_id", "due_at"], "due_at IS NOT NULL"),
    (
        "ix_packages_subject",
        "packages",
        ["tenant_id", "action_type", "subject_digest", "updated_at"],
        "subject_digest IS NOT NULL",
    ),
    (
        "ix_packages_thread",
        "packages",
        ["tenant_id", "agent_id", "thread_id", "created_at", "package_id"],
        "thread_id IS NOT NULL",
    ),
    ("ix_packages_open", "packages", ["tenant_id", "agent_id"], _OPEN),
    ("ix_versions_waiting", "versions", ["tenant_id", "agent_id", "created_at"], _WAITS),
)


def upgrade() -> None:
    for name, table, columns, where in _INDEXES:
        op.drop_index(name, table)
        op.create_index(name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))
