"""Spans of time obey the laws of sets, and working days have their true length."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.people.working_time import Span, Spans, intersection, subtract, total_duration, union, working_spans
from rules.policy.roles import WorkingHours
from tests.rules.world import DAY, HOUR, MINUTE

EPOCH = datetime(2026, 3, 1, tzinfo=UTC)
BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
EVERY_DAY: Any = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
HALF = timedelta(minutes=30)


def minute(number: int) -> datetime:
    return EPOCH + number * MINUTE


def utc(day: int, hour: int, minute: int = 0, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


# Spans as sets of minutes, so that they can be compared to Python's sets.

minutes = st.tuples(st.integers(0, 60), st.integers(0, 60))
lists = st.lists(minutes, max_size=6).map(lambda pairs: [(minute(begin), minute(end)) for begin, end in pairs])


def minutes_in(spans: Any) -> set[int]:
    return {number for number in range(60) for begin, end in spans if begin <= minute(number) < end}


def is_sorted_and_disjoint(spans: Spans) -> bool:
    return all(begin < end for begin, end in spans) and all(one[1] < next_[0] for one, next_ in pairwise(spans))


@given(lists, lists)
def test_spans_combine_as_sets_do(some: list[Span], others: list[Span]) -> None:
    assert minutes_in(union(some, others)) == minutes_in(some) | minutes_in(others)
    assert minutes_in(intersection(some, others)) == minutes_in(some) & minutes_in(others)
    assert minutes_in(subtract(some, others)) == minutes_in(some) - minutes_in(others)


@given(lists, lists)
def test_results_are_sorted_disjoint_and_not_empty(some: list[Span], others: list[Span]) -> None:
    assert is_sorted_and_disjoint(union(some, others))
    assert is_sorted_and_disjoint(intersection(some, others))
    assert is_sorted_and_disjoint(subtract(some, others))


@given(lists, lists)
def test_the_same_moments_in_other_zones_are_the_same_spans(some: list[Span], others: list[Span]) -> None:
    assert union(some) == union(union(some)) == union(some, some)
    assert union(some, others) == union(others, some)
    assert intersection(some, others) == intersection(others, some)
    assert union(intersection(some, others), subtract(some, others)) == union(some)


@given(lists, lists)
def test_difference_and_intersection_add_up(some: list[Span], others: list[Span]) -> None:
    assert total_duration(some) == len(minutes_in(some)) * MINUTE
    assert total_duration(intersection(some, others)) + total_duration(subtract(some, others)) == total_duration(some)
    assert total_duration(union(some, others)) <= total_duration(some) + total_duration(others)


def test_empty_spans_are_ignored() -> None:
    backwards = (minute(2), minute(1))
    assert union() == intersection() == union([]) == union([backwards]) == subtract([], [backwards]) == ()
    assert total_duration([]) == timedelta(0)


def test_spans_that_touch_are_one() -> None:
    assert union([(minute(3), minute(5)), (minute(1), minute(3))]) == ((minute(1), minute(5)),)


def test_the_time_between_two_times_of_one_zone_is_the_true_one() -> None:
    night = (datetime(2026, 3, 29, 1, tzinfo=BERLIN), datetime(2026, 3, 29, 4, tzinfo=BERLIN))
    assert night[1] - night[0] == 3 * HOUR
    assert total_duration([night]) == 2 * HOUR


# Working hours. 20 November 2026 is a Friday.

OFFICE = WorkingHours()


@pytest.mark.parametrize(
    ("hours", "begin", "end", "at_work"),
    [
        pytest.param(None, utc(20, 12), utc(22, 12), [(utc(20, 12), utc(22, 12))], id="without hours, always"),
        pytest.param(OFFICE, utc(20, 12), utc(20, 13), [(utc(20, 12), utc(20, 13))], id="in the midst of a day"),
        pytest.param(OFFICE, utc(20, 8), utc(20, 18), [(utc(20, 9), utc(20, 17))], id="around a day"),
        pytest.param(OFFICE, utc(20, 17), utc(23, 9), [], id="a weekend"),
        pytest.param(
            OFFICE,
            utc(20, 16),
            utc(23, 10),
            [(utc(20, 16), utc(20, 17)), (utc(23, 9), utc(23, 10))],
            id="around a weekend",
        ),
        pytest.param(
            WorkingHours(holidays=(date(2026, 11, 19),)),
            utc(18, 16),
            utc(20, 10),
            [(utc(18, 16), utc(18, 17)), (utc(20, 9), utc(20, 10))],
            id="around a holiday",
        ),
        pytest.param(
            WorkingHours(timezone="Asia/Tokyo"),
            utc(19, 20),
            utc(20, 20),
            [(utc(20, 0), utc(20, 8))],
            id="Friday in Tokyo begins on Thursday",
        ),
        pytest.param(
            WorkingHours(timezone="Pacific/Auckland", holidays=(date(2026, 11, 20),)),
            utc(18, 12),
            utc(21, 12),
            [(utc(18, 20), utc(19, 4))],
            id="a holiday and a weekend in Auckland are theirs",
        ),
        pytest.param(
            WorkingHours(timezone="America/New_York", start=time(8, 30), end=time(12)),
            utc(20, 0),
            utc(21, 0),
            [(utc(20, 13, 30), utc(20, 17))],
            id="a morning in New York",
        ),
        pytest.param(OFFICE, utc(20, 13), utc(20, 12), [], id="no time at all"),
    ],
)
def test_people_are_at_work_in_their_hours(
    hours: WorkingHours | None, begin: datetime, end: datetime, at_work: list[Span]
) -> None:
    assert working_spans(hours, begin, end) == tuple(at_work)


SPRING = {BERLIN: date(2026, 3, 29), NEW_YORK: date(2026, 3, 8)}
AUTUMN = {BERLIN: date(2026, 10, 25), NEW_YORK: date(2026, 11, 1)}


@pytest.mark.parametrize("zone", [BERLIN, NEW_YORK], ids=str)
@pytest.mark.parametrize(("days", "length"), [(SPRING, 23 * HOUR), (AUTUMN, 25 * HOUR)], ids=["spring", "autumn"])
def test_days_with_a_clock_change_have_their_true_length(
    days: dict[ZoneInfo, date], length: timedelta, zone: ZoneInfo
) -> None:
    day = days[zone]
    begin, end = (datetime.combine(boundary, time(0), zone) for boundary in (day, day + DAY))
    hours = WorkingHours(timezone=zone.key, days=EVERY_DAY, start=time(0), end=time(23, 59))
    assert total_duration(working_spans(None, begin, end)) == length
    assert total_duration(working_spans(hours, begin, end)) == length - MINUTE


@pytest.mark.parametrize(
    ("day", "start", "end", "length"),
    [
        pytest.param(SPRING, time(1), time(6), 4 * HOUR, id="around the hour left out"),
        pytest.param(SPRING, time(2), time(3), timedelta(0), id="the hour left out"),
        pytest.param(SPRING, time(2), time(6), 3 * HOUR, id="from the hour left out"),
        pytest.param(SPRING, time(2, 30), time(6), 2 * HOUR + HALF, id="from within the hour left out"),
        pytest.param(SPRING, time(0), time(2, 30), HOUR + HALF, id="into the hour left out"),
        pytest.param(AUTUMN, time(0), time(6), 7 * HOUR, id="around the hour struck twice"),
        pytest.param(AUTUMN, time(3), time(6), 3 * HOUR, id="after the hour struck twice"),
    ],
)
def test_working_hours_around_a_clock_change_are_the_narrower_ones(
    day: dict[ZoneInfo, date], start: time, end: time, length: timedelta
) -> None:
    hours = WorkingHours(timezone="Europe/Berlin", days=EVERY_DAY, start=start, end=end)
    begin = datetime.combine(day[BERLIN], time(0), BERLIN)
    assert total_duration(working_spans(hours, begin, begin + DAY)) == length


def test_a_shift_starts_at_the_later_and_ends_at_the_earlier_of_two_repeated_hours() -> None:
    def at_work(start: time, end: time) -> Spans:
        hours = WorkingHours(timezone="Europe/Berlin", days=EVERY_DAY, start=start, end=end)
        return working_spans(hours, utc(24, 22, month=10), utc(25, 23, month=10))

    assert at_work(time(2, 30), time(6))[-1] == (utc(25, 1, 30, month=10), utc(25, 5, month=10))
    assert at_work(time(1), time(2, 30))[-1] == (utc(24, 23, month=10), utc(25, 0, 30, month=10))
    assert at_work(time(2, 10), time(2, 40)) == ()


# For any hours in any zone.

zones = st.sampled_from(
    ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Africa/Cairo", "Pacific/Apia"]
)
moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds are naive
spells = st.builds(lambda begin, days: (begin, begin + days * DAY), moments, st.floats(0, 10))


@st.composite
def hours(draw: st.DrawFn) -> WorkingHours:
    start, end = sorted(draw(st.lists(st.times(), min_size=2, max_size=2, unique=True)))
    days = draw(st.lists(st.sampled_from(EVERY_DAY), unique=True))
    return WorkingHours.model_validate({"timezone": draw(zones), "days": days, "start": start, "end": end})


def wall_clock_says_working(hours: WorkingHours, moment: datetime) -> bool:
    """An independent version of the rule, by the wall clock."""
    local = moment.astimezone(ZoneInfo(hours.timezone))
    return EVERY_DAY[local.weekday()] in hours.days and hours.start <= local.time() < hours.end


@given(hours() | st.none(), spells)
def test_working_time_never_exceeds_the_given_span(hours: WorkingHours | None, spell: Span) -> None:
    at_work = working_spans(hours, *spell)
    assert is_sorted_and_disjoint(at_work)
    assert total_duration(at_work) <= spell[1] - spell[0]
    assert intersection(at_work, [spell]) == at_work


@given(hours(), spells)
def test_working_time_agrees_with_the_wall_clock(hours: WorkingHours, spell: Span) -> None:
    moments = [moment for begin, end in working_spans(hours, *spell) for moment in (begin, begin + (end - begin) / 2)]
    assert all(wall_clock_says_working(hours, moment) for moment in moments)


def is_near_clock_change(hours: WorkingHours, moment: datetime) -> bool:
    about = [(moment + days * DAY).astimezone(ZoneInfo(hours.timezone)).utcoffset() for days in (-1, 0, 1)]
    return len(set(about)) > 1


@pytest.mark.slow
@given(hours(), moments, st.floats(0, 10))
def test_the_wall_clock_gives_the_working_time_except_around_clock_changes(
    hours: WorkingHours, moment: datetime, days: float
) -> None:
    at_work = working_spans(hours, moment - days * DAY, moment + MINUTE)
    is_there = any(begin <= moment < end for begin, end in at_work)
    assert is_there == wall_clock_says_working(hours, moment) or is_near_clock_change(hours, moment)


@pytest.mark.slow
@given(hours(), spells, st.floats(0, 1))
def test_two_parts_of_a_span_add_up_to_it(hours: WorkingHours, spell: Span, share: float) -> None:
    begin, end = spell
    between = begin + share * (end - begin)
    assert union(working_spans(hours, begin, between), working_spans(hours, between, end)) == working_spans(
        hours, begin, end
    )
