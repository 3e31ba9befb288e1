"""Executions: claimed once, for exactly what was approved; then reported, lapsed or unknown."""

from __future__ import annotations

from typing import Any

import pytest

from rules.people.directory import AgentStanding
from rules.reasons import Reason
from rules.state.agent_commands import ClaimExecution, ReportExecution
from rules.state.commands import Reject, Revoke
from rules.state.decisions import Basis, ExecutionState, Seat
from rules.state.model import PackageState, Status
from rules.state.service_commands import Lapse, LoseTrack
from rules.state.situation import Memory
from tests.rules.world import (
    AGENT,
    AUTOMATIC,
    DAY,
    DORA,
    HARD,
    HOUR,
    MINUTE,
    NOW,
    RITA,
    ROSE,
    SENTA,
    SVEN,
    after,
    agent,
    approved_state,
    ask,
    claimed_state,
    package,
    policy,
    refusal,
    reported_state,
    submitted_state,
    transition_of,
)

NONE, CLAIMED, SUCCEEDED, FAILED, ROLLED_BACK, UNKNOWN, LAPSED = ExecutionState


def execution(state: PackageState) -> ExecutionState:
    return state.execution.state


def claim(state: PackageState, **bearing: Any) -> Reason:
    fields = bearing.pop("fields", {})
    return refusal(state, ask(ClaimExecution, state, **fields), by=AGENT.actor, **bearing)


def report(state: PackageState, **fields: Any) -> Reason:
    return refusal(state, ask(ReportExecution, state, **fields), by=AGENT.actor)


# Claiming.


def test_an_approval_is_claimed_and_then_no_longer_offered() -> None:
    state = claimed_state(approved_state(HARD), now=NOW + HOUR)
    assert (execution(state), state.execution.claim_id, state.execution.claimed_at) == (CLAIMED, "clm_1", NOW + HOUR)
    assert (state.status, state.may_proceed(NOW + HOUR)) == (Status.APPROVED, False)


def test_a_repeated_claim_is_the_same_claim() -> None:
    state = claimed_state(approved_state(HARD))
    again = transition_of(state, ask(ClaimExecution, state), by=AGENT.actor, now=NOW + HOUR)
    assert (again.after, again.occurrences) == (state, ())


def test_another_claim_is_refused() -> None:
    assert claim(claimed_state(approved_state(HARD)), fields={"claim_id": "clm_2"}) is Reason.ALREADY_CLAIMED


def test_a_claim_with_another_digest_than_the_approved_one_is_refused() -> None:
    assert claim(approved_state(HARD), fields={"action_digest": "sha256:0"}) is Reason.DIGEST_MISMATCH


def test_an_approval_is_valid_for_two_days() -> None:
    late = NOW + 2 * DAY - MINUTE
    assert approved_state(HARD).may_proceed(late)
    assert execution(claimed_state(approved_state(HARD), now=late)) is CLAIMED


def test_a_permission_is_lapsed_at_its_time_even_before_the_clock_records_it() -> None:
    late = NOW + 2 * DAY
    assert not approved_state(HARD).may_proceed(late)
    assert claim(approved_state(HARD), now=late) is Reason.APPROVAL_LAPSED


@pytest.mark.parametrize(
    ("bearing", "expected"),
    [
        ({"agent": agent(standing=AgentStanding.PAUSED)}, Reason.AGENT_PAUSED),
        ({"agent": agent(frozen=True)}, Reason.AGENT_PAUSED),
        ({"agent": None}, Reason.AGENT_PAUSED),
        ({"memory": Memory(thread_stopped_by="pkg_0")}, Reason.THREAD_TAKEN_OVER),
    ],
    ids=["paused", "frozen", "gone", "thread taken over"],
)
def test_a_claim_is_refused_while_the_agent_is_barred(bearing: dict[str, Any], expected: Reason) -> None:
    assert claim(approved_state(HARD), **bearing) is expected


@pytest.mark.parametrize(
    "state",
    [submitted_state(HARD), after(submitted_state(HARD), ask(Reject, submitted_state(HARD)), by=SENTA)],
    ids=["pending", "rejected"],
)
def test_a_decision_without_a_permission_cannot_be_claimed(state: PackageState) -> None:
    assert claim(state) is Reason.MAY_NOT_PROCEED


def test_an_automatic_approval_is_claimed_like_any_other() -> None:
    assert execution(claimed_state(submitted_state(AUTOMATIC))) is CLAIMED


def test_an_approval_ends_no_later_than_the_packages_expiry() -> None:
    state = approved_state(package(risk_level="high", expires_at=NOW + HOUR))
    assert state.lapses_at == NOW + HOUR
    assert claim(state, now=NOW + HOUR) is Reason.APPROVAL_LAPSED


def test_a_policy_with_shorter_approvals_applies_to_open_packages() -> None:
    assert approved_state(HARD, policy=policy(tiers={"high": {"approval_expiry": "1h"}})).lapses_at == NOW + HOUR
    assert approved_state(HARD, policy=policy(tiers={"high": {"approval_expiry": "9d"}})).lapses_at == NOW + 2 * DAY


# Reporting.


@pytest.mark.parametrize("outcome", [SUCCEEDED, FAILED, ROLLED_BACK])
def test_the_outcome_is_reported(outcome: ExecutionState) -> None:
    state = reported_state(claimed_state(approved_state(HARD)), outcome.value, now=NOW + MINUTE)
    assert (execution(state), state.execution.reported_at, state.outcome_by) == (outcome, NOW + MINUTE, None)
    assert state.status is Status.APPROVED


