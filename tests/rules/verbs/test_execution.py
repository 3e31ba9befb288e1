"""Approval is not execution: claimed once, for exactly what was approved; reported, or lost track of."""

from __future__ import annotations

from typing import Any

import pytest

from rules.people.directory import AgentStanding
from rules.reasons import Reason
from rules.state.clock_commands import Lapse, LoseTrack
from rules.state.commands import ClaimExecution, Reject, ReportExecution, Revoke
from rules.state.model import Basis, ExecutionState, PackageState, Seat, Status
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
    approved,
    ask,
    claimed,
    happened,
    package,
    policy,
    refusal,
    reported,
    submitted,
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
    state = claimed(approved(HARD), now=NOW + HOUR)
    assert (execution(state), state.execution.claim_id, state.execution.claimed_at) == (CLAIMED, "clm_1", NOW + HOUR)
    assert (state.status, state.may_proceed(NOW + HOUR)) == (Status.APPROVED, False)


def test_the_same_claim_again_is_the_same_claim() -> None:
    state = claimed(approved(HARD))
    again = happened(state, ask(ClaimExecution, state), by=AGENT.actor, now=NOW + HOUR)
    assert (again.after, again.occurrences) == (state, ())


def test_another_claim_is_refused() -> None:
    assert claim(claimed(approved(HARD)), fields={"claim_id": "clm_2"}) is Reason.ALREADY_CLAIMED


def test_a_claim_for_anything_but_what_was_approved_is_refused() -> None:
    assert claim(approved(HARD), fields={"action_digest": "sha256:0"}) is Reason.DIGEST_MISMATCH


def test_an_approval_can_be_used_for_two_days() -> None:
    late = NOW + 2 * DAY - MINUTE
    assert approved(HARD).may_proceed(late)
    assert execution(claimed(approved(HARD), now=late)) is CLAIMED


def test_then_it_has_lapsed_though_the_clock_may_not_have_said_so_yet() -> None:
    late = NOW + 2 * DAY
    assert not approved(HARD).may_proceed(late)
    assert claim(approved(HARD), now=late) is Reason.APPROVAL_LAPSED


@pytest.mark.parametrize(
    ("bearing", "expected"),
    [
        ({"agent": agent(standing=AgentStanding.PAUSED)}, Reason.AGENT_PAUSED),
        ({"agent": agent(frozen=True)}, Reason.AGENT_PAUSED),
        ({"agent": None}, Reason.AGENT_PAUSED),
        ({"memory": Memory(thread_taken_in="pkg_0")}, Reason.THREAD_TAKEN_OVER),
    ],
    ids=["paused", "frozen", "gone", "thread taken over"],
)
def test_nothing_is_claimed_while_something_bars_the_agent(bearing: dict[str, Any], expected: Reason) -> None:
    assert claim(approved(HARD), **bearing) is expected


@pytest.mark.parametrize(
    "state",
    [submitted(HARD), after(submitted(HARD), ask(Reject, submitted(HARD)), by=SENTA)],
    ids=["pending", "rejected"],
)
def test_what_gives_no_permission_cannot_be_claimed(state: PackageState) -> None:
    assert claim(state) is Reason.MAY_NOT_PROCEED


def test_what_policy_let_through_is_claimed_like_anything_else() -> None:
    assert execution(claimed(submitted(AUTOMATIC))) is CLAIMED


def test_an_approval_ends_no_later_than_the_agents_own_end() -> None:
    state = approved(package(risk_level="high", expires_at=NOW + HOUR))
    assert state.lapses_at == NOW + HOUR
    assert claim(state, now=NOW + HOUR) is Reason.APPROVAL_LAPSED


def test_a_policy_that_shortens_approvals_is_obeyed() -> None:
    assert approved(HARD, policy=policy(tiers={"high": {"approval_expiry": "1h"}})).lapses_at == NOW + HOUR
    assert approved(HARD, policy=policy(tiers={"high": {"approval_expiry": "9d"}})).lapses_at == NOW + 2 * DAY


# Reporting.


@pytest.mark.parametrize("outcome", [SUCCEEDED, FAILED, ROLLED_BACK])
def test_the_outcome_is_reported(outcome: ExecutionState) -> None:
    state = reported(claimed(approved(HARD)), outcome.value, now=NOW + MINUTE)
    assert (execution(state), state.execution.reported_at, state.outcome_by) == (outcome, NOW + MINUTE, None)
    assert state.status is Status.APPROVED


@pytest.mark.parametrize("outcome", ["succeeded", "failed", "rolled_back"])
def test_the_same_report_again_changes_nothing(outcome: str) -> None:
    state = reported(claimed(approved(HARD)), outcome)
    assert happened(state, ask(ReportExecution, state, outcome=outcome), by=AGENT.actor).occurrences == ()


@pytest.mark.parametrize("first", ["succeeded", "failed"])
def test_what_was_done_can_still_be_rolled_back(first: str) -> None:
    state = reported(claimed(approved(HARD)), first)
    assert execution(reported(state, "rolled_back")) is ROLLED_BACK


