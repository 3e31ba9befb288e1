"""What people decide after a failure: a retry, a rollback, or nothing more."""

from __future__ import annotations

from typing import Any

import pytest

from rules.package.model import DecisionPackage
from rules.people.directory import AUTO
from rules.reasons import Reason
from rules.state.agent_commands import ClaimExecution, ReportExecution
from rules.state.commands import AllowRetry, Approve, AskRollback, Close, OpenDetails, OpenForm, Verb
from rules.state.decisions import ExecutionState, RecoveryDecision
from rules.state.events import EventType
from rules.state.model import PackageState, Status
from rules.state.service_commands import Lapse, LoseTrack
from rules.verbs.timers import next_due
from rules.verbs.trials import offered_verbs
from tests.rules.world import (
    AGENT,
    CRITICAL,
    DAY,
    DORA,
    HARD,
    HOUR,
    NOW,
    OWEN,
    POLICY,
    RITA,
    ROSE,
    SENTA,
    SOFT,
    SUSI,
    SVEN,
    after,
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

RECOVERIES = {AllowRetry.verb, AskRollback.verb, Close.verb}
AGAIN = {"claim_id": "clm_2"}


def failed(outcome: str = "failed") -> PackageState:
    return reported_state(claimed_state(approved_state(HARD)), outcome)


def unknown(content: DecisionPackage = HARD, by: str = SENTA) -> PackageState:
    state = claimed_state(approved_state(content, by))
    return after(state, ask(LoseTrack, state), by=AUTO, now=NOW + 2 * HOUR)


def shown(state: PackageState, *people: str) -> PackageState:
    """The state after these people went through the form that shows the action."""
    for who in people:
        state = after(state, ask(OpenForm, state), by=who)
    return state


def retry(state: PackageState, by: str = SENTA, **fields: Any) -> PackageState:
    state = shown(state, by)
    return after(state, ask(AllowRetry, state, **fields), by=by)


def confirmed(state: PackageState) -> dict[str, Any]:
    return {"confirmed": (state.action_digest,)}


def claim(state: PackageState, **bearing: Any) -> PackageState:
    return after(state, ask(ClaimExecution, state, **AGAIN), by=AGENT.actor, **bearing)


def offered(state: PackageState) -> set[Verb]:
    return set(offered_verbs(state)) & RECOVERIES


@pytest.mark.parametrize(
    ("state", "verbs"),
    [
        (failed(), RECOVERIES),
        (failed("rolled_back"), RECOVERIES - {AskRollback.verb}),
        (unknown(), RECOVERIES),
        (failed("succeeded"), set()),
        (approved_state(HARD), set()),
        (claimed_state(approved_state(HARD)), set()),
        (submitted_state(HARD), set()),
    ],
    ids=["failed", "rolled back", "unknown", "succeeded", "approved", "claimed", "pending"],
)
def test_the_answers_are_offered_after_a_failure_only(state: PackageState, verbs: set[str]) -> None:
    assert offered(state) == verbs


@pytest.mark.parametrize("kind", [AllowRetry, AskRollback, Close])
def test_without_a_failure_there_is_nothing_to_recover_from(kind: type[AllowRetry]) -> None:
    for state in (submitted_state(HARD), shown(approved_state(HARD), SENTA), shown(failed("succeeded"), SENTA)):
        assert refusal(state, ask(kind, state), by=SENTA) is Reason.NOT_IN_THIS_STATE


def test_an_allowed_retry_is_one_new_claim_under_the_same_approval() -> None:
    state = failed()
    allowed = retry(state, comment="The table is free now.")
    assert (allowed.status, allowed.decision, allowed.may_proceed(NOW)) == (state.status, state.decision, True)
    assert allowed.recovery
    assert (allowed.recovery.decision, allowed.recovery.by.reviewer_id) == (RecoveryDecision.RETRY, SENTA)
    again = claim(allowed)
    assert (again.execution.state, again.execution.claim_id) == (ExecutionState.CLAIMED, "clm_2")
    assert again.execution.earlier_claims == ("clm_1",)
    assert not again.may_proceed(NOW)
    third = ask(ClaimExecution, again, claim_id="clm_3")
    assert refusal(again, third, by=AGENT.actor) is Reason.ALREADY_CLAIMED


def test_the_words_of_a_retry_are_beside_the_chain() -> None:
    state = shown(failed(), SENTA)
    done = transition_of(state, ask(AllowRetry, state, comment="The table is free now."), by=SENTA)
    [allowed] = done.occurrences
    assert allowed.event_type is EventType.PACKAGE_RETRY_ALLOWED
    assert allowed.words == {"comment": "The table is free now."}
    assert allowed.authority
    assert allowed.authority.roles == ("senior_reviewer",)


@pytest.mark.parametrize(
    ("who", "reason"),
    [(ROSE, Reason.IS_REQUESTER), (OWEN, Reason.IS_OWNER), (RITA, Reason.WRONG_ROLE)],
    ids=["the requester", "the owner", "a person without the role"],
)
def test_a_retry_requires_what_an_approval_requires(who: str, reason: Reason) -> None:
    state = shown(failed(), who)
    assert refusal(state, ask(AllowRetry, state), by=who) is reason


@pytest.mark.parametrize("kind", [AskRollback, Close])
@pytest.mark.parametrize("who", [ROSE, OWEN, SENTA], ids=["the requester", "the owner", "a reviewer"])
def test_the_requester_and_the_owner_may_ask_for_a_rollback_or_close(kind: type[AskRollback], who: str) -> None:
    state = failed()
    stopped = after(state, ask(kind, state, comment=None), by=who)
    assert stopped.recovery
    assert stopped.recovery.by.reviewer_id == who
    assert not stopped.may_proceed(NOW)


def test_the_card_of_an_approved_package_does_not_show_what_is_retried() -> None:
    state = failed()
    assert state.whole_on_card
    assert refusal(state, ask(AllowRetry, state), by=SENTA) is Reason.NOT_SHOWN_WHOLE


def test_a_retry_of_a_critical_action_needs_the_quorum_of_its_tier() -> None:
    state = submitted_state(CRITICAL)
    for who in (SUSI, DORA):
        state = after(state, ask(OpenDetails, state), by=who)
        state = after(state, ask(Approve, state), by=who)
    state = reported_state(claimed_state(state), "failed")
    one = retry(state, by=SUSI)
    assert (one.recovery, one.may_proceed(NOW), len(one.retry_votes)) == (None, False, 1)
    assert refusal(one, ask(AllowRetry, one), by=SUSI) is Reason.ALREADY_COUNTED
    two = retry(one, by=DORA)
    assert (two.may_proceed(NOW), len(two.retry_votes)) == (True, 2)


def test_after_an_unknown_outcome_a_retry_needs_a_tick_and_a_sentence() -> None:
    state = shown(unknown(SOFT, RITA), RITA)
    for fields in ({}, confirmed(state) | {"comment": None}, {"confirmed": ("sha256:other",)}):
        unsure = ask(AllowRetry, state, **fields)
        assert refusal(state, unsure, by=RITA) is Reason.RETRY_UNCONFIRMED
    assert retry(state, RITA, **confirmed(state)).may_proceed(NOW)


def test_the_second_of_two_answers_is_told_of_the_first() -> None:
    state = failed()
    closed = shown(after(state, ask(Close, state), by=SVEN), SENTA)
    for kind in (AllowRetry, AskRollback, Close):
        assert refusal(closed, ask(kind, closed), by=SENTA) is Reason.RECOVERY_DECIDED
    assert offered(closed) == set()


@pytest.mark.parametrize("kind", [AskRollback, Close])
def test_a_rollback_or_close_ends_a_retry_until_it_is_claimed(kind: type[AskRollback]) -> None:
    allowed = retry(failed())
    stopped = after(allowed, ask(kind, allowed), by=SVEN)
    assert not stopped.may_proceed(NOW)
    late = ask(ClaimExecution, stopped, **AGAIN)
    assert refusal(stopped, late, by=AGENT.actor) is Reason.ALREADY_CLAIMED
    begun = claim(allowed)
    assert refusal(begun, ask(kind, begun), by=SVEN) is Reason.NOT_IN_THIS_STATE


def test_a_late_success_makes_an_unclaimed_retry_needless() -> None:
    state = unknown()
    allowed = retry(state, **confirmed(state))
    late = after(allowed, ask(ReportExecution, allowed, outcome="succeeded"), by=AGENT.actor)
    assert (late.execution.state, late.recovery, late.may_proceed(NOW)) == (ExecutionState.SUCCEEDED, None, False)
    assert refusal(late, ask(ClaimExecution, late, **AGAIN), by=AGENT.actor) is Reason.ALREADY_CLAIMED


def test_a_late_report_of_an_attempt_that_a_retry_replaced_is_refused() -> None:
    again = claim(retry(failed()))
    late = ask(ReportExecution, again, claim_id="clm_1", outcome="rolled_back")
    assert refusal(again, late, by=AGENT.actor) is Reason.CLAIM_REPLACED


def test_the_claim_of_the_failed_attempt_is_not_the_retry() -> None:
    allowed = retry(failed())
    assert refusal(allowed, ask(ClaimExecution, allowed), by=AGENT.actor) is Reason.ALREADY_REPORTED


def test_a_lost_reply_to_the_claim_of_a_retry_is_harmless() -> None:
    again = claim(retry(failed()))
    assert claim(again) == again


def test_the_digest_is_checked_again() -> None:
    allowed = retry(failed())
    other = ask(ClaimExecution, allowed, action_digest="sha256:other", **AGAIN)
    assert refusal(allowed, other, by=AGENT.actor) is Reason.DIGEST_MISMATCH


@pytest.mark.parametrize("lost", [SENTA, SVEN], ids=["who approved", "who allowed the retry"])
def test_a_retry_is_void_if_a_vote_for_it_or_for_the_approval_no_longer_counts(lost: str) -> None:
    allowed = retry(failed(), by=SVEN)
    left = policy(roles={"senior_reviewer": {"members": [{SENTA: SVEN, SVEN: SENTA}[lost]]}})
    outcome = transition_of(allowed, ask(ClaimExecution, allowed, **AGAIN), by=AGENT.actor, policy=left)
    assert outcome.refusal
    assert (outcome.refusal.reason, outcome.after.status) == (Reason.APPROVAL_NO_LONGER_VALID, Status.REVOKED)


def test_a_retry_expires_like_an_approval_and_people_can_decide_again() -> None:
    allowed = retry(failed())
    late = NOW + POLICY.tiers.of(allowed.risk).approval_expiry
    assert next_due(allowed) == (late, Lapse.verb)
    command = ask(ClaimExecution, allowed, **AGAIN)
    assert refusal(allowed, command, by=AGENT.actor, now=late) is Reason.APPROVAL_LAPSED
    lapsed = after(allowed, ask(Lapse, allowed), by=AUTO, now=late)
    assert (lapsed.execution.state, lapsed.recovery) == (ExecutionState.FAILED, None)
    assert refusal(lapsed, command, by=AGENT.actor, now=late + DAY) is Reason.APPROVAL_LAPSED
    assert offered(lapsed) == RECOVERIES


def test_a_retry_cannot_be_allowed_after_the_packages_own_end() -> None:
    ending = package(risk_level="high", expires_at=NOW + HOUR)
    state = shown(reported_state(claimed_state(approved_state(ending)), "failed"), SENTA)
    assert refusal(state, ask(AllowRetry, state), by=SENTA, now=NOW + HOUR) is Reason.ALREADY_EXPIRED


def test_after_a_second_failure_people_decide_again() -> None:
    again = claim(retry(failed()))
    second = after(again, ask(ReportExecution, again, outcome="failed", **AGAIN), by=AGENT.actor)
    assert (second.recovery, second.retry_votes, offered(second)) == (None, (), RECOVERIES)
    assert retry(second).may_proceed(NOW)


def test_a_successful_retry_keeps_who_allowed_it() -> None:
    again = claim(retry(failed()))
    done = after(again, ask(ReportExecution, again, outcome="succeeded", **AGAIN), by=AGENT.actor)
    assert done.recovery
    assert done.recovery.decision is RecoveryDecision.RETRY


def test_a_rollback_that_was_asked_for_is_kept_and_a_retry_is_possible_afterwards() -> None:
    state = failed()
    asked = after(state, ask(AskRollback, state), by=OWEN)
    assert offered(asked) == {Close.verb}
    undone = after(asked, ask(ReportExecution, asked, outcome="rolled_back"), by=AGENT.actor)
    assert undone.recovery
    assert undone.recovery.decision is RecoveryDecision.ROLLBACK
    assert retry(undone).may_proceed(NOW)


# A package that itself asks what to do after a failure.

ASKING = package(interrupt_type="error_recovery")


def test_a_package_about_a_failure_always_waits_for_people_and_offers_the_answers_instead_of_approve() -> None:
    state = submitted_state(ASKING)
    assert (state.level, state.soft) == (submitted_state(HARD).level, False)
    assert offered(state) == RECOVERIES
    assert Approve.verb not in offered_verbs(state)


def test_allowing_the_retry_of_such_a_package_approves_it() -> None:
    state = submitted_state(ASKING)
    allowed = retry(state, by=RITA)
    assert (allowed.status, allowed.may_proceed(NOW)) == (Status.APPROVED, True)


@pytest.mark.parametrize(
    ("kind", "decision"), [(AskRollback, RecoveryDecision.ROLLBACK), (Close, RecoveryDecision.ABANDON)]
)
def test_a_rollback_or_close_of_such_a_package_ends_it_and_is_no_rejection_of_its_action(
    kind: type[AskRollback], decision: RecoveryDecision
) -> None:
    state = submitted_state(ASKING)
    ended = after(state, ask(kind, state), by=RITA)
    assert (ended.status, ended.recovery and ended.recovery.decision) == (Status.REJECTED, decision)
    assert ended.noes == ()


def test_a_package_that_excludes_approving_refuses_a_retry_and_says_what_it_accepts() -> None:
    state = submitted_state(package(interrupt_type="error_recovery", allowed_decisions=["revise"]))
    assert refusal(state, ask(AllowRetry, state), by=RITA) is Reason.DECISION_NOT_ALLOWED
