"""Counts what waits, and the facts of the packages that ended in a period. `rules.oversight` computes the measures.

The database joins the facts and the times of each group into texts, with the same SQL on SQLite and PostgreSQL.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, String, Table, case, cast, func, literal, select

from rules.oversight.judgments import DecisionTimes
from rules.oversight.measures import Counted, Figures, compute_figures, compute_times
from rules.oversight.outcomes import Facts
from rules.oversight.statistics import Group, Grouping, Statistics, Week, weeks_between
from store.agents.agents import agent_names
from store.installation.directory import people_names
from store.installation.tenancy import read_tenant_id
from store.oversight.outcomes import JUDGMENTS, OUTCOMES
from store.packages.queue import count_waiting

_COLUMNS: Mapping[Grouping | None, ColumnElement[Any]] = {
    Grouping.AGENT: OUTCOMES.c.agent_id,
    Grouping.TYPE: OUTCOMES.c.action_type,
    Grouping.ROLE: OUTCOMES.c.role,
    Grouping.TIER: OUTCOMES.c.risk,
    Grouping.REVIEWER: JUDGMENTS.c.reviewer_id,
}


def load_statistics(connection: Connection, since: datetime, until: datetime, by: Grouping | None = None) -> Statistics:
    """Load the measures of a period, also by group if `by` is given. Each package counts in one group.

    By reviewer it can count in several, because several people decide a package together. Then call
    `record_names_read` before.
    """
    tenant_id = read_tenant_id(connection)
    weeks = weeks_between(since, until)
    key = _week_of(weeks) if by is Grouping.WEEK else _COLUMNS.get(by)
    within = _Within(OUTCOMES, tenant_id, since, until)
    of_groups = within._replace(table=JUDGMENTS) if by is Grouping.REVIEWER else within
    tallies = _tally(connection, key, of_groups)
    whole = _tally(connection, None, within) if by is Grouping.REVIEWER else tallies
    return Statistics(
        since=since,
        until=until,
        pending=count_waiting(connection, tenant_id, until),
        figures=_figures(whole.values()),
        by=by,
        groups=_groups(tallies, _names(connection, tenant_id, by), weeks) if by else (),
    )


class _Within(NamedTuple):
    """The rows of a period: of outcomes, or the judgments by which people decided."""

    table: Table
    tenant_id: str
    since: datetime
    until: datetime

    @property
    def conditions(self) -> Iterator[ColumnElement[bool]]:
        columns = self.table.c
        yield from (columns.tenant_id == self.tenant_id, columns.ended_at > self.since, columns.ended_at <= self.until)
        if self.table is JUDGMENTS:
            yield columns.decided


def _names(connection: Connection, tenant_id: str, by: Grouping | None) -> Mapping[str, str]:
    if by is Grouping.REVIEWER:
        return people_names(connection, tenant_id)
    return agent_names(connection, tenant_id) if by is Grouping.AGENT else {}


def _groups(tallies: Mapping[str, _Tally], names: Mapping[str, str], weeks: Sequence[Week]) -> tuple[Group, ...]:
    """Weeks as they follow each other, all else with the most packages first."""
    figures = {key: _figures([tally]) for key, tally in tallies.items()}
    place = {week.name: place for place, week in enumerate(weeks)}
    in_order = sorted(figures, key=lambda key: (place.get(key, 0), -figures[key].ended, key))
    return tuple(Group(name=names.get(key, key), figures=figures[key]) for key in in_order)


def _week_of(weeks: Sequence[Week]) -> ColumnElement[Any]:
    *earlier, last = weeks
    if not earlier:
        return literal(last.name)
    return case(*((OUTCOMES.c.ended_at < week.end, week.name) for week in earlier), else_=last.name)


class _Tally(NamedTuple):
    """How many packages of a group have the same facts, which are words here; and its times, each part sorted."""

    packages: Counter[str]
    times: tuple[list[int], ...]


def _figures(tallies: Collection[_Tally]) -> Figures:
    packages, times = Counter[str](), zip(*(tally.times for tally in tallies), strict=True)
    for tally in tallies:
        packages.update(tally.packages)
    counted = [Counted(Facts.from_words(words), count) for words, count in packages.items()]
    return compute_figures(counted, compute_times(list(times)))


def _tally(connection: Connection, key: ColumnElement[Any] | None, within: _Within) -> dict[str, _Tally]:
    """Each group comes as one row of texts: to group by its facts too, or to read a row for each package, is slower."""
    columns = within.table.c
    times = (cast(columns[part], String) for part in DecisionTimes._fields)
    texts = (func.aggregate_strings(column, ",") for column in (columns.facts, *times))
    name, group_by = (literal(""), ()) if key is None else (key.label("name"), ("name",))
    query = select(name, *texts).where(*within.conditions).group_by(*group_by)
    return {
        group: _Tally(Counter(words.split(",")), tuple(map(_sort_times, times)))
        for group, words, *times in connection.execute(query)
        if words  # without a key there is one row also if there is no package
    }


def _sort_times(text: str | None) -> list[int]:
    return sorted(map(int, text.split(","))) if text else []
