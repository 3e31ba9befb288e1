"""A table of each No of a person (`rules.state.noes`), filled with those before this migration."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_COLUMNS = """INSERT INTO noes (tenant_id, event_id, package_id, agent_id, action_type, subject_digest, action_digest,
    verb, reviewer_id, at, settled)"""
_VERSION = "versions.tenant_id = packages.tenant_id AND versions.package_id = packages.package_id"
# An objection that was followed by the approval of the same version is settled.
_REJECTED_AND_OBJECTED = f"""{_COLUMNS}
    SELECT votes.tenant_id, votes.event_id, votes.package_id, packages.agent_id, lower(packages.action_type),
        packages.subject_digest, versions.action_digest, votes.decision, votes.reviewer_id, votes.at,
        votes.decision = 'object' AND packages.status = 'approved' AND packages.version = votes.version
    FROM votes
    JOIN packages ON packages.tenant_id = votes.tenant_id AND packages.package_id = votes.package_id
    JOIN versions ON {_VERSION} AND versions.version = votes.version
    WHERE votes.decision IN ('reject', 'object')"""  # noqa: S608 - constants of this file
_REVOKED = f"""{_COLUMNS}
    SELECT events.tenant_id, events.event_id, events.package_id, packages.agent_id, lower(packages.action_type),
        packages.subject_digest, versions.action_digest, 'revoke', events.actor, events.occurred_at, FALSE
    FROM events
    JOIN packages ON packages.tenant_id = events.tenant_id AND packages.package_id = events.package_id
    JOIN versions ON {_VERSION} AND versions.version = packages.version
    WHERE packages.status = 'revoked' AND events.event_type = 'package.revoked'"""  # noqa: S608 - constants of this file


def upgrade() -> None:
    op.create_table(
        "noes",
        sa.Column("tenant_id", sa.String(), nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("package_id", sa.String(), nullable=False),
        sa.Column("agent_id", sa.String(), nullable=False),
        sa.Column("action_type", sa.String(), nullable=False),
        sa.Column("subject_digest", sa.String(), nullable=True),
        sa.Column("action_digest", sa.String(), nullable=False),
        sa.Column("verb", sa.String(), nullable=False),
        sa.Column("reviewer_id", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "event_id"),
    )
    op.create_index("ix_noes_action", "noes", ["tenant_id", "action_digest", "at"], unique=False)
    op.create_index("ix_noes_type", "noes", ["tenant_id", "agent_id", "action_type", "at"], unique=False)
    op.create_table(
        "asked_addresses",
        sa.Column("tenant_id", sa.String(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "reference"),
    )
    op.execute(_REJECTED_AND_OBJECTED)
    op.execute(_REVOKED)
