"""Counts an agent's recent requests in the query that loads its row, so no further statement is needed.

Only limited quantities are counted, so the cost depends on the limit, not on the traffic. On PostgreSQL, concurrent
transactions do not see each other's rows, so a limit may be exceeded by their number.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, bindparam, case, func, literal_column, select, text

from rules.people.agent_keys import UNLIMITED, Load, Rates
from store.engine.statements import Values, fetch_all
from store.packages.packages import PACKAGES
from store.schema.agent_tables import AgentRow
from store.schema.tables import OPEN, WAITS, VersionRow, core

AGENTS, VERSIONS = core(AgentRow), core(VersionRow)


def _of_agent(column: ColumnElement[Any], table: Table) -> Select[Any]:
    return select(column).where(table.c.tenant_id == bindparam("tenant"), table.c.agent_id == bindparam("agent"))


def _recent(column: ColumnElement[Any], table: Table) -> Select[Any]:
    return _of_agent(column, table).where(table.c.created_at > bindparam("since", type_=table.c.created_at.type))


def _count_if(query: Select[Any], is_counted: ColumnElement[bool]) -> ColumnElement[int]:
    """Databases skip the subquery if the case does not need it."""
    return case((is_counted, query.scalar_subquery()), else_=_NOTHING)


_NOTHING: ColumnElement[int] = literal_column("0")
_UNLIMITED: ColumnElement[int] = literal_column(str(UNLIMITED))
_IS_WAITING = text(WAITS)

COLUMNS = (
    _count_if(
        _recent(func.count(), VERSIONS).where(_IS_WAITING), AGENTS.c.per_minute.is_distinct_from(_UNLIMITED)
    ).label("waiting"),
    _count_if(_recent(func.count(), PACKAGES), AGENTS.c.per_minute != _UNLIMITED).label("new"),
    _count_if(
        _of_agent(func.count(), PACKAGES).where(text(OPEN)), AGENTS.c.max_open.is_distinct_from(_UNLIMITED)
    ).label("open"),
)
_WAITING_SINCE = _recent(func.min(VERSIONS.c.created_at).label("since"), VERSIONS).where(_IS_WAITING)
_NEW_SINCE = _recent(func.min(PACKAGES.c.created_at).label("since"), PACKAGES)


def count_load(connection: Connection, row: Any, rates: Rates, key: Values) -> Load:
    """The start of the period is needed only if a limit is reached, to tell when there is room again."""
    is_full = bool(rates.waiting) and row.waiting >= rates.waiting
    is_full_new = bool(rates.new) and row.new >= rates.new
    return Load(
        waiting=row.waiting,
        waiting_since=_since(connection, _WAITING_SINCE, key) if is_full else None,
        new=row.new,
        new_since=_since(connection, _NEW_SINCE, key) if is_full_new else None,
        open=row.open,
    )


def _since(connection: Connection, query: Select[Any], key: Values) -> datetime | None:
    since: datetime | None = fetch_all(connection, query, key)[0].since
    return since


_OPEN = _of_agent(func.count().label("open"), PACKAGES).where(text(OPEN))


def count_open_of_agent(connection: Connection, tenant_id: str, agent_id: str) -> int:
    """How many packages of this agent are open."""
    return int(fetch_all(connection, _OPEN, {"tenant": tenant_id, "agent": agent_id})[0].open)
