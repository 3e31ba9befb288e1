"""The agents and action types of exceptions that hold, so that a submission finds those that concern it by an index."""

import json
from itertools import product

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0033"

_HOLDING = sa.text(
    "SELECT p.tenant_id, p.package_id, p.state FROM exceptions e "
    "JOIN packages p ON p.tenant_id = e.tenant_id AND p.package_id = e.package_id WHERE e.holding"
)


def upgrade() -> None:
    names = ("tenant_id", "agent_id", "action_type", "exception_id")
    reach = op.create_table(
        "exception_reach",
        *(sa.Column(name, sa.String(), nullable=False) for name in names),
        sa.PrimaryKeyConstraint(*names),
    )
    for tenant_id, package_id, state in op.get_bind().execute(_HOLDING).all():
        exception = json.loads(state)["exception"]
        agents, action_types = dict.fromkeys(exception["agents"]), dict.fromkeys(exception["action_types"])
        reached = product([tenant_id], agents, action_types, [package_id])
        op.bulk_insert(reach, [dict(zip(names, row, strict=True)) for row in reached])
