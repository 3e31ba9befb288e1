"""Every process knows whether mails are sent, and since when clicks or cards do not get through."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    op.add_column("installation", sa.Column("mails_until", sa.DateTime(timezone=True), nullable=True))
    op.add_column("presences", sa.Column("unheard_since", sa.DateTime(timezone=True), nullable=True))
    op.add_column("presences", sa.Column("undelivered_since", sa.DateTime(timezone=True), nullable=True))
