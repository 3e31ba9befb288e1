"""Exceptions to rules: which may hold, which were asked for or have ended, and how often each was used.

A submission reads those that may hold if the policy marks any rule; a claim and a consent read those that the package
cites. Their rows are locked until the commit, so that a revocation which was answered is effective.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, and_, bindparam, func, insert, or_, select, text, update

from rules.state.model import PackageState, Status
from store.engine.batch import Batch
from store.engine.statements import fetch_all
from store.packages.packages import PACKAGES
from store.packages.states import parse_state
from store.schema.exception_tables import HOLDING, ExceptionRow, ExceptionUseRow
from store.schema.tables import core

EXCEPTIONS, USES = core(ExceptionRow), core(ExceptionUseRow)
MOST_HOLDING = 500  # considered for one package; others do not count, so their rules speak
MOST_LISTED = 200
ENDED_LATELY = timedelta(days=30)

_ADD, _ADD_USE = insert(EXCEPTIONS), insert(USES)
_CHANGE = (
    update(EXCEPTIONS)
    .where(EXCEPTIONS.c.tenant_id == bindparam("tenant"), EXCEPTIONS.c.package_id == bindparam("package"))
    .values({name: bindparam(name) for name in ("holding", "ends_at", "changed_at")})
)
_OF_PACKAGE = and_(EXCEPTIONS.c.tenant_id == PACKAGES.c.tenant_id, EXCEPTIONS.c.package_id == PACKAGES.c.package_id)
_HOLDING = (
    select(PACKAGES.c.state)
    .join_from(EXCEPTIONS, PACKAGES, _OF_PACKAGE)
    .where(
        EXCEPTIONS.c.tenant_id == bindparam("tenant"),
        text(HOLDING),
        EXCEPTIONS.c.ends_at > bindparam("now", type_=EXCEPTIONS.c.ends_at.type),
    )
    .order_by(EXCEPTIONS.c.ends_at.desc())
    .limit(MOST_HOLDING)
)
_HOLDING_LOCKED = _HOLDING.with_for_update(read=True, of=PACKAGES)
_CITED_LOCKED = (
    select(PACKAGES.c.state)
    .where(
        PACKAGES.c.tenant_id == bindparam("tenant"),
        PACKAGES.c.package_id.in_(bindparam("packages", expanding=True)),
    )
    .with_for_update(read=True)
)


def write_exceptions(batch: Batch, before: PackageState | None, after: PackageState) -> None:
    """Write what this package asks for, and which exceptions it used."""
    asked = before is not None and before.exception is not None
    if after.exception and not asked:
        batch.execute(_ADD, {"tenant_id": after.tenant_id, "package_id": after.decision_package_id, **_row(after)})
    elif asked:
        batch.execute(_CHANGE, {"tenant": after.tenant_id, "package": after.decision_package_id, **_row(after)})
    known = {use.exception_id for use in before.exception_uses} if before else set()
    for exception_id in dict.fromkeys(use.exception_id for use in after.exception_uses):
        if exception_id not in known:
            batch.execute(_ADD_USE, _use(after, exception_id))


def _row(state: PackageState) -> dict[str, object]:
    ends_at = state.exception.until if state.exception else state.updated_at
    return {"holding": state.is_granted_exception, "ends_at": ends_at, "changed_at": state.updated_at}


def _use(state: PackageState, exception_id: str) -> dict[str, object]:
    return {
        "tenant_id": state.tenant_id,
        "exception_id": exception_id,
        "package_id": state.decision_package_id,
        "used_at": state.updated_at,
    }


def hold_exceptions(connection: Connection, tenant_id: str, now: datetime) -> tuple[PackageState, ...]:
    """The exceptions that may hold now, locked until the commit."""
    rows = fetch_all(connection, _HOLDING_LOCKED, {"tenant": tenant_id, "now": now})
    return tuple(parse_state(row.state) for row in rows)


def hold_cited_exceptions(connection: Connection, tenant_id: str, state: PackageState) -> tuple[PackageState, ...]:
    """The exceptions that this package cites, whether they hold or not, locked until the commit."""
    cited = sorted({use.exception_id for use in state.exception_uses})
    if not cited:
        return ()
    rows = connection.execute(_CITED_LOCKED, {"tenant": tenant_id, "packages": cited})
    return tuple(parse_state(row.state) for row in rows)


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