@pytest.mark.parametrize(
    ("first", "then"),
    [("succeeded", "failed"), ("failed", "succeeded"), ("rolled_back", "succeeded"), ("rolled_back", "failed")],
)
def test_else_an_outcome_stands(first: str, then: str) -> None:
    state = reported(claimed(approved(HARD)), first)
    assert report(state, outcome=then) is Reason.ALREADY_REPORTED


def test_only_who_claimed_it_reports_it() -> None:
    assert report(claimed(approved(HARD)), claim_id="clm_2") is Reason.NOT_CLAIMED


def test_what_was_not_claimed_has_no_outcome() -> None:
    assert report(approved(HARD)) is Reason.NOT_CLAIMED


def test_what_has_an_outcome_cannot_be_claimed_again() -> None:
    state = reported(claimed(approved(HARD)))
    assert claim(state) is Reason.ALREADY_REPORTED
    assert claim(state, fields={"claim_id": "clm_2"}) is Reason.ALREADY_CLAIMED


def test_a_paused_agent_still_reports_what_it_did() -> None:
    state = claimed(approved(HARD))
    assert execution(reported(state, agent=agent(frozen=True))) is SUCCEEDED


# What time does to it.


def test_an_approval_that_nobody_claims_lapses() -> None:
    state = approved(HARD)
    assert refusal(state, ask(Lapse, state), now=NOW + 2 * DAY - MINUTE) is Reason.NOT_DUE
    lapsed = after(state, ask(Lapse, state), now=NOW + 2 * DAY)
    assert (execution(lapsed), lapsed.status, lapsed.lapses_at) == (LAPSED, Status.APPROVED, None)
    assert claim(lapsed) is Reason.APPROVAL_LAPSED
    assert refusal(lapsed, ask(Lapse, lapsed), now=NOW + 9 * DAY) is Reason.NOT_DUE


def test_what_was_claimed_does_not_lapse() -> None:
    state = claimed(approved(HARD))
    assert refusal(state, ask(Lapse, state), now=NOW + 9 * DAY) is Reason.NOT_DUE


def test_silence_about_the_outcome_is_unknown_and_never_a_second_try() -> None:
    state = claimed(approved(HARD))
    assert refusal(state, ask(LoseTrack, state), now=NOW + HOUR - MINUTE) is Reason.NOT_DUE
    lost = after(state, ask(LoseTrack, state), now=NOW + HOUR)
    assert (execution(lost), lost.may_proceed(NOW + HOUR)) == (UNKNOWN, False)
    assert claim(lost, fields={"claim_id": "clm_2"}) is Reason.ALREADY_CLAIMED
    assert refusal(lost, ask(LoseTrack, lost), now=NOW + DAY) is Reason.NOT_DUE


@pytest.mark.parametrize("outcome", [SUCCEEDED, FAILED, ROLLED_BACK])
def test_a_report_that_comes_late_is_still_heard(outcome: ExecutionState) -> None:
    lost = after(claimed(approved(HARD)), ask(LoseTrack, claimed(approved(HARD))), now=NOW + HOUR)
    assert execution(reported(lost, outcome.value, now=NOW + DAY)) is outcome


# Taking a permission back.


@pytest.mark.parametrize("by", [SENTA, SVEN, DORA, ROSE], ids=["approver", "another reviewer", "director", "requester"])
def test_a_permission_is_taken_back_until_it_is_claimed(by: str) -> None:
    state = approved(HARD)
    revoked = after(state, ask(Revoke, state), by=by)
    assert (revoked.status, revoked.may_proceed(NOW), revoked.lapses_at) == (Status.REVOKED, False, None)
    assert revoked.decision is not None
    assert (revoked.decision.decision, revoked.decision.basis) == (None, Basis.HUMAN)
    assert [seat.reviewer_id for seat in revoked.decision.reviewers] == [by]
    assert claim(revoked) is Reason.MAY_NOT_PROCEED


def test_the_record_says_in_which_role_a_permission_was_taken_back() -> None:
    state = after(approved(HARD), ask(Revoke, approved(HARD)), by=ROSE)
    assert state.decision is not None
    assert state.decision.reviewers == (Seat(reviewer_id=ROSE, role="requester"),)


def test_what_was_claimed_is_no_longer_taken_back() -> None:
    state = claimed(approved(HARD))
    assert refusal(state, ask(Revoke, state), by=SENTA) is Reason.ALREADY_CLAIMED


def test_somebody_without_the_role_takes_nothing_back() -> None:
    state = approved(HARD)
    assert refusal(state, ask(Revoke, state), by=RITA) is Reason.WRONG_ROLE


def test_a_permission_that_lapsed_is_not_there_to_be_taken_back() -> None:
    state = after(approved(HARD), ask(Lapse, approved(HARD)), now=NOW + 2 * DAY)
    assert refusal(state, ask(Revoke, state), by=SENTA) is Reason.NOT_IN_THIS_STATE
