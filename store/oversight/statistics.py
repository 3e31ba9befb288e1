"""Counts what waits, and the facts of the packages that ended in a period. `rules.oversight` computes the measures.

The database counts packages with the same facts together, with the same SQL on SQLite and PostgreSQL.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import chain
from typing import Any

from sqlalchemy import ColumnElement, Connection, case, func, literal, select

from rules.oversight.measures import Counted, Figures, compute_figures, compute_times
from rules.oversight.outcomes import DecisionTimes, Facts
from rules.oversight.statistics import Group, Grouping, Statistics, Week, weeks_between
from store.agents.agents import agent_names
from store.installation.tenancy import read_tenant_id
from store.oversight.outcomes import OUTCOMES
from store.packages.queue import count_waiting

_COLUMNS: Mapping[Grouping | None, ColumnElement[Any]] = {
    None: literal(""),
    Grouping.AGENT: OUTCOMES.c.agent_id,
    Grouping.TYPE: OUTCOMES.c.action_type,
    Grouping.ROLE: OUTCOMES.c.role,
    Grouping.TIER: OUTCOMES.c.risk,
}
_TIMES = tuple(OUTCOMES.c[name] for name in DecisionTimes._fields)


def load_statistics(connection: Connection, since: datetime, until: datetime, by: Grouping | None = None) -> Statistics:
    """Each package is read once, also if the measures are divided: the groups add up to the whole."""
    tenant_id = read_tenant_id(connection)
    weeks = weeks_between(since, until)
    key = _week_of(weeks) if by is Grouping.WEEK else _COLUMNS[by]
    within = (OUTCOMES.c.tenant_id == tenant_id, OUTCOMES.c.ended_at > since, OUTCOMES.c.ended_at <= until)
    counted, times = _count(connection, key, within), _read_times(connection, key, within)
    figures = {name: compute_figures(counts, compute_times(times[name])) for name, counts in counted.items()}
    names = agent_names(connection, tenant_id) if by is Grouping.AGENT else {}
    groups = [Group(name=names.get(name, name), figures=figures[name]) for name in _in_order(figures, weeks)]
    total = compute_figures(chain(*counted.values()), compute_times([*chain(*times.values())]))
    return Statistics(
        since=since,
        until=until,
        pending=count_waiting(connection, tenant_id, until),
        figures=total,
        by=by,
        groups=tuple(groups) if by else (),
    )


def _in_order(figures: Mapping[str, Figures], weeks: Sequence[Week]) -> list[str]:
    """Weeks as they follow each other, all else with the most packages first."""
    place = {week.name: place for place, week in enumerate(weeks)}
    return sorted(figures, key=lambda name: (place.get(name, 0), -figures[name].ended, name))


def _week_of(weeks: Sequence[Week]) -> ColumnElement[Any]:
    *earlier, last = weeks
    if not earlier:
        return literal(last.name)
    return case(*((OUTCOMES.c.ended_at < week.end, week.name) for week in earlier), else_=last.name)


def _count(
    connection: Connection, key: ColumnElement[Any], within: tuple[ColumnElement[bool], ...]
) -> dict[str, list[Counted]]:
    name, facts = key.label("name"), OUTCOMES.c.facts
    query = select(name, facts, func.count()).where(*within).group_by("name", facts)
    counted: dict[str, list[Counted]] = defaultdict(list)
    for group, words, count in connection.execute(query):
        counted[group].append(Counted(Facts.from_words(words), count))
    return counted


def _read_times(
    connection: Connection, key: ColumnElement[Any], within: tuple[ColumnElement[bool], ...]
) -> dict[str, list[Sequence[int]]]:
    """All of them: sorting them here is faster than window functions, and the same on both databases."""
    times: dict[str, list[Sequence[int]]] = defaultdict(list)
    query = select(key, *_TIMES).where(*within, OUTCOMES.c.decided_ms.is_not(None))
    for row in connection.execute(query):
        times[row[0]].append(row[1:])
    return times
