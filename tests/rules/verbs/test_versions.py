"""The next version of a package by its agent: assessed again, never milder."""

from __future__ import annotations

from typing import Any

import pytest

from rules.package.model import DecisionPackage
from rules.people.directory import AgentStanding
from rules.reasons import Reason
from rules.scales import HITLLevel, Reversibility, RiskLevel
from rules.state.agent_commands import NewVersion
from rules.state.commands import Approve, ApproveWithEdits, Defer, Escalate, Object, RequestMoreEvidence, Revise
from rules.state.model import PackageState, Status
from rules.state.situation import Memory
from tests.rules.world import (
    AGENT,
    CRITICAL,
    DAY,
    HARD,
    HOUR,
    NOW,
    SENTA,
    SOFT,
    TAKEOVER,
    after,
    agent,
    ask,
    no_to,
    package,
    policy,
    refusal,
    shown_state,
    submitted_state,
)


def revised_state(state: PackageState, proposal: DecisionPackage, **bearing: Any) -> PackageState:
    return after(state, ask(NewVersion, state, package=proposal), by=AGENT.actor, **bearing)


def edited_state(
    state: PackageState, by: str = SENTA, proposal: DecisionPackage = HARD, **bearing: Any
) -> PackageState:
    return after(state, ask(ApproveWithEdits, state), by=by, package=proposal, **bearing)


@pytest.mark.parametrize("first", [None, Revise, RequestMoreEvidence, Defer])
def test_a_new_version_is_accepted_in_any_open_status(first: type[Any] | None) -> None:
    state = submitted_state(HARD)
    state = after(state, ask(first, state), by=SENTA) if first else state
    newer = revised_state(state, package(risk_level="high", action_parameters={"record": "44"}))
    assert (newer.status, newer.version, newer.decision) == (Status.PENDING, 2, None)
    assert (newer.answer_by, newer.wake_at) == (None, None)
    assert newer.action_digest != state.action_digest


def test_a_requested_version_has_full_time_and_an_unrequested_one_has_not() -> None:
    state = submitted_state(HARD)
    asked = after(state, ask(Revise, state), by=SENTA)
    assert revised_state(asked, HARD, now=NOW + HOUR).task.due_at == NOW + HOUR + DAY
    assert revised_state(state, HARD, now=NOW + HOUR).task.due_at == NOW + DAY


def test_a_new_version_drops_the_votes_and_the_proof_of_the_old_one() -> None:
    two = policy(tiers={"high": {"quorum": 2}})
    state = shown_state(submitted_state(HARD, policy=two), policy=two)
    state = after(state, ask(Approve, state), by=SENTA, policy=two)
    newer = revised_state(state, HARD, policy=two)
    assert (newer.votes, newer.shown) == ((), None)
    assert after(newer, ask(Approve, newer), by=SENTA, policy=two).status is Status.PENDING


@pytest.mark.parametrize(
    "proposal",
    [package(risk_level="low"), package(confidence=1.0), package(reversibility="reversible")],
    ids=["risk", "confidence", "reversibility"],
)
def test_a_new_version_never_has_a_lower_level(proposal: DecisionPackage) -> None:
    state = submitted_state(package(risk_level="high", confidence=0.4, reversibility="irreversible_high"))
    newer = revised_state(state, proposal.model_copy(update={"risk_level": RiskLevel.LOW}))
    assert (newer.level, newer.risk) == (HITLLevel.HUMAN_TAKEOVER, RiskLevel.HIGH)
    assert newer.reversibility is Reversibility.IRREVERSIBLE_HIGH


def test_an_objection_is_not_undone_by_a_new_version() -> None:
    state = submitted_state(SOFT)
    objected = after(state, ask(Object, state), by=SENTA)
    assert revised_state(objected, SOFT).level is HITLLevel.HARD_APPROVAL


def test_a_new_version_stays_on_the_same_rung() -> None:
    state = submitted_state(HARD)
    raised = after(state, ask(Escalate, state), by=SENTA)
    assert (revised_state(raised, HARD).task.rung, revised_state(raised, HARD).task.required_role) == (1, "supervisor")


def test_a_new_version_of_a_higher_risk_asks_the_higher_tier() -> None:
    newer = revised_state(submitted_state(SOFT), CRITICAL)
    assert (newer.terms.role, newer.terms.quorum, newer.task.required_role) == ("senior_reviewer", 2, "senior_reviewer")
    assert newer.terms.details_first


def test_a_new_version_under_a_milder_policy_keeps_its_terms() -> None:
    strict = policy(tiers={"high": {"quorum": 2, "of_role": {"supervisor": 1}, "details_first": True}})
    terms = revised_state(submitted_state(HARD, policy=strict), HARD).terms
    assert (terms.quorum, terms.of_role, terms.details_first) == (2, {"supervisor": 1}, True)


