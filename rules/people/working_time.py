"""Sets of half-open time spans: union, intersection, difference, and the working time of a role.

Results are sorted, disjoint and in UTC. Arguments need not be, but for those of `moment_after`, and empty spans are
ignored. UTC is needed because Python compares and subtracts two times of one zone by the wall clock, which is wrong
when the clock changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from operator import itemgetter
from zoneinfo import ZoneInfo

from rules.policy.roles import WorkingHours

Span = tuple[datetime, datetime]
Spans = tuple[Span, ...]

_WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = timedelta(days=1)


def union(*several: Iterable[Span]) -> Spans:
    """The time in any of these."""
    return _sweep(any, several)


def intersection(*several: Iterable[Span]) -> Spans:
    """The time in all of these."""
    return _sweep(all, several)


def subtract(spans: Iterable[Span], excluded: Iterable[Span]) -> Spans:
    """The time in `spans` that is not in `excluded`."""
    return _sweep(lambda depths: depths[0] > 0 and not depths[1], (spans, excluded))


def total_duration(spans: Iterable[Span]) -> timedelta:
    """The total length; overlapping time counts once."""
    return sum((end - begin for begin, end in union(spans)), timedelta())


def moment_after(spans: Iterable[Span], length: timedelta) -> datetime | None:
    """The moment at which these sorted, disjoint spans add up to this length, if they do."""
    for begin, end in spans:
        if length <= end - begin:
            return begin + length
        length -= end - begin
    return None


def working_spans(hours: WorkingHours | None, begin: datetime, end: datetime) -> Spans:
    """The working time between two moments; without hours, all of it."""
    span = ((begin, end),)
    return union(span) if hours is None else intersection(span, _shifts(hours, begin, end))


def _sweep(holds: Callable[[Sequence[int]], bool], several: Sequence[Iterable[Span]]) -> Spans:
    """The stretches in which `holds` is true of the depths: how many spans of each set cover the moment."""
    edges = sorted(edge for index, spans in enumerate(several) for edge in _edges(index, spans))
    depths, stretches = [0] * len(several), list[Span]()
    since: datetime | None = None
    for moment, at_moment in groupby(edges, key=itemgetter(0)):
        for _, index, step in at_moment:
            depths[index] += step
        matches = holds(depths)
        if matches and since is None:
            since = moment
        elif not matches and since is not None:
            stretches.append((since, moment))
            since = None
    return tuple(stretches)


def _edges(index: int, spans: Iterable[Span]) -> Iterator[tuple[datetime, int, int]]:
    """Where a span of this set begins (+1) or ends (-1)."""
    for span in spans:
        begin, end = (moment.astimezone(UTC) for moment in span)
        if begin < end:
            yield begin, index, +1
            yield end, index, -1


def _shifts(hours: WorkingHours, begin: datetime, end: datetime) -> Iterator[Span]:
    """The hours of each working day, in their own time zone."""
    zone = ZoneInfo(hours.timezone)
    day, last = begin.astimezone(zone).date(), end.astimezone(zone).date()
    while day <= last:
        if _WEEK[day.weekday()] in hours.days and day not in hours.holidays:
            yield max(_possible_moments(day, hours.start, zone)), min(_possible_moments(day, hours.end, zone))
        day += _DAY


def _possible_moments(day: date, at: time, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The moments that this time of day can mean: two different ones if the clock changes then.

    The shift starts at the later and ends at the earlier one: nobody is expected to work a repeated or skipped hour.
    """
    earlier, later = (datetime.combine(day, at, zone).replace(fold=fold) for fold in (0, 1))
    return earlier.astimezone(UTC), later.astimezone(UTC)
