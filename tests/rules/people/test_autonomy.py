"""Earned autonomy rises slowly and falls fast."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.people.autonomy import MAX_FAILURES, AutonomyProfile
from rules.policy.model import Autonomy
from rules.scales import HITLLevel
from tests.rules.world import HOUR, NOW

AUTO, NOTIFY, SOFT, HARD, TAKEOVER = HITLLevel
SETTINGS = Autonomy()


def profile(level: HITLLevel = SOFT) -> AutonomyProfile:
    return AutonomyProfile(agent_id="agt_1", action_type="record.read", current_level=level)


def profile_after(
    track: AutonomyProfile, outcomes: str, start: datetime = NOW, every: timedelta = HOUR
) -> AutonomyProfile:
    """The profile after these outcomes: `+` is a success and `-` a failure."""
    for number, outcome in enumerate(outcomes):
        track = track.record_outcome(success=outcome == "+", now=start + number * every, settings=SETTINGS)
    return track


@pytest.mark.parametrize(
    ("start", "outcomes", "end"),
    [
        pytest.param(SOFT, "+" * 9, SOFT, id="nine successes are not enough"),
        pytest.param(SOFT, "+" * 10, NOTIFY, id="ten successes raise trust by one"),
        pytest.param(SOFT, "+" * 19, NOTIFY, id="the count starts again"),
        pytest.param(SOFT, "+" * 20, AUTO, id="ten more raise it again"),
        pytest.param(AUTO, "+" * 10, AUTO, id="there is nothing above full autonomy"),
        pytest.param(SOFT, "+" * 9 + "-" + "+" * 9, SOFT, id="a failure ends the run of successes"),
        pytest.param(SOFT, "-", SOFT, id="one failure is forgiven"),
        pytest.param(SOFT, "--", HARD, id="two failures cost a level"),
        pytest.param(NOTIFY, "--", SOFT, id="two failures bring the agent back to the starting level"),
        pytest.param(AUTO, "--", SOFT, id="two failures do so from full autonomy as well"),
        pytest.param(SOFT, "-+-", HARD, id="a success between two failures does not undo the first"),
        pytest.param(SOFT, "---", HARD, id="failures that have cost a level are spent"),
        pytest.param(SOFT, "----", TAKEOVER, id="two more cost the next"),
        pytest.param(TAKEOVER, "----", TAKEOVER, id="there is nothing below a person"),
        pytest.param(HARD, "+" * 10, SOFT, id="what was lost can be earned again"),
    ],
)
def test_successes_make_the_level_of_an_agent_milder_and_failures_make_it_stricter(
    start: HITLLevel, outcomes: str, end: HITLLevel
) -> None:
    assert profile_after(profile(start), outcomes).current_level is end


@pytest.mark.parametrize(("apart", "level"), [(24 * HOUR, SOFT), (24 * HOUR - timedelta(seconds=1), HARD)])
def test_two_failures_count_together_only_within_the_window(apart: timedelta, level: HITLLevel) -> None:
    assert profile_after(profile(), "--", every=apart).current_level is level


def test_a_profile_counts_the_failures_since_a_moment_and_not_those_at_it() -> None:
    track = profile_after(profile(), "--")
    assert (track.failures_since(NOW - HOUR), track.failures_since(NOW), track.failures_since(NOW + HOUR)) == (
        2,
        1,
        0,
    )


def test_failures_are_kept_for_longer_than_the_demotion_window() -> None:
    track = profile_after(profile(), "--", every=48 * HOUR)
    assert track.failures_since(NOW - HOUR) == 2


def test_a_demotion_is_dated() -> None:
    assert profile_after(profile(), "--").demoted_at == NOW + HOUR


def test_the_list_of_failures_is_bounded() -> None:
    failures = "-" * (MAX_FAILURES + 1)
    assert len(profile_after(profile(), failures, every=timedelta(seconds=1)).recent_failures) == MAX_FAILURES


def test_as_many_failures_as_the_policy_can_name_are_counted() -> None:
    settings, track = Autonomy(demote_after_failures=MAX_FAILURES), profile()
    for _ in range(MAX_FAILURES):
        assert track.current_level is SOFT
        track = track.record_outcome(success=False, now=NOW, settings=settings)
    assert track.current_level is HARD


outcomes = st.text("+-", max_size=25)


@given(level=st.sampled_from(HITLLevel), history=outcomes)
def test_the_named_number_of_successes_earns_the_named_level_and_one_less_does_not(
    level: HITLLevel, history: str
) -> None:
    track = profile_after(profile(level), history)
    needed = track.successes_to_rise(SETTINGS)
    assert profile_after(track, "+" * (needed - 1)).current_level is track.current_level
    assert profile_after(track, "+" * needed).current_level is track.milder_level


@given(level=st.sampled_from(HITLLevel), history=outcomes)
def test_the_named_number_of_failures_costs_the_named_level_and_one_less_does_not(
    level: HITLLevel, history: str
) -> None:
    now = NOW + len(history) * HOUR
    track, moment = profile_after(profile(level), history), timedelta(seconds=1)
    needed = track.failures_to_fall(now, SETTINGS)
    assert profile_after(track, "-" * (needed - 1), now, moment).current_level is track.current_level
    assert profile_after(track, "-" * needed, now, moment).current_level is track.stricter_level(SETTINGS)


def test_the_thresholds_are_those_of_the_policy() -> None:
    eager = Autonomy(promote_after_successes=1, demote_after_failures=1)
    once = profile().record_outcome(success=True, now=NOW, settings=eager)
    assert once.current_level is NOTIFY
    assert once.record_outcome(success=False, now=NOW, settings=eager).current_level is SOFT


def test_a_demoted_agent_falls_at_least_to_the_starting_level() -> None:
    strict = Autonomy(start=HARD)
    fallen = profile_after(profile(AUTO), "-").record_outcome(success=False, now=NOW + HOUR, settings=strict)
    assert fallen.current_level is HARD
