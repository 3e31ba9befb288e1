"""Exceptions to rules: which may hold, which were asked for or have ended, and how often each was used.

If the policy allows exceptions to any rule, a submission reads those that were granted for its agent, type and subject:
one search in an index, which finds nothing in most cases. A claim and a consent read those that the package cites. What
is read so is locked until the commit: once a revocation was answered, no decision still relies on the exception.
Exceptions are locked in the order of their ids, so that no two transactions wait for each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import product
from typing import NamedTuple

from sqlalchemy import Connection, and_, bindparam, delete, func, insert, or_, select, text, update

from rules.state.model import PackageState, Status
from store.engine.batch import Batch
from store.engine.statements import fetch_all
from store.packages.packages import PACKAGES
from store.packages.states import parse_state
from store.schema.exception_tables import HOLDING, ExceptionReachRow, ExceptionRow, ExceptionUseRow
from store.schema.tables import core

EXCEPTIONS, USES, REACH = core(ExceptionRow), core(ExceptionUseRow), core(ExceptionReachRow)
MOST_HOLDING = 50  # for one agent, type and subject, the oldest first; further ones set no rule aside
MOST_LISTED = 200
ENDED_LATELY = timedelta(days=30)

_ADD, _ADD_USE = insert(EXCEPTIONS), insert(USES)
_CHANGE = (
    update(EXCEPTIONS)
    .where(EXCEPTIONS.c.tenant_id == bindparam("tenant"), EXCEPTIONS.c.package_id == bindparam("package"))
    .values({name: bindparam(name) for name in ("holding", "ends_at", "changed_at")})
)
_OF_PACKAGE = and_(EXCEPTIONS.c.tenant_id == PACKAGES.c.tenant_id, EXCEPTIONS.c.package_id == PACKAGES.c.package_id)
_GRANTED = (
    select(PACKAGES.c.state)
    .join_from(EXCEPTIONS, PACKAGES, _OF_PACKAGE)
    .where(EXCEPTIONS.c.tenant_id == bindparam("tenant"), text(HOLDING))
    .order_by(EXCEPTIONS.c.ends_at, EXCEPTIONS.c.package_id)
)
_ADD_REACH = insert(REACH)
_END_REACH = delete(REACH).where(
    REACH.c.tenant_id == bindparam("tenant"), REACH.c.exception_id == bindparam("exception")
)
_GRANTED_LOCKED = (
    select(PACKAGES.c.state)
    .join_from(
        REACH, PACKAGES, and_(REACH.c.tenant_id == PACKAGES.c.tenant_id, REACH.c.exception_id == PACKAGES.c.package_id)
    )
    .where(
        REACH.c.tenant_id == bindparam("tenant"),
        REACH.c.agent_id == bindparam("agent"),
        REACH.c.action_type == bindparam("action_type"),
        or_(PACKAGES.c.subject_digest.is_(None), PACKAGES.c.subject_digest == bindparam("subject")),
    )
    .order_by(PACKAGES.c.package_id)
    .limit(MOST_HOLDING)
    .with_for_update(read=True, of=PACKAGES)
)
_CITED_LOCKED = (
    select(PACKAGES.c.state)
    .where(
        PACKAGES.c.tenant_id == bindparam("tenant"),
        PACKAGES.c.package_id.in_(bindparam("packages", expanding=True)),
    )
    .order_by(PACKAGES.c.package_id)
    .with_for_update(read=True)
)


def write_exceptions(batch: Batch, before: PackageState | None, after: PackageState) -> None:
    """Write what this package asks for, and which exceptions it used."""
    is_stored = before is not None and before.exception is not None
    if after.exception and not is_stored:
        batch.execute(_ADD, {"tenant_id": after.tenant_id, "package_id": after.decision_package_id, **_row(after)})
    elif is_stored:
        batch.execute(_CHANGE, {"tenant": after.tenant_id, "package": after.decision_package_id, **_row(after)})
    _write_reach(batch, before, after)
    stored_uses = {use.exception_id for use in before.exception_uses} if before else set()
    for exception_id in dict.fromkeys(use.exception_id for use in after.exception_uses):
        if exception_id not in stored_uses:
            batch.execute(_ADD_USE, _use(after, exception_id))


def _write_reach(batch: Batch, before: PackageState | None, after: PackageState) -> None:
    """A row for each agent and action type that a granted exception names, until it ends."""
    was_granted = before is not None and before.is_granted_exception
    if after.exception is None or was_granted is after.is_granted_exception:
        return
    key = {"tenant_id": after.tenant_id, "exception_id": after.decision_package_id}
    if was_granted:
        batch.execute(_END_REACH, {"tenant": after.tenant_id, "exception": after.decision_package_id})
        return
    # An earlier release recorded a type twice if the agent named it twice.
    for agent_id, action_type in dict.fromkeys(product(after.exception.agents, after.exception.action_types)):
        batch.execute(_ADD_REACH, {**key, "agent_id": agent_id, "action_type": action_type})


def _row(state: PackageState) -> dict[str, object]:
    ends_at = state.exception.end if state.exception else state.updated_at
    return {"holding": state.is_granted_exception, "ends_at": ends_at, "changed_at": state.updated_at}


def _use(state: PackageState, exception_id: str) -> dict[str, object]:
    return {
        "tenant_id": state.tenant_id,
        "exception_id": exception_id,
        "package_id": state.decision_package_id,
        "used_at": state.updated_at,
    }


def lock_granted_exceptions(
    connection: Connection, tenant_id: str, agent_id: str, action_type: str, subject_digest: str | None
) -> tuple[PackageState, ...]:
    """The exceptions granted for this agent, type and subject that have not ended, locked until the commit."""
    values = {"tenant": tenant_id, "agent": agent_id, "action_type": action_type, "subject": subject_digest}
    return tuple(parse_state(row.state) for row in fetch_all(connection, _GRANTED_LOCKED, values))


def lock_cited_exceptions(connection: Connection, tenant_id: str, state: PackageState) -> tuple[PackageState, ...]:
    """The exceptions that this package cites, whether they hold or not, locked until the commit."""
    cited = sorted({use.exception_id for use in state.exception_uses})
    if not cited:
        return ()
    rows = connection.execute(_CITED_LOCKED, {"tenant": tenant_id, "packages": cited})
    return tuple(parse_state(row.state) for row in rows)


def load_granted_exceptions(connection: Connection, tenant_id: str) -> list[PackageState]:
    """The exceptions that were granted and have not ended, whether they hold today or not."""
    return [parse_state(row.state) for row in connection.execute(_GRANTED, {"tenant": tenant_id})]


class ListedException(NamedTuple):
    """An exception, and how many packages used it."""

    state: PackageState
    uses: int


_LISTED = (
    select(PACKAGES.c.state, func.count(USES.c.package_id).label("uses"))
    .join_from(EXCEPTIONS, PACKAGES, _OF_PACKAGE)
    .join(
        USES,
        and_(USES.c.tenant_id == EXCEPTIONS.c.tenant_id, USES.c.exception_id == EXCEPTIONS.c.package_id),
        isouter=True,
    )
    .where(
        EXCEPTIONS.c.tenant_id == bindparam("tenant"),
        or_(
            text(HOLDING),
            PACKAGES.c.status.in_([status.value for status in Status if not status.terminal]),
            EXCEPTIONS.c.changed_at > bindparam("since", type_=EXCEPTIONS.c.changed_at.type),
        ),
    )
    .group_by(PACKAGES.c.tenant_id, PACKAGES.c.package_id, EXCEPTIONS.c.holding, EXCEPTIONS.c.changed_at)
    .order_by(EXCEPTIONS.c.holding.desc(), EXCEPTIONS.c.changed_at.desc())
    .limit(MOST_LISTED)
)


def list_exceptions(connection: Connection, tenant_id: str, now: datetime) -> Sequence[ListedException]:
    """The exceptions that hold, that are asked for, and that were refused or ended lately."""
    rows = connection.execute(_LISTED, {"tenant": tenant_id, "since": now - ENDED_LATELY})
    return [ListedException(parse_state(row.state), row.uses) for row in rows]