def test_climbed_rungs_stay_under_the_new_terms() -> None:
    state = submitted_state(SOFT)
    raised = after(state, ask(Escalate, state, to_role="supervisor"), by=SENTA)
    newer = revised_state(raised, CRITICAL)
    assert (newer.task.rung, newer.task.required_role) == (2, "supervisor")
    assert newer.terms.ladder == ("senior_reviewer", "supervisor", "director")


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [(None, 2, 2), (1, None, 1), (1, 2, 1), (2, 1, 1)],
    ids=["named later", "not named again", "put off", "brought forward"],
)
def test_the_packages_expiry_can_only_become_earlier(first: int | None, second: int | None, expected: int) -> None:
    state = submitted_state(package(risk_level="high", expires_at=first and NOW + first * HOUR))
    newer = revised_state(state, package(risk_level="high", expires_at=second and NOW + second * HOUR))
    assert newer.expires_at == NOW + expected * HOUR


@pytest.mark.parametrize(
    "changed",
    [{"action_type": "mail.send"}, {"subject_id": "43"}, {"kind": "plan"}],
    ids=["action type", "subject", "kind"],
)
def test_a_new_version_keeps_its_subject(changed: dict[str, Any]) -> None:
    state = submitted_state(HARD)
    other = ask(NewVersion, state, package=package(risk_level="high", **changed))
    assert refusal(state, other, by=AGENT.actor, package=HARD) is Reason.KEEPS_ITS_SUBJECT


@pytest.mark.parametrize(
    ("bearing", "proposal", "expected"),
    [
        pytest.param({"agent": agent(standing=AgentStanding.PAUSED)}, HARD, Reason.AGENT_PAUSED, id="paused"),
        pytest.param(
            {"memory": Memory(thread_stopped_by="pkg_0")}, HARD, Reason.THREAD_TAKEN_OVER, id="thread taken over"
        ),
        pytest.param({"memory": Memory(noes=(no_to(HARD),))}, HARD, Reason.ALREADY_REJECTED, id="rejected elsewhere"),
        pytest.param({}, package(expires_at=NOW), Reason.ALREADY_EXPIRED, id="end past"),
        pytest.param({}, package(evidence_refs=[]), Reason.QUALITY_GAPS, id="too incomplete for the earlier risk"),
    ],
)
def test_a_new_version_is_refused_too(bearing: dict[str, Any], proposal: DecisionPackage, expected: Reason) -> None:
    state = submitted_state(HARD)
    assert refusal(state, ask(NewVersion, state, package=proposal), by=AGENT.actor, **bearing) is expected


def test_no_new_version_is_accepted_after_the_expiry_of_an_earlier_one() -> None:
    state = submitted_state(package(risk_level="high", expires_at=NOW + HOUR))
    late = ask(NewVersion, state, package=HARD)
    assert refusal(state, late, by=AGENT.actor, now=NOW + HOUR) is Reason.ALREADY_EXPIRED


def test_the_package_that_holds_its_thread_can_be_revised() -> None:
    state = submitted_state(TAKEOVER)
    assert revised_state(state, TAKEOVER, memory=Memory(thread_stopped_by="pkg_1")).version == 2


def test_a_new_version_for_an_outdated_version_is_stale() -> None:
    state = submitted_state(HARD)
    late = ask(NewVersion, state, package=HARD)
    assert refusal(revised_state(state, HARD), late, by=AGENT.actor) is Reason.STALE_VERSION


def test_a_new_version_that_nobody_could_decide_is_refused() -> None:
    few = policy(
        roles={"senior_reviewer": {"members": [SENTA]}, "supervisor": {"members": []}, "director": {"members": []}}
    )
    state = submitted_state(HARD, policy=few)
    own = ask(NewVersion, state, package=package(risk_level="high", requested_by=SENTA))
    assert refusal(state, own, by=AGENT.actor, policy=few) is Reason.NO_ELIGIBLE_REVIEWER


@pytest.mark.parametrize(
    ("proposal", "thread", "holds"),
    [
        (TAKEOVER, "thr_1", True),
        (package(recommendation="escalate", thread_id=None), "thr_1", True),
        (TAKEOVER, None, False),
    ],
    ids=["in its thread", "not naming its thread again", "naming a thread too late"],
)
def test_a_version_at_takeover_holds_the_original_thread(
    proposal: DecisionPackage, thread: str | None, holds: bool
) -> None:
    newer = revised_state(submitted_state(package(thread_id=thread)), proposal)
    assert (newer.holds_thread, newer.thread_id) == (holds, thread)
