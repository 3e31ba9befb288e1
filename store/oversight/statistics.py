"""Counts what waits, and the facts of the packages that ended in a period. `rules.oversight` computes the measures.

The database counts packages with the same facts together, with the same SQL on SQLite and PostgreSQL.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain
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
    None: literal(""),
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
    key = _week_of(weeks) if by is Grouping.WEEK else _COLUMNS[by]
    within = _Within(OUTCOMES, tenant_id, since, until)
    of_groups = within._replace(table=JUDGMENTS) if by is Grouping.REVIEWER else within
    tallies = _tally(connection, key, of_groups)
    figures = {name: tally.figures for name, tally in tallies.items()}
    names = _names(connection, tenant_id, by)
    groups = [Group(name=names.get(name, name), figures=figures[name]) for name in _in_order(figures, weeks)]
    if by is Grouping.REVIEWER:
        tallies = _tally(connection, literal(""), within)
    return Statistics(
        since=since,
        until=until,
        pending=count_waiting(connection, tenant_id, until),
        figures=_merge([*tallies.values()]).figures,
        by=by,
        groups=tuple(groups) if by else (),
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


def _in_order(figures: Mapping[str, Figures], weeks: Sequence[Week]) -> list[str]:
    """Weeks as they follow each other, all else with the most packages first."""
    place = {week.name: place for place, week in enumerate(weeks)}
    return sorted(figures, key=lambda name: (place.get(name, 0), -figures[name].ended, name))


def _week_of(weeks: Sequence[Week]) -> ColumnElement[Any]:
    *earlier, last = weeks
    if not earlier:
        return literal(last.name)
    return case(*((OUTCOMES.c.ended_at < week.end, week.name) for week in earlier), else_=last.name)


class _Tally(NamedTuple):
    """The packages of a group, those with the same facts together; and each part of the times of all its decisions."""

    counted: list[Counted]
    times: tuple[list[int], ...]

    @property
    def figures(self) -> Figures:
        return compute_figures(self.counted, compute_times(self.times))


def _merge(tallies: Sequence[_Tally]) -> _Tally:
    parts = range(len(DecisionTimes._fields))
    times = tuple([*chain(*(tally.times[part] for tally in tallies))] for part in parts)
    return _Tally([*chain(*(tally.counted for tally in tallies))], times)


def _tally(connection: Connection, key: ColumnElement[Any], within: _Within) -> dict[str, _Tally]:
    """The times of a row are joined into one text, which is several times as fast as a row for each time."""
    columns = within.table.c
    name, times = key.label("name"), (columns[name] for name in DecisionTimes._fields)
    texts = (func.aggregate_strings(cast(column, String), ",") for column in times)
    query = select(name, columns.facts, func.count(), *texts).where(*within.conditions)
    tallies: dict[str, _Tally] = defaultdict(_new_tally)
    for group, words, count, *written in connection.execute(query.group_by("name", columns.facts)):
        tally = tallies[group]
        tally.counted.append(Counted(Facts.from_words(words), count))
        for part, text in zip(tally.times, written, strict=True):
            part.extend(map(int, text.split(",")) if text else ())
    return tallies


def _new_tally() -> _Tally:
    return _Tally([], tuple([] for _ in DecisionTimes._fields))
