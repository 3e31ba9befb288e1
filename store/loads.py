"""How much an agent has asked lately: counted where its row is read, so that it costs no statement of its own.

Only what is bounded is counted, so the cost grows with the bound and not with the traffic. The counts are those of the
transaction that asks: on PostgreSQL, proposals that commit at the same moment do not see one another, and a bound may
be exceeded by as many.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, Table, bindparam, case, func, literal, null, select, text

from rules.keys import UNLIMITED, Load
from store.packages import PACKAGES
from store.tables import OPEN, WAITS, AgentRow, VersionRow, core

AGENTS, VERSIONS = core(AgentRow), core(VersionRow)


def _of_agent(what: ColumnElement[Any], table: Table) -> Select[Any]:
    return select(what).where(table.c.tenant_id == bindparam("tenant"), table.c.agent_id == bindparam("agent"))


def _lately(what: ColumnElement[Any], table: Table) -> Select[Any]:
    return _of_agent(what, table).where(table.c.created_at > bindparam("since", type_=table.c.created_at.type))


def _where(query: Select[Any], is_counted: ColumnElement[bool], otherwise: ColumnElement[Any]) -> ColumnElement[Any]:
    """Databases do not carry out the query where the case does not need it."""
    return case((is_counted, query.scalar_subquery()), else_=otherwise)


_BOUNDED = func.coalesce(AGENTS.c.per_minute, -1) != UNLIMITED
_BOUNDED_WHOLE = func.coalesce(AGENTS.c.per_minute, UNLIMITED) != UNLIMITED
_BOUNDED_OPEN = func.coalesce(AGENTS.c.max_open, -1) != UNLIMITED
_WAITING = text(WAITS)

_NOTHING = literal(0)
COLUMNS = (
    _where(_lately(func.count(), VERSIONS).where(_WAITING), _BOUNDED, _NOTHING).label("waiting"),
    _where(_lately(func.min(VERSIONS.c.created_at), VERSIONS).where(_WAITING), _BOUNDED, null()).label("waiting_since"),
    _where(_lately(func.count(), PACKAGES), _BOUNDED_WHOLE, _NOTHING).label("new"),
    _where(_lately(func.min(PACKAGES.c.created_at), PACKAGES), _BOUNDED_WHOLE, null()).label("new_since"),
    _where(_of_agent(func.count(), PACKAGES).where(text(OPEN)), _BOUNDED_OPEN, _NOTHING).label("open"),
)


def load_of(row: Any) -> Load:
    return Load(row.waiting, row.waiting_since, row.new, row.new_since, row.open)
