"""Identity, parties, roles and scopes under today's policy."""

from __future__ import annotations

from typing import Any

import pytest

from rules.authority.authorization import authorize, identify, question_of
from rules.authority.standards import Standard
from rules.people.directory import AUTO, Actor, Person, ReviewerAuthorization, Roster
from rules.reasons import Reason, Refusal
from rules.state import agent_commands, commands, service_commands
from rules.state.agent_commands import NewVersion
from rules.state.commands import (
    Approve,
    Command,
    Escalate,
    HumanDecisionCommand,
    PersonCommand,
    Reject,
    Revoke,
    TakeOver,
)
from rules.state.model import Status
from tests.rules.world import (
    ADAM,
    AGENT,
    BODO,
    DAY,
    DEAN,
    DORA,
    GRETA,
    HARD,
    NOW,
    OWEN,
    POLICY,
    RITA,
    ROSE,
    SENTA,
    SOFT,
    STAN,
    SUSI,
    SVEN,
    after,
    agent,
    approved_state,
    ask,
    claimed_state,
    package,
    people,
    policy,
    refusal,
    shown_state,
    situation,
    submitted_state,
)


@pytest.mark.parametrize("who", [ROSE, OWEN], ids=["requester", "owner"])
@pytest.mark.parametrize("kind", [Reject, commands.Object, Revoke])
def test_the_requester_and_the_owner_can_stop_it_without_any_role(kind: type[Command], who: str) -> None:
    states = {Reject: submitted_state(HARD), commands.Object: submitted_state(SOFT), Revoke: approved_state(HARD)}
    after(states[kind], ask(kind, states[kind]), by=who)


@pytest.mark.parametrize("who", [ROSE, OWEN], ids=["requester", "owner"])
@pytest.mark.parametrize("kind", [commands.Revise, Escalate, TakeOver])
def test_being_a_party_gives_no_other_right(kind: type[Command], who: str) -> None:
    state = submitted_state(HARD)
    assert refusal(state, ask(kind, state), by=who) is Reason.WRONG_ROLE


def test_a_person_on_the_delegation_chain_without_a_role_cannot_stop_the_package() -> None:
    state = submitted_state(package(on_behalf_of=[ADAM]))
    assert refusal(state, ask(Reject, state), by=ADAM) is Reason.WRONG_ROLE


def test_without_a_requester_the_owner_is_the_requester() -> None:
    state = submitted_state(package(risk_level="high", requested_by=None), agent=agent(owner=SENTA))
    assert refusal(state, ask(Approve, state), by=SENTA) is Reason.IS_REQUESTER


@pytest.mark.parametrize("address", ["senta@example.com", "Senta@Example.COM"])
def test_a_requester_named_by_an_address_is_recognized(address: str) -> None:
    state = submitted_state(package(risk_level="high", requested_by=address))
    assert refusal(state, ask(Approve, state), by=SENTA) is Reason.IS_REQUESTER


OUTSIDE = policy(directory={"outsiders": ["partner.example"]})


def test_a_requester_who_joins_the_directory_later_is_recognized_by_address() -> None:
    state = submitted_state(package(risk_level="high", requested_by="new@partner.example"), policy=OUTSIDE)
    known = people(USENTA={"email": "NEW@partner.example"})
    assert refusal(state, ask(Approve, state), by=SENTA, people=known) is Reason.IS_REQUESTER
    after(state, ask(Reject, state), by=SENTA, people=known)


def test_a_reviewer_without_an_email_cannot_prove_they_are_not_the_requester() -> None:
    state = submitted_state(package(risk_level="high", requested_by="new@partner.example"), policy=OUTSIDE)
    known = people(USENTA={"email": None})
    assert refusal(state, ask(Approve, state), by=SENTA, people=known) is Reason.INDEPENDENCE_UNKNOWN
    after(state, ask(Reject, state), by=SENTA, people=known)


