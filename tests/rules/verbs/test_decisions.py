"""The result of each decision."""

from __future__ import annotations

from typing import Any

import pytest

from rules.package.model import DecisionPackage
from rules.reasons import Reason
from rules.scales import HITLLevel
from rules.state.agent_commands import ClaimExecution, NewVersion
from rules.state.commands import (
    Answer,
    Approve,
    ApproveWithEdits,
    Defer,
    Escalate,
    HumanDecisionCommand,
    HumanDecisionType,
    HumanOverrideCommand,
    Object,
    OverrideDecision,
    Reject,
    RequestMoreEvidence,
    Revise,
    TakeOver,
    Withdraw,
)
from rules.state.decisions import Basis, Seat
from rules.state.model import Status
from tests.rules.world import (
    AGENT,
    CRITICAL,
    DAY,
    DORA,
    HARD,
    HOUR,
    MINUTE,
    NOW,
    QUESTION,
    RITA,
    ROSE,
    SENTA,
    SOFT,
    SUSI,
    TAKEOVER,
    after,
    approved_state,
    ask,
    opened_state,
    package,
    refusal,
    submitted_state,
    transition_of,
)

SETTLING = [
    pytest.param(HARD, Approve, Status.APPROVED, HumanDecisionType.APPROVE, id="approve"),
    pytest.param(HARD, Reject, Status.REJECTED, HumanDecisionType.REJECT, id="reject"),
    pytest.param(HARD, Revise, Status.REVISION_REQUESTED, HumanDecisionType.REVISE, id="revise"),
    pytest.param(
        HARD, RequestMoreEvidence, Status.EVIDENCE_REQUESTED, HumanDecisionType.REQUEST_MORE_EVIDENCE, id="evidence"
    ),
    pytest.param(HARD, Defer, Status.DEFERRED, HumanDecisionType.DEFER, id="defer"),
    pytest.param(HARD, HumanOverrideCommand, Status.OVERRIDDEN, HumanDecisionType.OVERRIDE, id="override"),
    pytest.param(HARD, TakeOver, Status.TAKEN_OVER, HumanDecisionType.TAKE_OVER, id="take over"),
    pytest.param(TAKEOVER, TakeOver, Status.TAKEN_OVER, HumanDecisionType.TAKE_OVER, id="take over a takeover package"),
    pytest.param(QUESTION, Answer, Status.APPROVED, HumanDecisionType.ANSWER, id="answer"),
    pytest.param(SOFT, Approve, Status.APPROVED, HumanDecisionType.APPROVE, id="approve a soft package"),
]


@pytest.mark.parametrize(("proposal", "kind", "status", "decision"), SETTLING)
def test_one_persons_decision_is_enough_without_a_quorum(
    proposal: DecisionPackage, kind: type[HumanDecisionCommand], status: Status, decision: HumanDecisionType
) -> None:
    state = after(
        submitted_state(proposal),
        ask(kind, submitted_state(proposal), rendering_id="rnd_7"),
        by=SENTA,
        now=NOW + MINUTE,
    )
    assert state.status is status
    decision_made = state.decision
    assert decision_made is not None
    assert (decision_made.decision, decision_made.basis, decision_made.decided_at, decision_made.latency_ms) == (
        decision,
        Basis.HUMAN,
        NOW + MINUTE,
        60_000,
    )
    assert decision_made.reviewers == (Seat(reviewer_id=SENTA, role="senior_reviewer"),)
    assert (decision_made.package_version, decision_made.rendering_id) == (1, "rnd_7")


@pytest.mark.parametrize(
    ("proposal", "kind", "may"),
    [
        (HARD, Approve, True),
        (HARD, HumanOverrideCommand, True),
        (HARD, Reject, False),
        (HARD, TakeOver, False),
        (HARD, Defer, False),
        (QUESTION, Answer, False),
    ],
)
def test_only_an_approval_lets_the_agent_proceed(
    proposal: DecisionPackage, kind: type[HumanDecisionCommand], may: bool
) -> None:
    state = submitted_state(proposal)
    assert after(state, ask(kind, state), by=SENTA).may_proceed(NOW) is may


