"""The database allows content to be emptied, but not to be changed."""

from alembic import op

from store.migrations import append_only

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    append_only.protect_content(op.get_bind())
