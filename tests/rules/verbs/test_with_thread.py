"""What a package does when people hold, resume or cancel its thread."""

from __future__ import annotations

import pytest

from rules.people.directory import Actor, ActorKind
from rules.scales import HITLLevel
from rules.state.agent_commands import ReportExecution
from rules.state.commands import Extend, Object
from rules.state.model import PackageState, Status
from rules.state.noes import RememberedNo
from rules.state.service_commands import CancelWithThread, HoldWithThread, ResumeWithThread, RevokeWithThread
from rules.state.situation import Memory
from rules.verbs.absences import needs_relief
from tests.rules.world import (
    AGENT,
    DAY,
    HARD,
    HOUR,
    NOW,
    RITA,
    SENTA,
    SOFT,
    TAKEOVER,
    after,
    approved_state,
    ask,
    claimed_state,
    people,
    policy,
    situation,
    submitted_state,
    transition_of,
)

APART = policy(roles={"supervisor": {"includes": []}, "director": {"includes": []}})
BY_RITA = Actor(kind=ActorKind.AUTO, actor_id=RITA)


def held(state: PackageState) -> PackageState:
    return after(state, ask(HoldWithThread, state), BY_RITA)


def test_a_deadline_that_a_person_restarts_during_the_hold_moves_only_by_the_time_since_then() -> None:
    state = held(submitted_state(SOFT))
    objected = after(state, ask(Object, state), by=RITA, now=NOW + 9 * DAY)
    resumed = after(objected, ask(ResumeWithThread, objected), BY_RITA, now=NOW + 10 * DAY)
    assert resumed.task.due_at == NOW + 10 * DAY + resumed.terms.hard_timeout


def test_a_deadline_that_a_person_extends_during_the_hold_moves_only_by_the_time_since_then() -> None:
    state = held(submitted_state(HARD))
    until = NOW + 10 * DAY
    extended = after(state, ask(Extend, state, until=until), by=SENTA, now=NOW + 4 * DAY)
    resumed = after(extended, ask(ResumeWithThread, extended), BY_RITA, now=NOW + 5 * DAY)
    assert resumed.task.due_at == until + DAY


@pytest.mark.parametrize("state", [submitted_state(HARD), approved_state(HARD)], ids=["open", "approved"])
def test_a_cancelled_thread_is_a_no_of_the_person_to_what_was_open_or_permitted(state: PackageState) -> None:
    command = ask(RevokeWithThread, state, for_good=True) if state.proceeds else ask(CancelWithThread, state)
    ended = after(state, command, BY_RITA)
    [no] = ended.noes
    assert (no.by, no.action_digest) == (RITA, state.action_digest)
    remembered = Memory(noes=(RememberedNo(no, state.agent_id, state.subject_digest),))
    again = submitted_state(HARD.model_copy(update={"action_parameters": {"record": "7"}}), memory=remembered)
    assert again.level is HITLLevel.HARD_APPROVAL
    assert again.earlier_no == no


def test_another_plan_is_no_no() -> None:
    state = approved_state(HARD)
    assert after(state, ask(RevokeWithThread, state), BY_RITA).noes == ()


def test_a_cancelled_thread_is_released_from_a_takeover_that_nobody_began() -> None:
    state = submitted_state(TAKEOVER)
    ended = after(state, ask(CancelWithThread, state), BY_RITA)
    assert (state.holds_thread, ended.holds_thread, ended.status) == (True, False, Status.CANCELLED)


def test_nobody_is_asked_instead_of_absent_people_before_the_thread_is_resumed() -> None:
    away = people(USENTA={"active": False}, USVEN={"active": False})
    state = held(submitted_state(HARD, policy=APART))
    assert not needs_relief(state, situation(people=away, policy=APART).roster, NOW)
    resumed = after(state, ask(ResumeWithThread, state), BY_RITA, people=away, policy=APART, now=NOW + HOUR)
    assert resumed.task.required_role == "supervisor"


@pytest.mark.parametrize("fields", [{}, {"new_plan": True}], ids=["stopped", "resumed with another plan"])
def test_a_failure_after_people_told_a_running_action_to_stop_does_not_count_against_the_agent(
    fields: dict[str, bool],
) -> None:
    state = claimed_state(approved_state(HARD))
    noted = after(state, ask(ResumeWithThread if fields else CancelWithThread, state, **fields), BY_RITA)
    failed = ask(ReportExecution, state, outcome="failed")
    assert transition_of(noted, failed, by=AGENT.actor).profile is None
    resumed = after(noted, ask(ResumeWithThread, noted), BY_RITA)
    for counted in (state, resumed):
        assert transition_of(counted, failed, by=AGENT.actor).profile is not None
