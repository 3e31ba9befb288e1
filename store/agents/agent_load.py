"""How much an agent has asked lately: counted where its row is read, so that it costs no statement of its own.

Only what is bounded is counted, so the cost grows with the bound and not with the traffic. The counts are those of the
transaction that asks: on PostgreSQL, transactions that commit at the same moment do not see each other's, and a bound
may be exceeded by as many.
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


def _of_agent(what: ColumnElement[Any], table: Table) -> Select[Any]:
    return select(what).where(table.c.tenant_id == bindparam("tenant"), table.c.agent_id == bindparam("agent"))


def _lately(what: ColumnElement[Any], table: Table) -> Select[Any]:
    return _of_agent(what, table).where(table.c.created_at > bindparam("since", type_=table.c.created_at.type))


def _where(query: Select[Any], is_counted: ColumnElement[bool]) -> ColumnElement[int]:
    """Databases do not carry out the query where the case does not need it."""
    return case((is_counted, query.scalar_subquery()), else_=_NOTHING)


_NOTHING: ColumnElement[int] = literal_column("0")
_UNLIMITED: ColumnElement[int] = literal_column(str(UNLIMITED))
_IS_WAITING = text(WAITS)

COLUMNS = (
    _where(_lately(func.count(), VERSIONS).where(_IS_WAITING), AGENTS.c.per_minute.is_distinct_from(_UNLIMITED)).label(
        "waiting"
    ),
    _where(_lately(func.count(), PACKAGES), AGENTS.c.per_minute != _UNLIMITED).label("new"),
    _where(_of_agent(func.count(), PACKAGES).where(text(OPEN)), AGENTS.c.max_open.is_distinct_from(_UNLIMITED)).label(
        "open"
    ),
)
_WAITING_SINCE = _lately(func.min(VERSIONS.c.created_at).label("since"), VERSIONS).where(_IS_WAITING)
_NEW_SINCE = _lately(func.min(PACKAGES.c.created_at).label("since"), PACKAGES)


def count_load(connection: Connection, row: Any, rates: Rates, key: Values) -> Load:
    """Only an agent that reached a bound has to know when there is room again."""
    is_full = bool(rates.waiting) and row.waiting >= rates.waiting
    is_full_whole = bool(rates.new) and row.new >= rates.new
    return Load(
        waiting=row.waiting,
        waiting_since=_since(connection, _WAITING_SINCE, key) if is_full else None,
        new=row.new,
        new_since=_since(connection, _NEW_SINCE, key) if is_full_whole else None,
        open=row.open,
    )


def _since(connection: Connection, query: Select[Any], key: Values) -> datetime | None:
    since: datetime | None = fetch_all(connection, query, key)[0].since
    return since
