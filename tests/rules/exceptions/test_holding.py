"""An exception that holds: its rule does not speak, all others do, and each use is proved again when it is used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from rules.authority.exceptions import why_not_in_force
from rules.package.exceptions import ExceptionUse
from rules.people.autonomy import AutonomyProfile
from rules.people.directory import Actor, ActorKind
from rules.reasons import Reason, Refusal
from rules.scales import HITLLevel
from rules.state import agent_commands, service_commands
from rules.state.changes import apply_changes
from rules.state.commands import Approve, Judge, Revoke
from rules.state.decisions import Basis
from rules.state.model import PackageState, Status
from rules.state.situation import Memory
from rules.state.transition import Transition
from rules.threads.following import commands_to_follow
from rules.threads.handing_over import is_granted_without_people
from rules.threads.model import ThreadState
from rules.verbs.decide import decide
from tests.rules.exceptions.excepting import MARKED, asked_state, costly, granted_state, marking
from tests.rules.world import (
    AGENT,
    DAY,
    HOUR,
    NOW,
    OWEN,
    RITA,
    SENTA,
    SUSI,
    SVEN,
    after,
    agent,
    ask,
    claimed_state,
    no_to,
    package,
    people,
    reported_state,
    shown_state,
    situation,
    submission,
    submitted_state,
    transition_of,
)

GRANTED = granted_state()
TRUSTED = AutonomyProfile(agent_id="agt_1", action_type="refund", current_level=HITLLevel.FULL_AUTO)
HOLDING: dict[str, Any] = {"policy": MARKED, "exceptions": (GRANTED,), "profile": TRUSTED}


def level_of(state: PackageState) -> tuple[HITLLevel, list[str]]:
    return state.level, [why.rule for why in state.why]


def test_while_it_holds_its_rule_does_not_speak() -> None:
    before = submitted_state(costly(), **HOLDING | {"exceptions": ()})
    assert level_of(before)[0] is HITLLevel.HARD_APPROVAL
    spared = submitted_state(costly(), **HOLDING)
    assert (spared.status, spared.level) == (Status.APPROVED, HITLLevel.FULL_AUTO)


def test_the_decision_that_it_spared_cites_it_in_basis_reasons_and_record() -> None:
    transition = transition_of(None, submission(costly(), "pkg_2"), by=AGENT.actor, **HOLDING)
    assert transition.after.decision is not None
    assert (transition.after.decision.basis, transition.after.decision.grant_id) == (Basis.EXCEPTION, "pkg_1")
    assert transition.after.exception_uses == (
        ExceptionUse(exception_id="pkg_1", rule="cost", asked=HITLLevel.HARD_APPROVAL),
    )
    assert transition.after.why[-1].because == "exception pkg_1 sets aside the rule cost, which asks for hard_approval"
    events = [(event.event_type.value, event.reason) for event in transition.occurrences]
    assert events == [
        ("package.submitted", None),
        ("exception.used", "exception pkg_1"),
        ("package.approved", None),
    ]


def test_all_other_rules_still_speak() -> None:
    state = submitted_state(costly(confidence=0.6), **HOLDING)
    assert (state.status, state.level) == (Status.PENDING, HITLLevel.HARD_APPROVAL)
    assert [why.rule for why in state.why] == ["confidence", "matrix-reversible", "exception"]


def test_what_goes_ahead_without_it_does_not_cite_it() -> None:
    cheap = submitted_state(costly(cost=None), **HOLDING)
    assert cheap.decision is not None
    assert (cheap.decision.basis, cheap.exception_uses) == (Basis.POLICY, ())


TREASURED = {"refund": {"reversibility": "reversible", "role": "treasurer"}}
NOT_COVERED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "another agent": ({}, {"agent": agent(agent_id="agt_2")}),
    "an agent with another owner": ({}, {"agent": agent(owner="URITA")}),
    "another type": ({"action_type": "mail.send", "confidence": 0.99}, {}),
    "another spelling of the type": ({"action_type": "Refund"}, {}),
    "a question": ({"kind": "question"}, {}),
    "a rule that is no longer marked": ({}, {"policy": marking("confidence")}),
    "a time that today's policy does not allow": (
        {},
        {"policy": marking("cost", exceptions={"at_most": "1h"}), "now": NOW + 2 * HOUR},
    ),
    "a time after its end": ({}, {"now": NOW + 3 * DAY}),
    "an approver who has left": ({}, {"people": people(USENTA={"active": False})}),
    "an approver who lost the role": ({}, {"policy": marking("cost", roles={"senior_reviewer": {"members": [SENTA]}})}),
    "a role that the policy changed": (
        {},
        {
            "policy": marking(
                "cost", actions=TREASURED, roles={"treasurer": {"members": [SUSI], "max_risk": "critical"}}
            )
        },
    ),
    "a quorum that was raised": ({}, {"policy": marking("cost", tiers={"high": {"quorum": 3}})}),
    "a stale directory": ({}, {"directory_as_of": NOW - 25 * HOUR}),
}


@pytest.mark.parametrize(("fields", "bearing"), NOT_COVERED.values(), ids=NOT_COVERED)
def test_it_holds_for_nothing_else(fields: Mapping[str, Any], bearing: dict[str, Any]) -> None:
    who = bearing.get("agent", AGENT)
    outcome = decide(None, submission(costly(**fields), "pkg_2"), situation(who.actor, **HOLDING | bearing))
    uses = outcome.after.exception_uses if isinstance(outcome, Transition) else ()
    proceeds = isinstance(outcome, Transition) and outcome.after.proceeds
    assert (uses, proceeds) == ((), False)


def test_it_holds_for_its_subject_alone() -> None:
    about = granted_state(fields={"subject_type": "order", "subject_id": "456"})
    bearing = HOLDING | {"exceptions": (about,)}
    order, another = (costly(subject_type="order", subject_id=number) for number in ("456", "457"))
    assert [submitted_state(proposal, **bearing).proceeds for proposal in (order, another, costly())] == [
        True,
        False,
        False,
    ]


def test_one_that_people_have_not_approved_holds_for_nothing() -> None:
    once = after(asked_state(), ask(Approve, asked_state()), by=SENTA, policy=MARKED)
    revoked = after(GRANTED, ask(Revoke, GRANTED), by=SENTA, policy=MARKED)
    for state in (asked_state(), once, revoked):
        assert not submitted_state(costly(), **HOLDING | {"exceptions": (state,)}).proceeds


def spared_state(**bearing: Any) -> PackageState:
    return after(None, submission(costly(), "pkg_2"), by=AGENT.actor, **HOLDING | bearing)


def claim(state: PackageState, **today: Any) -> Transition | Refusal:
    command = ask(agent_commands.ClaimExecution, state)
    return decide(state, command, situation(AGENT.actor, **HOLDING | today))


def test_what_it_spared_is_claimed_while_it_holds() -> None:
    claimed = claim(spared_state())
    assert isinstance(claimed, Transition)
    assert claimed.after.is_running


REVOKED = after(GRANTED, ask(Revoke, GRANTED), by=SUSI, policy=MARKED)
ENDED = after(GRANTED, ask(service_commands.EndException, GRANTED), now=NOW + 3 * DAY, policy=MARKED)
LOST: dict[str, dict[str, Any]] = {
    "was revoked": {"exceptions": (REVOKED,)},
    "has ended": {"exceptions": (ENDED,), "now": NOW + DAY},
    "is gone": {"exceptions": ()},
    "is past its end": {"exceptions": (granted_state({"expires_at": (NOW + HOUR).isoformat()}),), "now": NOW + HOUR},
    "lost an approver": {"people": people(USVEN={"active": False})},
    "is not allowed any more": {"policy": marking("confidence")},
}


@pytest.mark.parametrize("today", LOST.values(), ids=LOST)
def test_a_permission_that_it_gave_ends_with_it(today: dict[str, Any]) -> None:
    outcome = claim(spared_state(), **today)
    assert isinstance(outcome, Transition)
    assert outcome.refusal is not None
    assert outcome.refusal.reason is Reason.APPROVAL_NO_LONGER_VALID
    assert outcome.refusal.facts["because"] == "Exception pkg_1 no longer holds."
    (event,) = outcome.occurrences
    assert (event.event_type, event.reason) == ("package.revoked", "exception-lost pkg_1")


def test_a_stale_directory_refuses_the_claim_and_leaves_the_permission() -> None:
    outcome = claim(spared_state(), directory_as_of=NOW - 25 * HOUR)
    assert isinstance(outcome, Refusal)
    assert outcome.reason is Reason.DIRECTORY_STALE


def test_a_no_outweighs_what_it_spared() -> None:
    outcome = claim(spared_state(), memory=remembering(no_to(costly())))
    assert isinstance(outcome, Transition)
    assert outcome.refusal is not None


def remembering(*noes: Any) -> Any:
    return Memory(noes=noes)


def test_an_earlier_no_still_speaks_while_it_holds() -> None:
    rejected = costly(subject_id="1", action_parameters={"order": "1"})
    state = submitted_state(costly(subject_id="1"), **HOLDING, memory=remembering(no_to(rejected)))
    assert (state.level, state.why[0].rule) == (HITLLevel.HARD_APPROVAL, "earlier-no")


# Silence.

SOFTENED = granted_state({"rule": "confidence"})
DOUBTFUL = package(risk_level="medium", action_type="refund", confidence=0.6)
SOFT_BEARING: dict[str, Any] = {"policy": MARKED, "exceptions": (SOFTENED,)}


def soft_state() -> PackageState:
    state = after(None, submission(DOUBTFUL, "pkg_2"), by=AGENT.actor, **SOFT_BEARING)
    return shown_state(state, **SOFT_BEARING)


def consent(**today: Any) -> PackageState:
    state, later = soft_state(), NOW + HOUR
    return after(state, ask(service_commands.Consent, state), now=later, **SOFT_BEARING | today)


def test_silence_consents_to_what_it_made_soft_and_the_reasons_cite_it() -> None:
    state = consent()
    assert (state.status, state.why[-1].rule) == (Status.CONSENTED, "exception")
    assert state.decision is not None
    assert (state.decision.basis, state.decision.grant_id) == (Basis.SILENT_CONSENT, None)


def test_silence_does_not_count_once_it_no_longer_holds() -> None:
    state = consent(exceptions=())
    assert (state.status, state.level, state.why[0].rule) == (
        Status.PENDING,
        HITLLevel.HARD_APPROVAL,
        "exception-lost",
    )


# It is no precedent.


def test_a_success_that_it_spared_earns_no_autonomy_also_if_it_is_judged_sound() -> None:
    sampled = spared_state(chance=0.0)
    done = reported_state(claimed_state(sampled, **HOLDING), policy=MARKED)
    reported = transition_of(
        claimed_state(sampled, **HOLDING),
        ask(agent_commands.ReportExecution, sampled),
        by=AGENT.actor,
        **HOLDING,
    )
    judged = transition_of(done, ask(Judge, done), by=RITA, **HOLDING)
    assert (sampled.sampled, reported.profile, judged.profile) == (True, None, None)


def test_a_failure_of_what_it_spared_still_counts_against_the_agent() -> None:
    claimed = claimed_state(spared_state(), **HOLDING)
    failed = transition_of(
        claimed, ask(agent_commands.ReportExecution, claimed, outcome="failed"), by=AGENT.actor, **HOLDING
    )
    assert failed.profile is not None
    assert failed.profile.recent_failures


# Its end.


def test_it_is_announced_a_day_before_it_ends_and_a_short_one_halfway() -> None:
    short = granted_state({"expires_at": (NOW + 2 * HOUR).isoformat()})
    assert [state.exception and state.exception.announce_at for state in (GRANTED, short)] == [
        NOW + 2 * DAY,
        NOW + HOUR,
    ]


def test_the_clock_announces_it_once_and_then_ends_it() -> None:
    command = ask(service_commands.AnnounceEnd, GRANTED)
    early = decide(GRANTED, command, situation(now=NOW + DAY, policy=MARKED))
    announced = transition_of(GRANTED, command, now=NOW + 2 * DAY, policy=MARKED)
    again = decide(announced.after, command, situation(now=NOW + 2 * DAY, policy=MARKED))
    ended = transition_of(
        announced.after, ask(service_commands.EndException, GRANTED), now=NOW + 3 * DAY, policy=MARKED
    )
    assert [isinstance(outcome, Refusal) and outcome.reason for outcome in (early, again)] == [Reason.NOT_DUE] * 2
    events = [event.event_type.value for transition in (announced, ended) for event in transition.occurrences]
    assert (events, ended.after.is_granted_exception) == (["exception.announced", "exception.ended"], False)


@pytest.mark.parametrize("who", [SENTA, OWEN, SUSI])
def test_reviewers_and_the_owner_can_revoke_it(who: str) -> None:
    revoked = after(GRANTED, ask(Revoke, GRANTED), by=who, policy=MARKED)
    assert (revoked.status, revoked.is_granted_exception) == (Status.REVOKED, False)


def test_one_that_has_ended_cannot_be_revoked() -> None:
    outcome = decide(ENDED, ask(Revoke, ENDED), situation(SENTA, policy=MARKED))
    assert isinstance(outcome, Refusal)
    assert outcome.reason is Reason.NOT_IN_THIS_STATE


def test_a_permission_that_it_gave_does_not_go_to_another_agent() -> None:
    moved = apply_changes(spared_state(), {"agent_id": "agt_2"})
    outcome = claim(apply_changes(moved, {"agent_id": "agt_1", "owner": "URITA"}))
    assert is_granted_without_people(moved)
    assert isinstance(outcome, Transition)
    assert outcome.refusal is not None


# Its thread.

STOPPER = Actor(kind=ActorKind.AUTO, actor_id=SUSI)
THREAD: dict[str, Any] = {
    "tenant_id": "T1",
    "thread_key": "thr_1",
    "thread_id": "th_1",
    "owner_agent": "agt_1",
    "owner": OWEN,
    "by": SUSI,
    "role": "supervisor",
    "since": NOW + HOUR,
    "event_id": "evt_thread",
}


def test_while_its_thread_is_held_it_lets_nothing_through() -> None:
    held = after(GRANTED, ask(service_commands.HoldWithThread, GRANTED), by=STOPPER, policy=MARKED)
    resumed = after(held, ask(service_commands.ResumeWithThread, held), by=STOPPER, policy=MARKED)
    assert [submitted_state(costly(), **HOLDING | {"exceptions": (state,)}).proceeds for state in (held, resumed)] == [
        False,
        True,
    ]


def test_one_that_is_approved_while_its_thread_is_held_holds_only_after_the_hold() -> None:
    asked = asked_state()
    held = after(asked, ask(service_commands.HoldWithThread, asked), by=STOPPER, policy=MARKED)
    for reviewer in (SENTA, SVEN):
        held = after(held, ask(Approve, held), by=reviewer, policy=MARKED)
    assert (held.is_granted_exception, why_not_in_force(held, situation(policy=MARKED).roster, NOW)) == (
        True,
        "its thread is held",
    )


@pytest.mark.parametrize("stopped", [{"status": "cancelled"}, {"status": "running", "has_new_plan": True}])
def test_cancelling_its_thread_or_giving_it_a_new_plan_revokes_it(stopped: dict[str, Any]) -> None:
    thread = ThreadState.model_validate(THREAD | stopped)
    (command,) = commands_to_follow(thread, [GRANTED])
    assert after(GRANTED, command, by=STOPPER, policy=MARKED).status is Status.REVOKED