def test_the_texts_of_a_decision_are_stored_beside_its_event() -> None:
    state = submitted_state(HARD)
    move = transition_of(state, ask(Reject, state, comment="No order."), by=SENTA)
    texts = {event.event_id: event.words for event in move.occurrences}
    assert move.after.decision is not None
    assert texts[move.after.decision.event_id] == {"comment": "No order."}


# Decisions that the package or its tier does not accept.


@pytest.mark.parametrize("kind", [Approve, ApproveWithEdits, HumanOverrideCommand])
def test_a_takeover_cannot_be_approved(kind: type[HumanDecisionCommand]) -> None:
    state = submitted_state(TAKEOVER)
    assert refusal(state, ask(kind, state), by=SENTA) is Reason.LEVEL_IS_TAKEOVER


@pytest.mark.parametrize("kind", [Approve, ApproveWithEdits, HumanOverrideCommand])
def test_a_question_is_answered_and_not_approved(kind: type[HumanDecisionCommand]) -> None:
    state = submitted_state(QUESTION)
    assert refusal(state, ask(kind, state), by=RITA) is Reason.A_QUESTION


def test_only_questions_can_be_answered() -> None:
    state = submitted_state(HARD)
    assert refusal(state, ask(Answer, state), by=SENTA) is Reason.NOT_A_QUESTION


@pytest.mark.parametrize("kind", [Approve, ApproveWithEdits])
def test_at_high_risk_an_approval_needs_a_comment(kind: type[HumanDecisionCommand]) -> None:
    state = submitted_state(HARD)
    assert refusal(state, ask(kind, state, comment=None), by=SENTA) is Reason.COMMENT_REQUIRED


@pytest.mark.parametrize("kind", [Reject, HumanOverrideCommand])
def test_a_rejection_needs_no_comment_and_an_overrides_reason_counts_as_one(kind: type[HumanDecisionCommand]) -> None:
    state = submitted_state(HARD)
    assert after(state, ask(kind, state, comment=None), by=SENTA).status.terminal


@pytest.mark.parametrize("kind", [Approve, ApproveWithEdits, HumanOverrideCommand])
def test_at_critical_risk_an_approval_requires_opened_details(kind: type[HumanDecisionCommand]) -> None:
    state = opened_state(submitted_state(CRITICAL), DORA)
    assert refusal(state, ask(kind, state), by=SUSI) is Reason.DETAILS_FIRST
    after(opened_state(state, SUSI), ask(kind, state), by=SUSI, package=CRITICAL)


@pytest.mark.parametrize("kind", [Reject, TakeOver])
def test_at_critical_risk_stopping_requires_no_details(kind: type[HumanDecisionCommand]) -> None:
    state = submitted_state(CRITICAL)
    assert after(state, ask(kind, state), by=SUSI).status.terminal


def test_the_agent_can_exclude_some_decisions_but_not_rejecting_escalating_or_taking_over() -> None:
    state = submitted_state(package(risk_level="high", allowed_decisions=["approve"]))
    assert refusal(state, ask(Revise, state), by=SENTA) is Reason.DECISION_NOT_ALLOWED
    for kind in (Approve, Reject, Escalate, TakeOver):
        after(state, ask(kind, state), by=SENTA)


# Stale commands.


@pytest.mark.parametrize("kind", [Approve, Reject, Revise, Escalate, TakeOver, Defer])
def test_a_click_on_an_older_version_is_refused(kind: type[HumanDecisionCommand]) -> None:
    state = submitted_state(HARD)
    newer = after(state, ask(NewVersion, state, package=HARD), by=AGENT.actor)
    assert refusal(newer, ask(kind, state), by=SENTA) is Reason.STALE_VERSION


def test_an_approval_from_the_card_of_an_earlier_rung_is_refused() -> None:
    state = submitted_state(HARD)
    raised = after(state, ask(Escalate, state), by=SENTA)
    assert refusal(raised, ask(Approve, state), by=SUSI) is Reason.STALE_RUNG
    assert after(raised, ask(Approve, raised), by=SUSI).status is Status.APPROVED


def test_a_role_of_an_earlier_rung_may_still_reject() -> None:
    state = submitted_state(HARD)
    raised = after(state, ask(Escalate, state), by=SENTA)
    assert after(raised, ask(Reject, state), by=SENTA).status is Status.REJECTED


