"""Packages can be found by the thread or run that stops them, so that the clock stops them with it."""

import json
from contextlib import suppress
from typing import Any, NamedTuple

import sqlalchemy as sa
from alembic import op

from rules.package.takeover_reach import followed_name

revision = "0016"
down_revision = "0015"

_PACKAGES = sa.table(
    "packages",
    *(sa.column(name, sa.String()) for name in ("tenant_id", "package_id", "thread_key", "state")),
    *(sa.column(name, sa.String()) for name in ("stop_name", "held_by", "followed")),
    sa.column("due_at", sa.DateTime(timezone=True)),
)
_RECORDS = sa.table(
    "thread_records",
    *(sa.column(name, sa.String()) for name in ("thread_key", "status")),
    sa.column("updated_at", sa.DateTime(timezone=True)),
    sa.column("due_at", sa.DateTime(timezone=True)),
)
_HELD = sa.select(_RECORDS.c.thread_key).where(_RECORDS.c.status == "held")
# The clock looks at whatever is open or permits something, unless its thread is held.
_STOPPABLE = sa.select(_PACKAGES).where(sa.or_(_PACKAGES.c.due_at.is_not(None), _PACKAGES.c.thread_key.in_(_HELD)))
_INDEXES = (
    ("ix_packages_stop_name", "packages", ["tenant_id", "stop_name"], "stop_name IS NOT NULL"),
    ("ix_packages_held_by", "packages", ["tenant_id", "held_by"], "held_by IS NOT NULL"),
    ("ix_packages_unnamed", "packages", ["tenant_id"], "thread_id IS NOT NULL AND thread_key IS NULL"),
    ("ix_thread_records_due", "thread_records", ["tenant_id", "due_at"], "due_at IS NOT NULL"),
    (
        "ix_events_checkpoints",
        "events",
        ["tenant_id", "actor", "occurred_at"],
        "event_type = 'thread.checkpoint_reported'",
    ),
)


class _Names(NamedTuple):
    thread_id: str | None
    run_id: str | None


def upgrade() -> None:
    for name in ("stop_name", "held_by", "followed"):
        op.add_column("packages", sa.Column(name, sa.String(), nullable=True))
    op.add_column("thread_records", sa.Column("due_at", sa.DateTime(timezone=True), nullable=True))
    connection = op.get_bind()
    for row in list(connection.execute(_STOPPABLE)):
        with suppress(ValueError):  # an unreadable state is reported where it is read
            this = (_PACKAGES.c.tenant_id == row.tenant_id, _PACKAGES.c.package_id == row.package_id)
            connection.execute(sa.update(_PACKAGES).where(*this).values(**_columns(row, json.loads(row.state))))
    stopped = sa.update(_RECORDS).where(_RECORDS.c.status != "running")
    connection.execute(stopped.values(due_at=_RECORDS.c.updated_at))
    for name, table, columns, condition in _INDEXES:
        where = sa.text(condition)
        op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)


def _columns(row: Any, state: dict[str, Any]) -> dict[str, str | None]:
    names = _Names(state.get("thread_id"), state.get("run_id"))
    return {"stop_name": followed_name(names), "held_by": row.thread_key if state.get("hold") else None}
