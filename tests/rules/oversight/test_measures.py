"""The measures: each package counts once, small numbers stay counts, and the interval of a share is honest."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import chain
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.oversight.measures import Counted, Measure, Percentiles, Ratio, compute_figures, compute_times, percentiles
from rules.oversight.outcomes import Facts, Result
from rules.oversight.statistics import EARLIER, MAX_WEEKS, weeks_between
from rules.state.commands import Verdict

SOME = [
    Counted(Facts(Result.APPROVED, allowed=True, uncertain=True), 6),
    Counted(Facts(Result.APPROVED, allowed=True, incident=True, judged_by_several=True), 2),
    Counted(Facts(Result.REJECTED, uncertain=True, judged_by_several=True, disagreed=True), 3),
    Counted(Facts(Result.OVERRIDDEN, sampled=True, verdict=Verdict.UNSOUND), 1),
    Counted(Facts(Result.AUTOMATIC, sampled=True, verdict=Verdict.SOUND), 4),
    Counted(Facts(Result.AUTOMATIC, sampled=True), 5),
    Counted(Facts(Result.EXPIRED, sent_back=True, escalated=True), 7),
    Counted(Facts(Result.CONSENTED), 8),
]


def test_each_share_is_of_the_packages_that_its_definition_names() -> None:
    counts = {measure: (ratio.part, ratio.whole) for measure, ratio in compute_figures(SOME).shares.items()}
    assert counts == {
        Measure.APPROVAL: (8, 12),
        Measure.REJECTION: (3, 12),
        Measure.OVERRIDE: (1, 12),
        Measure.REVISION: (7, 27),
        Measure.ESCALATION: (7, 27),
        Measure.APPROVAL_WHEN_UNCERTAIN: (6, 9),
        Measure.DISAGREEMENT: (3, 5),
        Measure.INCIDENTS: (2, 8),
        Measure.DEFECTS: (1, 5),
    }


def test_the_results_add_up_to_the_packages_that_ended() -> None:
    figures = compute_figures(SOME)
    assert (figures.ended, figures.decided, figures.sampled) == (36, 12, 10)
    assert figures.results[Result.AUTOMATIC] == 9


@pytest.mark.parametrize(
    ("ratio", "text"),
    [
        (Ratio(), "0 of 0"),
        (Ratio(part=3, whole=7), "3 of 7"),
        (Ratio(part=19, whole=19), "19 of 19"),
        (Ratio(part=30, whole=70), "43% (30 of 70)"),
        (Ratio(part=1_000, whole=100_000), "1% (1,000 of 100,000)"),
    ],
)
def test_a_small_number_is_a_count_without_a_percentage(ratio: Ratio, text: str) -> None:
    assert ratio.text == text


def test_a_share_of_nothing_is_unknown() -> None:
    assert (Ratio().share, Ratio().interval) == (None, None)


@pytest.mark.parametrize(
    ("part", "whole", "low", "high"), [(0, 10, 0.0, 0.2775), (1, 10, 0.0179, 0.4042), (50, 100, 0.4038, 0.5962)]
)
def test_the_interval_is_that_of_wilson(part: int, whole: int, low: float, high: float) -> None:
    assert Ratio(part=part, whole=whole).interval == pytest.approx((low, high), abs=1e-4)


@given(st.integers(1, 10**9).flatmap(lambda whole: st.tuples(st.integers(0, whole), st.just(whole))))
def test_the_interval_contains_the_share_and_stays_between_none_and_all(counts: tuple[int, int]) -> None:
    ratio = Ratio(part=counts[0], whole=counts[1])
    low, high = ratio.interval or (2.0, -1.0)
    assert 0 <= low <= (ratio.share or 0.0) + 1e-9
    assert (ratio.share or 0.0) - 1e-9 <= high <= 1


any_facts = st.builds(
    Facts, st.sampled_from(Result), *[st.booleans()] * (len(Facts._fields) - 2), st.none() | st.sampled_from(Verdict)
)


@given(any_facts)
def test_facts_are_read_back_as_they_were_written(facts: Facts) -> None:
    assert Facts.from_words(facts.as_words()) == facts


@pytest.mark.parametrize(
    ("count", "median", "p90"), [(1, 1, 1), (2, 1, 2), (9, 5, 9), (10, 5, 9), (11, 6, 10), (100, 50, 90)]
)
def test_percentiles_are_times_that_a_decision_took(count: int, median: int, p90: int) -> None:
    whole, none = [[*range(1, count + 1)]], [[0] * count]
    times = compute_times([whole, none, none, whole])
    assert times is not None
    assert times.decided == times.reading == Percentiles(median_ms=median, p90_ms=p90)


@given(st.lists(st.lists(st.integers(-5, 10**9)), min_size=1).filter(any))
def test_percentiles_of_several_groups_are_those_of_all_their_times(groups: list[list[int]]) -> None:
    together = sorted(chain(*groups))
    half, nine_tenths = (together[ceil(len(together) * tenths / 10) - 1] for tenths in (5, 9))
    assert percentiles([sorted(times) for times in groups]) == Percentiles(median_ms=half, p90_ms=nine_tenths)


def test_without_decisions_there_are_no_times() -> None:
    assert compute_times([]) is None
    assert compute_times([[[], []]] * 4) is None


def test_weeks_begin_on_monday_in_utc_and_have_their_iso_numbers() -> None:
    until = datetime(2026, 1, 1, 12, tzinfo=UTC)  # a Thursday
    weeks = weeks_between(until - timedelta(days=7), until)
    assert [week.name for week in weeks] == ["2025-W52", "2026-W01"]
    assert weeks[0].end == datetime(2025, 12, 29, tzinfo=UTC)


def test_a_moment_at_midnight_on_monday_belongs_to_the_new_week() -> None:
    monday = datetime(2026, 11, 30, tzinfo=UTC)
    assert [week.name for week in weeks_between(monday - timedelta(days=1), monday)] == ["2026-W48", "2026-W49"]


def test_weeks_longer_ago_than_a_year_are_one_group() -> None:
    until = datetime(2026, 11, 30, tzinfo=UTC)
    weeks = weeks_between(until - timedelta(days=36500), until)
    assert (len(weeks), weeks[0].name, weeks[-1].name) == (MAX_WEEKS + 1, EARLIER, "2026-W49")
    assert weeks[1].end - weeks[0].end == timedelta(days=7)