@pytest.mark.parametrize("kind", [Approve, Reject, TakeOver, Withdraw])
def test_nothing_is_decided_twice(kind: type[Any]) -> None:
    state = submitted_state(HARD)
    rejected = after(state, ask(Reject, state), by=SENTA)
    assert refusal(rejected, ask(kind, rejected), by=ROSE if kind is Withdraw else DORA) is Reason.ALREADY_DECIDED


def test_a_late_decision_is_refused_with_the_name_of_the_decider() -> None:
    state = submitted_state(HARD)
    assert after(state, ask(Reject, state), by=SENTA).decided_by() == f"<@{SENTA}>"


# Object.


def test_an_objection_makes_the_package_hard_and_restarts_its_time() -> None:
    state = submitted_state(SOFT)
    objected = after(state, ask(Object, state), by=RITA, now=NOW + HOUR)
    assert (objected.status, objected.level, objected.version) == (Status.PENDING, HITLLevel.HARD_APPROVAL, 1)
    assert objected.why[0].rule == "objection"
    assert objected.task.due_at == NOW + HOUR + DAY


def test_only_soft_packages_can_be_objected_to() -> None:
    state = submitted_state(HARD)
    assert refusal(state, ask(Object, state), by=SENTA) is Reason.NOT_SOFT


# Override.


@pytest.mark.parametrize("missing", ["override_reason", "evidence_refs"])
def test_an_override_must_have_a_reason_and_evidence(missing: str) -> None:
    with pytest.raises(ValueError, match=missing):
        ask(HumanOverrideCommand, submitted_state(HARD), **{missing: [] if missing == "evidence_refs" else " "})


@pytest.mark.parametrize("decision", [OverrideDecision.STOP, OverrideDecision.OTHER])
def test_an_override_that_does_not_proceed_gives_no_permission(decision: OverrideDecision) -> None:
    state = submitted_state(HARD)
    stopped = after(state, ask(HumanOverrideCommand, state, override_decision=decision), by=SENTA)
    assert (stopped.status, stopped.may_proceed(NOW), stopped.lapses_at) == (Status.OVERRIDDEN, False, None)
    assert refusal(stopped, ask(ClaimExecution, stopped), by=AGENT.actor) is Reason.MAY_NOT_PROCEED


def test_an_override_keeps_what_was_recommended_and_why_it_was_overridden() -> None:
    state = submitted_state(HARD)
    move = transition_of(state, ask(HumanOverrideCommand, state), by=SENTA, package=package(recommendation="clarify"))
    assert move.occurrences[0].words == {
        "comment": "I looked at it.",
        "original_recommendation": "clarify",
        "override_reason": "The audit is tomorrow.",
        "evidence_refs": ["ticket 7"],
    }


@pytest.mark.parametrize(("chance", "sampled"), [(0.05, True), (0.5, False)])
def test_overrides_are_sampled(chance: float, sampled: bool) -> None:
    state = submitted_state(HARD)
    assert after(state, ask(HumanOverrideCommand, state), by=SENTA, chance=chance).sampled is sampled


def test_packages_that_a_person_approved_are_not_sampled() -> None:
    state = submitted_state(HARD)
    assert after(state, ask(Approve, state), by=SENTA, chance=0.0).sampled is False


# The package's expiry.


@pytest.mark.parametrize("kind", [Approve, HumanOverrideCommand])
def test_nothing_is_granted_after_the_package_expired(kind: type[HumanDecisionCommand]) -> None:
    state = submitted_state(package(risk_level="high", expires_at=NOW + HOUR))
    assert refusal(state, ask(kind, state), by=SENTA, now=NOW + HOUR) is Reason.ALREADY_EXPIRED
    assert after(state, ask(Reject, state), by=SENTA, now=NOW + HOUR).status is Status.REJECTED


def test_no_question_is_answered_after_the_package_expired() -> None:
    state = submitted_state(QUESTION.model_copy(update={"expires_at": NOW + HOUR}))
    assert refusal(state, ask(Answer, state), by=RITA, now=NOW + HOUR) is Reason.ALREADY_EXPIRED


def test_the_latency_is_zero_after_the_clock_was_set_back() -> None:
    decision = approved_state(HARD, now=NOW - HOUR).decision
    assert decision is not None
    assert decision.latency_ms == 0
