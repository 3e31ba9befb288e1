"""Marks packages whose outcome is not counted yet, also those that an older release ended without counting them."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"

_ENDED = ("approved", "consented", "overridden", "rejected", "taken_over", "expired", "cancelled", "revoked")
_PACKAGES = sa.table(
    "packages",
    *(sa.column(name, sa.String()) for name in ("tenant_id", "package_id", "status")),
    sa.column("uncounted", sa.Boolean()),
)
_OUTCOMES = sa.table("outcomes", sa.column("tenant_id", sa.String()), sa.column("package_id", sa.String()))
_HAS_OUTCOME = sa.exists().where(
    _OUTCOMES.c.tenant_id == _PACKAGES.c.tenant_id, _OUTCOMES.c.package_id == _PACKAGES.c.package_id
)


def upgrade() -> None:
    op.add_column("packages", sa.Column("uncounted", sa.Boolean(), nullable=False, server_default=sa.text("FALSE")))
    op.execute(sa.update(_PACKAGES).where(_PACKAGES.c.status.in_(_ENDED), ~_HAS_OUTCOME).values(uncounted=True))
    where = sa.text("uncounted")
    op.create_index("ix_packages_uncounted", "packages", ["tenant_id"], sqlite_where=where, postgresql_where=where)
