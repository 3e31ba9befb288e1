"""Asking for an exception to a rule: what may be asked, of whom, and what its approval needs."""

from __future__ import annotations

from typing import Any

import pytest

from rules.package.exceptions import PolicyException
from rules.people.agent_keys import KeyScope
from rules.reasons import Reason, Refusal
from rules.scales import HITLLevel, RiskLevel
from rules.state.agent_commands import NewVersion
from rules.state.commands import Approve, ApproveWithEdits, HumanOverrideCommand, Reject
from rules.state.model import Status
from rules.state.transition import Transition
from rules.verbs.decide import decide
from tests.rules.exceptions.excepting import ASKED, CLERK, MARKED, asked_state, asking, granted_state, marking
from tests.rules.world import (
    AGENT,
    DAY,
    HOUR,
    NOW,
    OWEN,
    RITA,
    ROSE,
    SENTA,
    SUSI,
    SVEN,
    after,
    agent,
    ask,
    policy,
    refusal,
    situation,
    submission,
    submitted_state,
)

ALLY = agent(agent_id="agt_2", name="Ally")
STRANGER = agent(agent_id="agt_3", name="Stranger", owner="USENTA")
NAMED = {"Ally": ALLY, "agt_1": AGENT, "Stranger": STRANGER}


def refused(parameters: dict[str, Any], **bearing: Any) -> Refusal:
    fields = bearing.pop("fields", {})
    outcome = decide(None, submission(asking(parameters, **fields)), situation(AGENT.actor, **bearing))
    assert isinstance(outcome, Refusal)
    return outcome


def test_whatever_risk_the_agent_declares_it_is_asked_at_high_risk_of_two_people() -> None:
    state = asked_state()
    assert (state.risk, state.level, state.terms.quorum) == (RiskLevel.HIGH, HITLLevel.HARD_APPROVAL, 2)
    assert (state.terms.role, state.why[0].rule) == ("senior_reviewer", "exception-asked")


def test_it_is_asked_of_those_who_decide_the_gravest_type() -> None:
    grave = marking("cost", actions=CLERK | {"wire": {"reversibility": "reversible", "risk": "critical"}})
    state = asked_state({"action_types": ["refund", "wire"]}, grave)
    assert (state.risk, state.terms.quorum, state.terms.of_role) == (RiskLevel.CRITICAL, 2, {"supervisor": 1})
    assert refusal(state, ask(Approve, state), by=SENTA, policy=grave) is Reason.ABOVE_AUTHORITY


def test_a_type_with_a_role_of_its_own_is_decided_by_that_role() -> None:
    directed = marking("cost", actions={"refund": {"reversibility": "reversible", "role": "director"}})
    assert refused({}, policy=directed).reason is Reason.NO_ELIGIBLE_REVIEWER  # there is one director, and it takes two


def test_types_that_different_roles_decide_need_an_exception_each() -> None:
    roles = {"lawyer": {"members": [RITA, SUSI], "max_risk": "critical"}}
    split = marking("cost", roles=roles, actions=CLERK | {"sue": {"reversibility": "reversible", "role": "lawyer"}})
    outcome = refused({"action_types": ["refund", "sue"]}, policy=split)
    assert (outcome.reason, outcome.facts["field"]) == (Reason.EXCEPTION_NOT_VALID, "action_parameters.action_types")


def test_every_type_must_be_in_the_scope_of_those_who_decide() -> None:
    scoped = marking("cost", roles={"senior_reviewer": {"scopes": ["refund"]}})
    state = asked_state({"action_types": ["refund", "mail.send"]}, scoped)
    assert refusal(state, ask(Approve, state), by=SENTA, policy=scoped) is Reason.OUT_OF_SCOPE
    assert asked_state({"action_types": ["refund"]}, scoped).status is Status.PENDING


def test_its_first_approval_grants_nothing_and_its_second_does() -> None:
    once = after(asked_state(), ask(Approve, asked_state()), by=SENTA, policy=MARKED)
    assert (once.status, once.is_granted_exception) == (Status.PENDING, False)
    granted = granted_state()
    assert granted.exception == PolicyException(
        rule="cost",
        agents=("agt_1",),
        owner=OWEN,
        action_types=("refund",),
        until=NOW + 3 * DAY,
        granted_at=NOW,
        ends_at=NOW + 3 * DAY,
        announce_at=NOW + 2 * DAY,
    )


def test_an_approved_exception_permits_no_action_by_itself() -> None:
    granted = granted_state()
    assert (granted.status, granted.proceeds, granted.lapses_at) == (Status.APPROVED, False, None)


@pytest.mark.parametrize("barred", [OWEN, ROSE])
def test_neither_the_agents_owner_nor_the_requester_can_approve_it(barred: str) -> None:
    staffed = marking("cost", roles={"senior_reviewer": {"members": [SENTA, SVEN, barred]}})
    state = asked_state(policy=staffed)
    expected = {OWEN: Reason.IS_OWNER, ROSE: Reason.IS_REQUESTER}[barred]
    assert refusal(state, ask(Approve, state), by=barred, policy=staffed) is expected


def test_an_override_cannot_grant_it() -> None:
    state = asked_state()
    assert refusal(state, ask(HumanOverrideCommand, state), by=SENTA, policy=MARKED) is Reason.DECISION_NOT_ALLOWED
    assert after(state, ask(Reject, state), by=SENTA, policy=MARKED).status is Status.REJECTED