@pytest.mark.parametrize("outcome", ["succeeded", "failed", "rolled_back"])
def test_a_repeated_report_changes_nothing(outcome: str) -> None:
    state = reported_state(claimed_state(approved_state(HARD)), outcome)
    assert transition_of(state, ask(ReportExecution, state, outcome=outcome), by=AGENT.actor).occurrences == ()


@pytest.mark.parametrize("first", ["succeeded", "failed"])
def test_a_reported_outcome_can_still_become_rolled_back(first: str) -> None:
    state = reported_state(claimed_state(approved_state(HARD)), first)
    assert execution(reported_state(state, "rolled_back")) is ROLLED_BACK


@pytest.mark.parametrize(
    ("first", "then"),
    [("succeeded", "failed"), ("failed", "succeeded"), ("rolled_back", "succeeded"), ("rolled_back", "failed")],
)
def test_other_second_outcomes_are_refused(first: str, then: str) -> None:
    state = reported_state(claimed_state(approved_state(HARD)), first)
    assert report(state, outcome=then) is Reason.ALREADY_REPORTED


def test_only_the_claimant_can_report_an_outcome() -> None:
    assert report(claimed_state(approved_state(HARD)), claim_id="clm_2") is Reason.NOT_CLAIMED


def test_an_outcome_requires_a_claim() -> None:
    assert report(approved_state(HARD)) is Reason.NOT_CLAIMED


def test_a_package_with_an_outcome_cannot_be_claimed_again() -> None:
    state = reported_state(claimed_state(approved_state(HARD)))
    assert claim(state) is Reason.ALREADY_REPORTED
    assert claim(state, fields={"claim_id": "clm_2"}) is Reason.ALREADY_CLAIMED


def test_a_paused_agent_can_still_report_an_outcome() -> None:
    state = claimed_state(approved_state(HARD))
    assert execution(reported_state(state, agent=agent(frozen=True))) is SUCCEEDED


# Expiry and unknown outcomes.


def test_an_approval_that_nobody_claims_lapses() -> None:
    state = approved_state(HARD)
    assert refusal(state, ask(Lapse, state), now=NOW + 2 * DAY - MINUTE) is Reason.NOT_DUE
    lapsed = after(state, ask(Lapse, state), now=NOW + 2 * DAY)
    assert (execution(lapsed), lapsed.status, lapsed.lapses_at) == (LAPSED, Status.APPROVED, None)
    assert claim(lapsed) is Reason.APPROVAL_LAPSED
    assert refusal(lapsed, ask(Lapse, lapsed), now=NOW + 9 * DAY) is Reason.NOT_DUE


def test_a_claimed_permission_does_not_lapse() -> None:
    state = claimed_state(approved_state(HARD))
    assert refusal(state, ask(Lapse, state), now=NOW + 9 * DAY) is Reason.NOT_DUE


def test_an_unreported_outcome_is_unknown_and_is_never_tried_again() -> None:
    state = claimed_state(approved_state(HARD))
    assert refusal(state, ask(LoseTrack, state), now=NOW + HOUR - MINUTE) is Reason.NOT_DUE
    lost = after(state, ask(LoseTrack, state), now=NOW + HOUR)
    assert (execution(lost), lost.may_proceed(NOW + HOUR)) == (UNKNOWN, False)
    assert claim(lost, fields={"claim_id": "clm_2"}) is Reason.ALREADY_CLAIMED
    assert refusal(lost, ask(LoseTrack, lost), now=NOW + DAY) is Reason.NOT_DUE


@pytest.mark.parametrize("outcome", [SUCCEEDED, FAILED, ROLLED_BACK])
def test_a_late_report_is_still_accepted(outcome: ExecutionState) -> None:
    lost = after(
        claimed_state(approved_state(HARD)), ask(LoseTrack, claimed_state(approved_state(HARD))), now=NOW + HOUR
    )
    assert execution(reported_state(lost, outcome.value, now=NOW + DAY)) is outcome


# Revoking a permission.


@pytest.mark.parametrize("by", [SENTA, SVEN, DORA, ROSE], ids=["approver", "another reviewer", "director", "requester"])
def test_a_permission_can_be_revoked_until_it_is_claimed(by: str) -> None:
    state = approved_state(HARD)
    revoked = after(state, ask(Revoke, state), by=by)
    assert (revoked.status, revoked.may_proceed(NOW), revoked.lapses_at) == (Status.REVOKED, False, None)
    assert revoked.decision is not None
    assert (revoked.decision.decision, revoked.decision.basis) == (None, Basis.HUMAN)
    assert [seat.reviewer_id for seat in revoked.decision.reviewers] == [by]
    assert claim(revoked) is Reason.MAY_NOT_PROCEED


def test_the_record_names_the_role_in_which_a_permission_was_revoked() -> None:
    state = after(approved_state(HARD), ask(Revoke, approved_state(HARD)), by=ROSE)
    assert state.decision is not None
    assert state.decision.reviewers == (Seat(reviewer_id=ROSE, role="requester"),)


def test_a_claimed_permission_cannot_be_revoked() -> None:
    state = claimed_state(approved_state(HARD))
    assert refusal(state, ask(Revoke, state), by=SENTA) is Reason.ALREADY_CLAIMED


def test_a_person_without_the_role_cannot_revoke() -> None:
    state = approved_state(HARD)
    assert refusal(state, ask(Revoke, state), by=RITA) is Reason.WRONG_ROLE


def test_a_lapsed_permission_cannot_be_revoked() -> None:
    state = after(approved_state(HARD), ask(Lapse, approved_state(HARD)), now=NOW + 2 * DAY)
    assert refusal(state, ask(Revoke, state), by=SENTA) is Reason.NOT_IN_THIS_STATE