def test_the_record_contains_no_email_address() -> None:
    state = submitted_state(
        package(requested_by="new@partner.example", on_behalf_of=["other@partner.example"]), policy=OUTSIDE
    )
    assert "@" not in state.model_dump_json()


# Roles, scopes and authority.


def test_a_role_can_be_held_through_a_group() -> None:
    by_group = policy(roles={"senior_reviewer": {"members": [], "groups": ["S1"]}})
    state = submitted_state(HARD)
    assert refusal(state, ask(Approve, state), by=RITA, policy=by_group) is Reason.WRONG_ROLE
    after(state, ask(Approve, state), by=RITA, policy=by_group, groups={"S1": frozenset([RITA])})


def test_a_senior_role_may_act_in_every_role_that_it_includes_at_any_depth() -> None:
    state = submitted_state(SOFT)
    assert after(state, ask(Approve, state), by=DORA).status is Status.APPROVED


def test_a_role_does_not_include_the_roles_above_it() -> None:
    state = submitted_state(HARD)
    raised = after(state, ask(Escalate, state), by=SENTA)
    assert refusal(raised, ask(Approve, raised), by=SENTA) is Reason.WRONG_ROLE


def test_a_senior_role_that_includes_nothing_does_not_act_for_a_junior_one() -> None:
    apart = policy(roles={"director": {"members": [DORA], "includes": [], "max_risk": "critical"}})
    state = submitted_state(SOFT)
    assert refusal(state, ask(Approve, state), by=DORA, policy=apart) is Reason.WRONG_ROLE


def test_the_scope_of_one_role_and_the_authority_of_another_do_not_add_up() -> None:
    split = policy(
        roles={
            "senior_reviewer": {"members": [SENTA, SVEN], "scopes": ["record.*"], "max_risk": "medium"},
            "mailer": {
                "members": [SENTA],
                "includes": ["senior_reviewer"],
                "scopes": ["mail.*"],
                "max_risk": "critical",
            },
        }
    )
    state = submitted_state(HARD)
    assert refusal(state, ask(Approve, state), by=SENTA, policy=split) is Reason.ABOVE_AUTHORITY


def test_authority_is_recorded_as_it_was_used() -> None:
    asked = question_of(submitted_state(HARD), POLICY)
    assert authorize(situation().roster, SENTA, Standard.PROCEED, asked, NOW) == ReviewerAuthorization(
        reviewer_id=SENTA, roles=("senior_reviewer",), tenant_id="T1", scopes=("*",), max_risk_level=asked.risk
    )


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({"members": [SVEN]}, Reason.WRONG_ROLE, id="role taken away"),
        pytest.param({"scopes": ["mail.*"]}, Reason.OUT_OF_SCOPE, id="scope narrowed"),
        pytest.param({"max_risk": "medium"}, Reason.ABOVE_AUTHORITY, id="authority lowered"),
    ],
)
def test_authority_is_always_todays_policy(changes: dict[str, Any], expected: Reason) -> None:
    state = submitted_state(HARD)
    assert refusal(state, ask(Approve, state), by=SENTA, policy=policy(roles={"senior_reviewer": changes})) is expected


def test_a_person_who_gets_the_role_today_may_decide_older_packages() -> None:
    state = submitted_state(HARD)
    promoted = policy(roles={"senior_reviewer": {"members": [RITA]}})
    assert after(state, ask(Approve, state), by=RITA, policy=promoted).status is Status.APPROVED


# Identity.


@pytest.mark.parametrize("who", [GRETA, STAN], ids=["guest", "stranger"])
def test_guests_and_strangers_named_by_the_policy_count_as_members(who: str) -> None:
    named = policy(directory={"guests": [who]})
    state = submitted_state(HARD)
    assert after(state, ask(Approve, state), by=who, policy=named).status is Status.APPROVED


@pytest.mark.parametrize(("who", "expected"), [(BODO, Reason.A_BOT), (DEAN, Reason.DEACTIVATED)])
def test_naming_a_bot_or_a_closed_account_as_a_guest_does_not_help(who: str, expected: Reason) -> None:
    named = policy(directory={"guests": [who]})
    state = submitted_state(HARD)
    assert refusal(state, ask(Approve, state), by=who, policy=named) is expected


