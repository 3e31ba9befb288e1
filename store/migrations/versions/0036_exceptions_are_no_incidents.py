"""Packages that ask for exceptions are counted again: revoking an exception is no incident any more."""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"

_KEY = ("tenant_id", "package_id")
_PACKAGES = sa.table("packages", *map(sa.column, (*_KEY, "status")), sa.column("uncounted", sa.Boolean()))
_EXCEPTIONS = sa.table("exceptions", *map(sa.column, _KEY))


def upgrade() -> None:
    asks = sa.exists().where(*(_EXCEPTIONS.c[name] == _PACKAGES.c[name] for name in _KEY))
    counted = _PACKAGES.c.status.in_(("approved", "revoked"))
    op.execute(sa.update(_PACKAGES).where(counted, asks).values(uncounted=True))
