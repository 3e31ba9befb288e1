"""What each person did with a package whose review has ended, and who is asked to look at one blindly.

Packages that ended before are counted again, and so get their judgments.
"""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"

_ENDED = ("approved", "consented", "overridden", "rejected", "taken_over", "expired", "cancelled", "revoked")
_PACKAGES = sa.table("packages", sa.column("status", sa.String()), sa.column("uncounted", sa.Boolean()))
_TIMES = ("decided_ms", "waiting_ms", "seen_ms", "reading_ms")


def upgrade() -> None:
    op.add_column("packages", sa.Column("judge", sa.String(), nullable=True))
    where = sa.text("judge IS NOT NULL")
    op.create_index("ix_packages_judge", "packages", ["tenant_id", "judge"], sqlite_where=where, postgresql_where=where)
    op.create_table(
        "judgments",
        *(sa.Column(name, sa.String(), nullable=False) for name in ("tenant_id", "package_id", "reviewer_id")),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided", sa.Boolean(), nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("judgment", "facts")),
        *(sa.Column(name, sa.Integer(), nullable=True) for name in _TIMES),
        sa.PrimaryKeyConstraint("tenant_id", "package_id", "reviewer_id"),
    )
    op.create_index("ix_judgments_reviewer", "judgments", ["tenant_id", "reviewer_id", "ended_at"])
    op.create_index("ix_judgments_time", "judgments", ["tenant_id", "ended_at"])
    op.execute(sa.update(_PACKAGES).where(_PACKAGES.c.status.in_(_ENDED)).values(uncounted=True))
