"""Review tasks: one row for each rung of a package's escalation ladder, as the review queue needs them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import bindparam, insert, update

from rules.scales import HITLLevel
from rules.state.model import PackageState, Priority, Status
from store.engine.batch import Batch
from store.schema.tables import ReviewTaskRow, core

TASKS = core(ReviewTaskRow)

_RANK = {priority: rank for rank, priority in enumerate(Priority)}
_ADD = insert(TASKS)
_CHANGE = (
    update(TASKS)
    .where(TASKS.c.tenant_id == bindparam("tenant"), TASKS.c.review_task_id == bindparam("task"))
    .values({name: bindparam(name) for name in ("required_role", "priority", "open", "assigned_to", "due_at")})
)


def write_tasks(batch: Batch, before: PackageState | None, after: PackageState) -> None:
    """Keep at most one open task for each package: the current rung, while the package is pending."""
    if after.level <= HITLLevel.NOTIFY_ONLY:  # and so it always was: a level never falls
        return
    if before is None:
        batch.execute(_ADD, _identity(after) | _row(after))
        return
    if before.task is after.task and before.status is after.status:
        return
    if before.task.review_task_id == after.task.review_task_id:
        batch.execute(_CHANGE, _key(after) | _row(after))
        return
    batch.execute(_CHANGE, _key(before) | _row(before) | {"open": False})
    batch.execute(_ADD, _identity(after) | _row(after))


def _row(state: PackageState) -> dict[str, Any]:
    return {
        "required_role": state.task.required_role,
        "priority": _RANK[state.task.priority],
        "open": state.status is Status.PENDING,
        "assigned_to": state.task.assigned_to,
        "due_at": state.ends_at,
    }


def _key(state: PackageState) -> dict[str, Any]:
    return {"tenant": state.tenant_id, "task": state.task.review_task_id}


def _identity(state: PackageState) -> dict[str, Any]:
    return {
        "tenant_id": state.tenant_id,
        "review_task_id": state.task.review_task_id,
        "package_id": state.decision_package_id,
        "rung": state.task.rung,
        "created_at": state.task.created_at,
    }
