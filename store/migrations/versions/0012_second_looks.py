"""Columns for second looks and their verdicts, so that no query searches the JSON of states."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

# Within a JSON text, no quote stands unescaped: no value of an agent's looks like these.
_FILL = """UPDATE packages SET sampled = TRUE, verdict = CASE
        WHEN state LIKE '%"verdict":"sound"%' THEN 'sound'
        WHEN state LIKE '%"verdict":"unsound"%' THEN 'unsound'
    END
    WHERE state LIKE '%"sampled":true%'"""


def upgrade() -> None:
    op.add_column("packages", sa.Column("sampled", sa.Boolean(), nullable=False, server_default=sa.text("FALSE")))
    op.add_column("packages", sa.Column("verdict", sa.String(), nullable=True))
    op.execute(sa.text(_FILL.replace(":", r"\:")))
    where = sa.text("sampled")
    columns = ["tenant_id", "decided_at", "verdict"]
    op.create_index("ix_packages_sampled", "packages", columns, sqlite_where=where, postgresql_where=where)
