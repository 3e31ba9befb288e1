"""Takeovers: a person holds the thread until they hand it back."""

from __future__ import annotations

import pytest

from rules.reasons import Reason
from rules.state.agent_commands import ClaimExecution, NewVersion
from rules.state.commands import HandBack, Reject, TakeOver, Withdraw
from rules.state.model import PackageState, Status
from rules.state.service_commands import Expire
from rules.state.situation import Memory
from tests.rules.world import (
    ADAM,
    AGENT,
    DAY,
    HARD,
    NOW,
    ROSE,
    SENTA,
    SUSI,
    SVEN,
    TAKEOVER,
    after,
    approved_state,
    ask,
    package,
    refusal,
    submission,
    submitted_state,
)


def taken_over() -> PackageState:
    state = submitted_state(HARD)
    return after(state, ask(TakeOver, state), by=SENTA)


def test_a_takeover_by_a_person_holds_the_thread() -> None:
    state = taken_over()
    assert (state.status, state.holds_thread) == (Status.TAKEN_OVER, True)


def test_without_a_thread_and_a_run_nothing_is_held() -> None:
    state = submitted_state(package(risk_level="high", thread_id=None))
    assert after(state, ask(TakeOver, state), by=SENTA).holds_thread is False


def test_without_a_thread_a_takeover_holds_the_run() -> None:
    state = submitted_state(package(risk_level="high", thread_id=None, run_id="run_1"))
    assert after(state, ask(TakeOver, state), by=SENTA).holds_thread


def test_the_requester_may_take_over_but_not_approve() -> None:
    state = submitted_state(package(risk_level="high", requested_by=SENTA))
    assert after(state, ask(TakeOver, state), by=SENTA).status is Status.TAKEN_OVER


@pytest.mark.parametrize("by", [SENTA, ADAM], ids=["the person who took it over", "an admin"])
def test_the_thread_is_handed_back_and_the_package_stays_taken_over(by: str) -> None:
    state = taken_over()
    free = after(state, ask(HandBack, state), by=by)
    assert (free.status, free.holds_thread) == (Status.TAKEN_OVER, False)
    assert refusal(free, ask(HandBack, free), by=by) is Reason.NOT_IN_THIS_STATE


@pytest.mark.parametrize("by", [SVEN, SUSI, ROSE], ids=["another reviewer", "a supervisor", "the requester"])
def test_nobody_else_can_hand_the_thread_back(by: str) -> None:
    state = taken_over()
    assert refusal(state, ask(HandBack, state), by=by) is Reason.NOT_YOURS_TO_HAND_BACK


def test_only_a_held_thread_can_be_handed_back() -> None:
    state = approved_state(HARD)
    assert refusal(state, ask(HandBack, state), by=SENTA) is Reason.ALREADY_DECIDED


HELD = Memory(thread_stopped_by="pkg_1")


def test_while_a_person_holds_the_thread_new_packages_and_claims_in_it_are_refused() -> None:
    assert refusal(None, submission(HARD, "pkg_2"), by=AGENT.actor, memory=HELD) is Reason.THREAD_TAKEN_OVER
    other = approved_state(HARD).model_copy(update={"decision_package_id": "pkg_2"})
    assert refusal(other, ask(ClaimExecution, other), by=AGENT.actor, memory=HELD) is Reason.THREAD_TAKEN_OVER
    waiting = submitted_state(HARD).model_copy(update={"decision_package_id": "pkg_2"})
    version = ask(NewVersion, waiting, package=HARD)
    assert refusal(waiting, version, by=AGENT.actor, memory=HELD) is Reason.THREAD_TAKEN_OVER


def test_a_takeover_that_a_person_rejects_or_withdraws_frees_the_thread() -> None:
    state = submitted_state(TAKEOVER)
    assert state.holds_thread
    assert after(state, ask(Reject, state), by=SENTA).holds_thread is False
    assert after(state, ask(Withdraw, state), by=ROSE).holds_thread is False


def test_neither_the_agent_nor_time_frees_the_thread() -> None:
    state = submitted_state(TAKEOVER)
    withdrawn = after(state, ask(Withdraw, state), by=AGENT.actor)
    ending = submitted_state(package(recommendation="escalate", expires_at=NOW + DAY))
    expired = after(ending, ask(Expire, ending), now=NOW + DAY)
    assert (withdrawn.status, withdrawn.holds_thread) == (Status.CANCELLED, True)
    assert (expired.status, expired.holds_thread) == (Status.EXPIRED, True)


def test_a_thread_that_nobody_took_over_is_handed_back_by_anyone_who_could_have() -> None:
    state = submitted_state(TAKEOVER)
    withdrawn = after(state, ask(Withdraw, state), by=AGENT.actor)
    assert after(withdrawn, ask(HandBack, withdrawn), by=SENTA).holds_thread is False
    assert refusal(withdrawn, ask(HandBack, withdrawn), by=ROSE) is Reason.WRONG_ROLE


def test_taking_over_at_the_takeover_level_keeps_the_thread_held() -> None:
    state = submitted_state(TAKEOVER)
    assert after(state, ask(TakeOver, state), by=SENTA).holds_thread
