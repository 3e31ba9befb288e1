"""The effect of outcomes and sampled reviews on an agent's earned autonomy."""

from __future__ import annotations

from typing import Any

import pytest

from rules.people.autonomy import AutonomyProfile
from rules.reasons import Reason
from rules.scales import HITLLevel
from rules.state.agent_commands import ReportExecution
from rules.state.commands import HumanOverrideCommand, Judge
from rules.state.model import PackageState, Status
from rules.state.service_commands import Consent, LoseTrack
from rules.state.transition import Transition
from tests.rules.world import (
    AGENT,
    AUTOMATIC,
    HARD,
    HOUR,
    NOW,
    RITA,
    ROSE,
    SENTA,
    SOFT,
    SVEN,
    after,
    approved_state,
    ask,
    claimed_state,
    refusal,
    reported_state,
    shown_state,
    submitted_state,
    transition_of,
)


def report_outcome(state: PackageState, outcome: str, **bearing: Any) -> Transition:
    return transition_of(state, ask(ReportExecution, state, outcome=outcome), by=AGENT.actor, **bearing)


def judge(state: PackageState, verdict: str, by: str = RITA) -> Transition:
    return transition_of(state, ask(Judge, state, verdict=verdict), by=by)


def success_counts(move: Transition) -> tuple[int, int] | None:
    """Successes in a row and recent failures; None if the profile did not change."""
    profile = move.profile
    return (profile.consecutive_successes, len(profile.recent_failures)) if profile else None


def sampled_state(**bearing: Any) -> PackageState:
    return submitted_state(AUTOMATIC, chance=0.0, **bearing)


def consented_state() -> PackageState:
    state = shown_state(submitted_state(SOFT))
    return after(state, ask(Consent, state), now=NOW + HOUR, chance=0.0)


SUCCESS, FAILURE = (1, 0), (0, 1)


@pytest.mark.parametrize(
    ("outcome", "expected"), [("succeeded", SUCCESS), ("failed", FAILURE), ("rolled_back", FAILURE)]
)
def test_outcomes_of_packages_that_people_approved_count(outcome: str, expected: tuple[int, int]) -> None:
    assert success_counts(report_outcome(claimed_state(approved_state(HARD)), outcome)) == expected


def test_an_unreviewed_success_earns_nothing() -> None:
    assert success_counts(report_outcome(claimed_state(submitted_state(AUTOMATIC)), "succeeded")) is None
    assert success_counts(report_outcome(claimed_state(consented_state(), now=NOW + HOUR), "succeeded")) is None


@pytest.mark.parametrize("outcome", ["failed", "rolled_back"])
def test_an_unreviewed_failure_counts_against_the_agent(outcome: str) -> None:
    assert success_counts(report_outcome(claimed_state(submitted_state(AUTOMATIC)), outcome)) == FAILURE


def test_an_outcome_that_is_never_reported_counts_as_a_failure() -> None:
    state = claimed_state(approved_state(HARD))
    assert success_counts(transition_of(state, ask(LoseTrack, state), now=NOW + HOUR)) == FAILURE


def test_ten_successes_that_people_approved_raise_trust_and_an_event_says_so() -> None:
    nine = AutonomyProfile(
        agent_id="agt_1", action_type="record.read", current_level=HITLLevel.SOFT_APPROVAL, consecutive_successes=9
    )
    move = report_outcome(claimed_state(approved_state(HARD)), "succeeded", profile=nine)
    assert move.profile is not None
    assert move.profile.current_level is HITLLevel.NOTIFY_ONLY
    assert [event.event_type for event in move.occurrences] == ["execution.succeeded", "autonomy.changed"]
    assert move.occurrences[1].reason == "soft_approval to notify_only"


# Sampled reviews.


def test_a_success_that_is_judged_sound_earns_in_either_order() -> None:
    first = claimed_state(sampled_state())
    assert success_counts(judge(reported_state(first), "sound")) == SUCCESS
    assert success_counts(judge(first, "sound")) is None
    assert success_counts(report_outcome(judge(first, "sound").after, "succeeded")) == SUCCESS


def test_a_package_approved_by_silence_earns_only_if_it_is_judged_sound() -> None:
    state = reported_state(claimed_state(consented_state(), now=NOW + HOUR), now=NOW + HOUR)
    assert success_counts(judge(state, "sound", by=SENTA)) == SUCCESS


@pytest.mark.parametrize("outcome", [None, "succeeded"])
def test_an_unsound_verdict_counts_as_a_failure_whatever_the_outcome(outcome: str | None) -> None:
    state = claimed_state(sampled_state())
    state = reported_state(state, outcome) if outcome else state
    assert success_counts(judge(state, "unsound")) == FAILURE


def test_a_success_that_was_judged_unsound_earns_nothing() -> None:
    assert success_counts(report_outcome(judge(claimed_state(sampled_state()), "unsound").after, "succeeded")) is None


def test_one_package_counts_as_at_most_one_failure() -> None:
    failed = reported_state(claimed_state(sampled_state()), "failed")
    assert success_counts(judge(failed, "unsound")) is None
    assert success_counts(report_outcome(failed, "rolled_back")) is None
    unsound = judge(claimed_state(sampled_state()), "unsound").after
    assert success_counts(report_outcome(unsound, "failed")) is None
    assert success_counts(transition_of(unsound, ask(LoseTrack, unsound), now=NOW + HOUR)) is None
    lost = after(claimed_state(sampled_state()), ask(LoseTrack, claimed_state(sampled_state())), now=NOW + HOUR)
    assert success_counts(report_outcome(lost, "failed", now=NOW + HOUR)) is None


def test_a_success_that_is_rolled_back_later_counts_as_a_failure() -> None:
    assert success_counts(report_outcome(reported_state(claimed_state(approved_state(HARD))), "rolled_back")) == FAILURE


@pytest.mark.parametrize(
    "state", [submitted_state(AUTOMATIC), approved_state(HARD)], ids=["not picked", "approved by a person"]
)
def test_only_sampled_packages_are_judged(state: PackageState) -> None:
    assert refusal(state, ask(Judge, state), by=SENTA) is Reason.NOT_SAMPLED


def test_a_package_is_judged_only_once() -> None:
    state = judge(sampled_state(), "sound").after
    assert refusal(state, ask(Judge, state), by=SENTA) is Reason.ALREADY_JUDGED


def test_the_requester_cannot_judge_the_package() -> None:
    state = submitted_state(AUTOMATIC.model_copy(update={"requested_by": RITA}), chance=0.0)
    assert refusal(state, ask(Judge, state), by=RITA) is Reason.IS_REQUESTER
    assert refusal(state, ask(Judge, state), by=ROSE) is Reason.WRONG_ROLE


# Verdicts on overrides.


def overridden(decision: str = "proceed") -> PackageState:
    state = submitted_state(HARD)
    return after(state, ask(HumanOverrideCommand, state, override_decision=decision), by=SENTA, chance=0.0)


@pytest.mark.parametrize("verdict", ["sound", "unsound"])
def test_judging_an_override_does_not_change_the_agents_autonomy(verdict: str) -> None:
    move = judge(overridden("stop"), verdict, by=SVEN)
    assert (move.after.status, move.after.verdict, success_counts(move)) == (Status.OVERRIDDEN, verdict, None)


def test_nobody_judges_their_own_override() -> None:
    state = overridden()
    assert refusal(state, ask(Judge, state), by=SENTA) is Reason.ALREADY_COUNTED
