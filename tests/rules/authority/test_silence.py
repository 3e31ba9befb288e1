"""How much of a silence counts: only time in which someone was at work and could click."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.authority.silence import (
    SilenceContext,
    anyone_present,
    cards_of,
    counted_silence,
    earliest_consent,
    onlookers_of,
)
from rules.people.directory import Roster
from rules.people.working_time import Span, total_duration
from rules.policy.model import Policy
from rules.scales import RiskLevel
from rules.state.model import PackageState
from rules.state.sightings import Shown
from rules.state.terms import terms_today
from tests.rules.world import (
    DAY,
    HOUR,
    MINUTE,
    NOW,
    RITA,
    ROSS,
    SENTA,
    SOFT,
    package,
    people,
    policy,
    shown_state,
    situation,
    submitted_state,
)

NONE = timedelta(0)
FIVE = 5 * MINUTE
AWAY = {"away_until": NOW + 9 * DAY}

_NOBODY: dict[str, Any] = {"members": []}


def with_reviewers(**role: Any) -> Policy:
    """A policy in which Rita and Ross are the only reviewers."""
    others = {"senior_reviewer": _NOBODY, "supervisor": _NOBODY, "director": _NOBODY}
    return policy(roles={"reviewer": role, **others})


TWO = with_reviewers()
OFFICE = with_reviewers(hours={"start": "09:00", "end": "17:00"})  # NOW is noon, on a Friday
SEEN = shown_state(submitted_state(SOFT, policy=TWO))  # by everyone; each policy says whose silence counts
ONLOOKERS = onlookers_of(cards_of(SEEN))


def span_after(begin: timedelta, end: timedelta) -> Span:
    """The span between two delays after the card was seen."""
    return NOW + begin, NOW + end


ALWAYS = [span_after(-DAY, 30 * DAY)]


def roster(policy: Policy = TWO, now: datetime = NOW, **bearing: Any) -> Roster:
    return situation(policy=policy, now=now, **bearing).roster


def silence_context(
    absences: dict[str, list[Span]] | None = None, uptime: list[Span] = ALWAYS, now: datetime = NOW, **bearing: Any
) -> SilenceContext:
    return SilenceContext(roster(now=now, **bearing), absences or {}, uptime)


def silence(
    absences: dict[str, list[Span]] | None = None,
    uptime: list[Span] = ALWAYS,
    now: datetime = NOW + HOUR,
    state: PackageState = SEEN,
    **bearing: Any,
) -> timedelta:
    return counted_silence(state, onlookers_of(cards_of(state)), silence_context(absences, uptime, now, **bearing), now)


# When it counts.


def test_all_of_a_silence_counts_if_someone_was_always_at_work() -> None:
    assert silence() == HOUR


def test_no_silence_counts_before_the_card_was_seen() -> None:
    assert silence(state=submitted_state(SOFT)) == NONE
    assert silence(now=NOW) == NONE


def test_silence_about_another_version_does_not_count() -> None:
    state = SEEN.model_copy(update={"shown": Shown(at=NOW, version=SEEN.version + 1)})
    assert silence(state=state) == NONE


@pytest.mark.parametrize(
    ("absences", "counts"),
    [
        pytest.param({RITA: [span_after(NONE, HOUR)]}, HOUR, id="the other onlooker was present"),
        pytest.param({RITA: [span_after(NONE, HOUR)], ROSS: [span_after(NONE, HOUR)]}, NONE, id="both were away"),
        pytest.param({RITA: [span_after(NONE, FIVE)], ROSS: [span_after(FIVE, HOUR)]}, HOUR, id="they took turns"),
        pytest.param(
            {RITA: [span_after(-DAY, 30 * MINUTE)], ROSS: [span_after(20 * MINUTE, DAY)]},
            HOUR - 10 * MINUTE,
            id="between two",
        ),
        pytest.param(
            {RITA: [span_after(NONE, FIVE), span_after(2 * FIVE, 3 * FIVE)], ROSS: [span_after(NONE, DAY)]},
            HOUR - 2 * FIVE,
            id="away twice",
        ),
        pytest.param({SENTA: [span_after(NONE, HOUR)]}, HOUR, id="somebody else was away"),
    ],
)
def test_time_counts_while_at_least_one_person_is_at_work(absences: dict[str, list[Span]], counts: timedelta) -> None:
    assert silence(absences) == counts


@pytest.mark.parametrize(
    ("uptime", "counts"),
    [
        pytest.param([], NONE, id="never"),
        pytest.param([span_after(-HOUR, FIVE)], FIVE, id="at first"),
        pytest.param([span_after(NONE, FIVE), span_after(HOUR - FIVE, DAY)], 2 * FIVE, id="with a gap"),
        pytest.param([span_after(NONE, 3 * FIVE), span_after(FIVE, 2 * FIVE)], 3 * FIVE, id="two replicas count once"),
    ],
)
def test_time_counts_only_while_a_click_could_arrive(uptime: list[Span], counts: timedelta) -> None:
    assert silence(uptime=uptime) == counts


def test_time_in_which_no_click_could_arrive_does_not_count() -> None:
    both = {RITA: [span_after(FIVE, HOUR)], ROSS: [span_after(FIVE, HOUR)]}
    assert silence(both, uptime=[span_after(FIVE, HOUR)]) == NONE


# The people whose time counts.


@pytest.mark.parametrize(
    ("now", "counts"),
    [
        pytest.param(NOW + 4 * HOUR, 4 * HOUR, id="on Friday"),
        pytest.param(NOW + 2 * DAY, 5 * HOUR, id="on Sunday"),
        pytest.param(NOW + 3 * DAY, 8 * HOUR, id="on Monday"),
    ],
)
def test_time_counts_only_in_the_working_hours_of_the_role(now: datetime, counts: timedelta) -> None:
    assert silence(now=now, policy=OFFICE) == counts


def test_a_senior_role_without_hours_is_always_at_work() -> None:
    asleep = policy(roles={"reviewer": {"hours": {"start": "01:00", "end": "02:00"}}})
    assert silence(policy=asleep) == HOUR


def test_the_hours_of_a_role_that_could_not_decide_do_not_count() -> None:
    trainee = {"members": [RITA, ROSS], "includes": ["reviewer"], "max_risk": "low"}
    others: dict[str, Any] = {"senior_reviewer": _NOBODY, "supervisor": _NOBODY, "director": _NOBODY}
    asleep = {"hours": {"start": "01:00", "end": "02:00"}}
    assert silence(policy=policy(roles={"reviewer": asleep, "trainee": trainee, **others})) == NONE
    assert silence(policy=policy(roles={"reviewer": asleep, "trainee": trainee | {"max_risk": "medium"}})) == HOUR
    elsewhere = trainee | {"max_risk": "high", "scopes": ["mail.*"]}
    assert silence(policy=policy(roles={"reviewer": asleep, "trainee": elsewhere, **others})) == NONE


def test_only_the_silence_of_people_who_could_decide_now_counts() -> None:
    ritas = submitted_state(package(requested_by=RITA), policy=TWO)
    theirs = shown_state(ritas, policy=TWO)
    assert silence({ROSS: [span_after(NONE, HOUR)]}, state=theirs) == NONE
    assert silence({RITA: [span_after(NONE, HOUR)]}, state=theirs) == HOUR
    assert silence(state=SEEN.model_copy(update={"risk": RiskLevel.HIGH})) == NONE
    assert silence(people=people(URITA={"active": False}, UROSS={"is_guest": True})) == NONE


def test_with_a_stale_directory_no_silence_counts() -> None:
    assert silence(directory_as_of=NOW - 2 * DAY) == NONE


# Whether someone is present.


@pytest.mark.parametrize(
    ("changes", "is_there"),
    [
        pytest.param({}, True, id="both"),
        pytest.param({"URITA": AWAY}, True, id="one of them"),
        pytest.param({"URITA": AWAY, "UROSS": AWAY}, False, id="nobody"),
        pytest.param({"URITA": AWAY, "UROSS": {"active": False}}, False, id="nobody who is active"),
        pytest.param({"URITA": {"away_until": NOW}, "UROSS": AWAY}, True, id="someone who is just back"),
    ],
)
def test_someone_who_could_decide_is_present(changes: dict[str, Any], *, is_there: bool) -> None:
    assert anyone_present(SEEN, roster(people=people(**changes)), NOW) is is_there


def test_presence_can_be_checked_for_one_role() -> None:
    assert anyone_present(SEEN, roster(policy()), NOW, "senior_reviewer")
    assert not anyone_present(SEEN, roster(TWO), NOW, "senior_reviewer")


# When to check again.


@pytest.mark.parametrize(
    ("policy", "absences", "so_far", "at"),
    [
        pytest.param(TWO, {}, NONE, NOW + FIVE, id="the whole silence is ahead"),
        pytest.param(TWO, {}, MINUTE, NOW + 4 * MINUTE, id="a part of the silence is ahead"),
        pytest.param(TWO, {}, FIVE, NOW, id="none of the silence is ahead"),
        pytest.param(TWO, {}, HOUR, NOW, id="more than enough"),
        pytest.param(
            TWO,
            {RITA: [span_after(-DAY, HOUR)], ROSS: [span_after(MINUTE, DAY)]},
            NONE,
            NOW + HOUR + 4 * MINUTE,
            id="once somebody is back",
        ),
        pytest.param(OFFICE, {}, FIVE - 6 * HOUR, NOW + 3 * DAY - 2 * HOUR, id="on Monday morning"),
        pytest.param(
            with_reviewers(hours={"days": ["sun"], "holidays": ["2026-11-22"]}),
            {},
            NONE,
            NOW + 9 * DAY - 3 * HOUR + FIVE,
            id="on the Sunday after next",
        ),
        pytest.param(
            with_reviewers(hours={"days": []}), {}, NONE, NOW + HOUR, id="within the hour, where nobody ever works"
        ),
        pytest.param(
            with_reviewers(members=[]), {}, NONE, NOW + HOUR, id="within the hour, where nobody could decide it"
        ),
    ],
)
def test_silence_is_checked_again_when_it_could_be_long_enough(
    policy: Policy, absences: dict[str, list[Span]], so_far: timedelta, at: datetime
) -> None:
    terms = terms_today(SEEN, policy)
    assert earliest_consent(SEEN, ONLOOKERS, silence_context(absences, policy=policy), terms, so_far, NOW) == at


# For any hours, absences and gaps.

offsets = st.integers(-60, 40 * 24 * 60).map(lambda number: NOW + number * MINUTE)
spans = st.lists(st.tuples(offsets, offsets), max_size=4)
absences = st.fixed_dictionaries({RITA: spans, ROSS: spans})
policies = st.sampled_from([TWO, OFFICE, with_reviewers(hours={"timezone": "Asia/Tokyo", "days": ["mon", "sat"]})])


@given(policies, absences, spans, offsets)
def test_never_more_silence_counts_than_there_was(
    policy: Policy, absences: dict[str, list[Span]], uptime: list[Span], now: datetime
) -> None:
    counts = silence(absences, uptime, now, policy=policy)
    assert NONE <= counts <= max(NONE, min(now - NOW, total_duration(uptime)))
    assert counts <= silence({}, uptime, now, policy=policy)
    assert counts <= silence(absences, ALWAYS + uptime, now, policy=policy)
    assert counts <= silence(absences, uptime, now, policy=TWO)


@given(policies, absences, st.integers(0, 20 * 60).map(lambda number: NOW + number * MINUTE))
def test_silence_is_long_enough_at_the_predicted_time_and_not_before(
    policy: Policy, absences: dict[str, list[Span]], now: datetime
) -> None:
    def so_far(then: datetime) -> timedelta:
        return silence(absences, [span_after(NONE, 90 * DAY)], then, policy=policy)

    terms = terms_today(SEEN, policy).model_copy(update={"soft_timeout": so_far(now) + HOUR})
    at = earliest_consent(SEEN, ONLOOKERS, silence_context(absences, now=now, policy=policy), terms, so_far(now), now)
    in_sight = so_far(now + 14 * DAY) >= terms.soft_timeout
    assert so_far(at) == terms.soft_timeout or (not in_sight and at == now + HOUR)
    assert so_far(at - MINUTE) < terms.soft_timeout
