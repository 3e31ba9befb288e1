"""The installation's row names the policy in force, so that all replicas use the same one."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

# Earlier releases did not record which text was in force last: the newest one is the best evidence there is.
_NEWEST = """
UPDATE installation SET policy_digest = (
    SELECT digest FROM policies WHERE policies.tenant_id = installation.tenant_id
    ORDER BY first_used_at DESC LIMIT 1
)
"""


def upgrade() -> None:
    op.add_column("installation", sa.Column("policy_digest", sa.String(), nullable=True))
    op.execute(_NEWEST)