def test_with_a_directory_that_was_never_read_nobody_is_known() -> None:
    empty = Roster(policy(), situation().roster.directory.model_copy(update={"as_of": None}))
    answer = identify(empty, SENTA, NOW)
    assert isinstance(answer, Refusal)
    assert answer.reason is Reason.DIRECTORY_STALE


def test_an_active_member_is_identified() -> None:
    assert identify(situation().roster, SENTA, NOW) == Person(user_id=SENTA, name="senta", email="senta@example.com")


# Agents and the clock cannot decide, whichever edge lets them through.

PEOPLES = [
    kind
    for base in (HumanDecisionCommand, PersonCommand)
    for kind in base.__subclasses__()
    if kind.__module__ == commands.__name__ and kind not in (commands.Withdraw, commands.Assign)
]


@pytest.mark.parametrize("actor", [AGENT.actor, AUTO], ids=["the agent", "the service"])
@pytest.mark.parametrize("kind", [kind for kind in PEOPLES if kind is not commands.Revoke])
def test_only_people_can_give_the_verbs_of_people(kind: type[Command], actor: Actor) -> None:
    state = submitted_state(SOFT)
    assert refusal(state, ask(kind, state), by=actor) is Reason.A_BOT


def test_an_agent_cannot_revoke_and_the_service_only_an_exception_for_an_operator() -> None:
    state = submitted_state(SOFT)
    assert refusal(state, ask(commands.Revoke, state), by=AGENT.actor) is Reason.A_BOT
    assert refusal(state, ask(commands.Revoke, state), by=AUTO) is Reason.NOT_IN_THIS_STATE


@pytest.mark.parametrize(
    "kind",
    [
        NewVersion,
        agent_commands.ClaimExecution,
        agent_commands.ReportExecution,
        service_commands.Consent,
        service_commands.Expire,
    ],
)
def test_people_cannot_give_the_verbs_of_agents_and_the_clock(kind: type[Command]) -> None:
    state = shown_state(submitted_state(SOFT))
    assert refusal(state, ask(kind, state), by=DORA, now=NOW + DAY) is Reason.NOT_FOUND


@pytest.mark.parametrize(
    "kind", [NewVersion, commands.Withdraw, agent_commands.ClaimExecution, agent_commands.ReportExecution]
)
def test_an_agent_reaches_only_its_own_packages(kind: type[Command]) -> None:
    state = claimed_state(approved_state(HARD)) if kind is agent_commands.ReportExecution else submitted_state(SOFT)
    other = agent(agent_id="agt_2")
    assert refusal(state, ask(kind, state), by=other.actor, agent=other) is Reason.NOT_FOUND


def test_a_command_for_a_missing_package_is_not_found() -> None:
    state = submitted_state(SOFT)
    assert refusal(None, ask(Approve, state), by=RITA) is Reason.NOT_FOUND


# Across versions.


def test_a_barred_person_stays_barred_when_the_agent_names_other_people() -> None:
    state = submitted_state(package(risk_level="high", requested_by=SENTA, on_behalf_of=[SUSI]))
    later = package(risk_level="high", requested_by=ROSE, rationale="Better.")
    state = after(state, ask(NewVersion, state, package=later), by=AGENT.actor)
    assert refusal(state, ask(Approve, state), by=SENTA) is Reason.IS_REQUESTER
    assert refusal(state, ask(Approve, state), by=SUSI) is Reason.IS_ON_CHAIN


def test_a_person_named_by_a_later_version_is_barred_from_then_on() -> None:
    state = submitted_state(HARD)
    later = package(risk_level="high", requested_by=SENTA)
    state = after(state, ask(NewVersion, state, package=later), by=AGENT.actor)
    assert refusal(state, ask(Approve, state), by=SENTA) is Reason.IS_REQUESTER
