"""Names are compared without case, and events of Slack about people and groups apply in the order they happened."""

import json
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_LEVELS = ("full_auto", "notify_only", "soft_approval", "hard_approval", "human_takeover")
_PROFILES = sa.table("autonomy_profiles", *map(sa.column, ("tenant_id", "agent_id", "action_type", "body")))
_THREADS = sa.table("threads", *map(sa.column, ("tenant_id", "thread_id", "package_id")))


def upgrade() -> None:
    connection = op.get_bind()
    _fold_profiles(connection)
    _fold_threads(connection)
    op.add_column("installation", sa.Column("directory_read_at", sa.DateTime(timezone=True), nullable=True))
    for table in ("people", "group_members"):
        op.add_column(table, sa.Column("told_at", sa.DateTime(timezone=True), nullable=True))
        op.add_column(table, sa.Column("told_by", sa.String(), nullable=True))
    op.add_column("group_members", sa.Column("is_former", sa.Boolean(), nullable=True))
    op.create_table(
        "user_groups",
        sa.Column("tenant_id", sa.String(), nullable=False),
        sa.Column("group_id", sa.String(), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told_by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "group_id"),
    )


def _folded(name: str) -> str:
    visible = "".join(letter for letter in name if unicodedata.category(letter) != "Cf")
    lower = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", visible).casefold())
    return " ".join(lower.split())


def _fold_profiles(connection: sa.Connection) -> None:
    alike: defaultdict[tuple[str, ...], list[Any]] = defaultdict(list)
    for row in connection.execute(sa.select(_PROFILES)):
        alike[row.tenant_id, row.agent_id, _folded(row.action_type)].append(row)
    for (tenant_id, agent_id, action_type), rows in alike.items():
        if [row.action_type for row in rows] == [action_type]:
            continue
        body = json.dumps(_strictest([json.loads(row.body) for row in rows]))
        key = {"tenant_id": tenant_id, "agent_id": agent_id}
        spellings = _PROFILES.c.action_type.in_([row.action_type for row in rows])
        connection.execute(sa.delete(_PROFILES).filter_by(**key).where(spellings))
        connection.execute(sa.insert(_PROFILES).values(**key, action_type=action_type, body=body))


def _strictest(bodies: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What was earned under one spelling only counts for none; what went wrong under any counts for all."""
    failures = sorted(failed for body in bodies for failed in body.get("recent_failures", ()))
    return bodies[0] | {
        "current_level": max((body["current_level"] for body in bodies), key=_LEVELS.index),
        "consecutive_successes": min(body.get("consecutive_successes", 0) for body in bodies),
        "recent_failures": failures[-100:],
        "demoted_at": max((body["demoted_at"] for body in bodies if body.get("demoted_at")), default=None),
    }


def _fold_threads(connection: sa.Connection) -> None:
    for row in connection.execute(sa.select(_THREADS)).all():
        this = sa.update(_THREADS).where(*(_THREADS.c[name] == value for name, value in row._asdict().items()))
        connection.execute(this.values(thread_id=f"thread:{_folded(row.thread_id)}"))