def test_whoever_edits_it_cannot_approve_it() -> None:
    state = asked_state()
    edit = ask(ApproveWithEdits, state, action_parameters=ASKED | {"expires_at": (NOW + HOUR).isoformat()})
    edited = after(state, edit, by=SENTA, policy=MARKED, package=asking())
    assert edited.exception is not None
    assert (edited.exception.until, edited.status) == (NOW + HOUR, Status.PENDING)
    assert refusal(edited, ask(Approve, edited), by=SENTA, policy=MARKED) is Reason.IS_EDITOR


def test_it_can_name_other_agents_of_the_same_owner() -> None:
    state = asked_state({"agents": ["Ally", "agt_1"]}, named_agents=NAMED)
    assert state.exception is not None
    assert state.exception.agents == ("agt_2", "agt_1")


WRONG: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "a rule that is not marked": ({"rule": "confidence"}, {"policy": marking("cost")}, "action_parameters.rule"),
    "a rule that no exception reaches": ({"rule": "earlier-no"}, {}, "action_parameters.rule"),
    "an end in the past": ({"expires_at": NOW.isoformat()}, {}, "action_parameters.expires_at"),
    "an end too far away": (
        {"expires_at": (NOW + 30 * DAY + HOUR).isoformat()},
        {},
        "action_parameters.expires_at",
    ),
    "an unknown agent": ({"agents": ["Nobody"]}, {"named_agents": NAMED}, "action_parameters.agents"),
    "an agent of another owner": ({"agents": ["Stranger"]}, {"named_agents": NAMED}, "action_parameters.agents"),
    "asking for exceptions": ({"action_types": ["Policy_Exception"]}, {}, "action_parameters.action_types"),
    "another action type": ({}, {"fields": {"action_type": "refund"}}, "action_type"),
    "a recovery": ({}, {"fields": {"interrupt_type": "error_recovery"}}, "interrupt_type"),
}


@pytest.mark.parametrize(("parameters", "bearing", "field"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_asked_is_refused_with_the_field(
    parameters: dict[str, Any], bearing: dict[str, Any], field: str
) -> None:
    outcome = refused(parameters, **{"policy": MARKED, **bearing})
    assert (outcome.reason, outcome.facts["field"]) == (Reason.EXCEPTION_NOT_VALID, field)


def test_the_key_of_the_agent_must_cover_every_type() -> None:
    clerk = agent(scope=KeyScope(may=("policy_exception", "mail.*")))
    outcome = decide(None, submission(asking()), situation(clerk.actor, policy=MARKED, agent=clerk))
    assert isinstance(outcome, Refusal)
    assert (outcome.reason, outcome.facts["field"]) == (Reason.BEYOND_KEY, "action_parameters.action_types")


def test_a_policy_without_marks_allows_no_exception() -> None:
    assert "it allows none at all" in refused({}, policy=policy()).sentence


def test_an_exception_in_words_alone_is_decided_as_before_and_changes_no_rule() -> None:
    state = submitted_state(asking({"rule": None, "action_types": []}), policy=MARKED)
    assert (state.exception, state.terms.quorum, state.risk) == (None, 1, RiskLevel.LOW)


def test_it_is_asked_until_it_would_end_at_the_latest() -> None:
    state = asked_state({"expires_at": (NOW + HOUR).isoformat()})
    late = NOW + 2 * HOUR
    assert refusal(state, ask(Approve, state), by=SENTA, policy=MARKED, now=late) is Reason.ALREADY_EXPIRED


OTHER: dict[str, tuple[dict[str, Any], str]] = {
    "types": ({"action_types": ["mail.send"]}, "action_parameters.action_types"),
    "rule": ({"rule": "confidence"}, "action_parameters.rule"),
    "agents": ({"agents": ["Ally"]}, "action_parameters.agents"),
    "no rule": ({"rule": None, "action_types": None}, "action_parameters.rule"),
    "a later end": ({"expires_at": (NOW + 4 * DAY).isoformat()}, "action_parameters.expires_at"),
}


@pytest.mark.parametrize(("parameters", "fields"), OTHER.values(), ids=OTHER)
def test_neither_a_version_nor_an_edit_changes_what_is_asked(parameters: dict[str, Any], fields: str) -> None:
    state, changed = asked_state(), {name: value for name, value in (ASKED | parameters).items() if value is not None}
    later = asking().model_copy(update={"action_parameters": changed})
    bearing: dict[str, Any] = {"policy": MARKED, "package": asking(), "named_agents": NAMED}
    version = decide(state, ask(NewVersion, state, package=later), situation(AGENT.actor, **bearing))
    edit = decide(state, ask(ApproveWithEdits, state, action_parameters=changed), situation(SENTA, **bearing))
    assert [fields_refused(outcome) for outcome in (version, edit)] == [(Reason.KEEPS_ITS_SUBJECT, fields)] * 2


def fields_refused(outcome: Transition | Refusal) -> tuple[Reason, object]:
    assert isinstance(outcome, Refusal)
    return outcome.reason, outcome.facts["fields"]


def test_a_version_may_change_its_texts_and_end_earlier() -> None:
    state, until = asked_state(), NOW + DAY
    later = asking({"justification": "The flood is over soon.", "expires_at": until.isoformat()})
    version = after(state, ask(NewVersion, state, package=later), by=AGENT.actor, policy=MARKED, package=asking())
    assert (version.version, version.exception and version.exception.until) == (2, until)


@pytest.mark.parametrize("half", [{"subject_type": "order"}, {"subject_id": "456"}])
def test_half_a_subject_is_refused_because_it_would_cover_every_subject_or_none(half: dict[str, Any]) -> None:
    assert refused({}, fields=half, policy=MARKED).facts["field"] == "subject_id"
