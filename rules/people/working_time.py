"""Spans of time, half open: what they have in common, what they leave, and when a role is at work.

Whatever comes out is sorted, disjoint and in UTC; what goes in need not be, and what has no length is nothing. In UTC,
because two times of one zone are compared and subtracted by the face of the clock, which lies on the day it is changed.
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
    """When any of them holds."""
    return _where(any, several)


def intersection(*several: Iterable[Span]) -> Spans:
    """When all of them hold."""
    return _where(all, several)


def subtract(kept: Iterable[Span], taken: Iterable[Span]) -> Spans:
    """When the first holds and the second does not."""
    return _where(lambda inside: inside[0] > 0 and not inside[1], (kept, taken))


def total_duration(spans: Iterable[Span]) -> timedelta:
    """How long it is altogether: what is named twice counts once."""
    return sum((end - begin for begin, end in union(spans)), timedelta())


def moment_after(spans: Iterable[Span], length: timedelta) -> datetime | None:
    """The moment at which these spans have come to so much, if they do."""
    for begin, end in spans:
        if length <= end - begin:
            return begin + length
        length -= end - begin
    return None


def working_spans(hours: WorkingHours | None, begin: datetime, end: datetime) -> Spans:
    """When, in this time, people with these hours are at work; without hours, all of it."""
    asked = ((begin, end),)
    return union(asked) if hours is None else intersection(asked, _shifts(hours, begin, end))


def _where(holds: Callable[[Sequence[int]], bool], several: Sequence[Iterable[Span]]) -> Spans:
    """Walks along all the edges, in how many spans of each it is, and keeps the stretches in which that is wanted."""
    edges = sorted(edge for which, spans in enumerate(several) for edge in _edges(which, spans))
    inside, kept = [0] * len(several), list[Span]()
    since: datetime | None = None
    for moment, here in groupby(edges, key=itemgetter(0)):
        for _, which, step in here:
            inside[which] += step
        wanted = holds(inside)
        if wanted and since is None:
            since = moment
        elif not wanted and since is not None:
            kept.append((since, moment))
            since = None
    return tuple(kept)


def _edges(which: int, spans: Iterable[Span]) -> Iterator[tuple[datetime, int, int]]:
    for span in spans:
        begin, end = (moment.astimezone(UTC) for moment in span)
        if begin < end:
            yield begin, which, +1
            yield end, which, -1


def _shifts(hours: WorkingHours, begin: datetime, end: datetime) -> Iterator[Span]:
    """The hours of each day, by the calendar of their own zone."""
    zone = ZoneInfo(hours.timezone)
    day, last = begin.astimezone(zone).date(), end.astimezone(zone).date()
    while day <= last:
        if _WEEK[day.weekday()] in hours.days and day not in hours.holidays:
            yield max(_readings(day, hours.start, zone)), min(_readings(day, hours.end, zone))
        day += _DAY


def _readings(day: date, at: time, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The moments that this time of day can mean: two where the clock is changed then, and the narrower is taken.

    An hour that the clock strikes twice, or leaves out, is nobody's promise to be there.
    """
    earlier, later = (datetime.combine(day, at, zone).replace(fold=fold) for fold in (0, 1))
    return earlier.astimezone(UTC), later.astimezone(UTC)
