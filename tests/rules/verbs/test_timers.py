"""Commands of the clock: each checks that it is due."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from rules.policy.model import Policy
from rules.policy.tiers import OnTimeout
from rules.reasons import Reason
from rules.record.chain import package_event
from rules.scales import HITLLevel
from rules.state.commands import (
    Answer,
    Defer,
    Escalate,
    Extend,
    HumanDecisionType,
    HumanOverrideCommand,
    Revise,
    Revoke,
    Verb,
    Wake,
)
from rules.state.decisions import Basis, Execution, ExecutionState
from rules.state.model import HumanInterruptStatus, PackageState, Status
from rules.state.service_commands import Climb, ClockCommand, Consent, Expire, Lapse, Remind, WakeUp
from rules.verbs.timers import next_due
from tests.rules.world import (
    DAY,
    HARD,
    HOUR,
    NOW,
    QUESTION,
    SENTA,
    SOFT,
    TAKEOVER,
    after,
    approved_state,
    ask,
    claimed_state,
    package,
    policy,
    refusal,
    reported_state,
    shown_state,
    submitted_state,
    transition_of,
)

SECOND = timedelta(seconds=1)
FIVE = timedelta(minutes=5)


def overridden(how: str) -> PackageState:
    state = submitted_state(HARD)
    return after(state, ask(HumanOverrideCommand, state, override_decision=how), by=SENTA)


def on_timeout(what: OnTimeout, **more: Any) -> Policy:
    return policy(tiers={"high": {"on_timeout": what.value, **more}})


def tick(state: PackageState, kind: type[ClockCommand], now: datetime, **bearing: Any) -> PackageState:
    return after(state, ask(kind, state), now=now, **bearing)


def not_due(state: PackageState, kind: type[ClockCommand], now: datetime) -> bool:
    return refusal(state, ask(kind, state), now=now) is Reason.NOT_DUE


def reminded_state(state: PackageState) -> PackageState:
    """The state after the reminder of an unused permission, half of its time through."""
    return tick(state, Remind, NOW + DAY)


def consented_state() -> PackageState:
    return tick(shown_state(submitted_state(SOFT)), Consent, NOW + FIVE)


# The next due command.


@pytest.mark.parametrize(
    ("state", "due"),
    [
        pytest.param(shown_state(submitted_state(SOFT)), (NOW + FIVE, Verb.CONSENT), id="soft and seen"),
        pytest.param(submitted_state(SOFT), (NOW + DAY, Verb.CLIMB), id="soft and not seen"),
        pytest.param(submitted_state(HARD), (NOW + 20 * HOUR, Verb.REMIND), id="hard"),
        pytest.param(submitted_state(TAKEOVER), (NOW + DAY, Verb.CLIMB), id="takeover"),
        pytest.param(
            submitted_state(package(expires_at=NOW + HOUR)), (NOW + HOUR, Verb.EXPIRE), id="with an end of its own"
        ),
        pytest.param(
            after(submitted_state(HARD), ask(Revise, submitted_state(HARD)), by=SENTA),
            (NOW + 2 * DAY, Verb.EXPIRE),
            id="waiting for the agent",
        ),
        pytest.param(
            after(submitted_state(HARD), ask(Defer, submitted_state(HARD)), by=SENTA),
            (NOW + HOUR, Verb.WAKE),
            id="deferred",
        ),
        pytest.param(approved_state(HARD), (NOW + DAY, Verb.REMIND), id="approved"),
        pytest.param(
            reminded_state(approved_state(HARD)), (NOW + 2 * DAY, Verb.LAPSE), id="approved, and reminded of it"
        ),
        pytest.param(consented_state(), (NOW + FIVE + DAY, Verb.REMIND), id="consented"),
        pytest.param(claimed_state(approved_state(HARD)), (NOW + HOUR, Verb.LOSE_TRACK), id="claimed"),
    ],
)
def test_the_next_command_of_the_clock_and_its_time(state: PackageState, due: tuple[datetime, Verb]) -> None:
    assert next_due(state) == due


@pytest.mark.parametrize("kind", [Remind, Consent, Climb, Expire, WakeUp])
def test_a_command_that_is_not_due_does_nothing(kind: type[ClockCommand]) -> None:
    assert not_due(shown_state(submitted_state(SOFT)), kind, NOW + FIVE - SECOND)


def test_a_clock_command_that_comes_too_late_does_nothing() -> None:
    assert not_due(approved_state(HARD), Climb, NOW + 9 * DAY)


# Reminders.


def test_people_are_reminded_before_the_end_once_for_each() -> None:
    state = submitted_state(HARD)
    first = tick(state, Remind, NOW + 20 * HOUR)
    assert first.task.reminded == 1
    assert not_due(first, Remind, NOW + 20 * HOUR)
    assert next_due(first) == (NOW + 23 * HOUR, Verb.REMIND)
    assert next_due(tick(first, Remind, NOW + 23 * HOUR)) == (NOW + DAY, Verb.CLIMB)


def test_one_reminder_is_sent_if_several_came_due_during_downtime() -> None:
    assert tick(submitted_state(HARD), Remind, NOW + 23 * HOUR).task.reminded == 2


def test_reminders_come_before_the_packages_expiry_if_that_is_sooner() -> None:
    state = submitted_state(package(risk_level="high", expires_at=NOW + 6 * HOUR))
    assert next_due(state) == (NOW + 2 * HOUR, Verb.REMIND)
    reminded_once = tick(state, Remind, NOW + 2 * HOUR)
    assert next_due(reminded_once) == (NOW + 5 * HOUR, Verb.REMIND)
    assert next_due(tick(reminded_once, Remind, NOW + 5 * HOUR)) == (NOW + 6 * HOUR, Verb.EXPIRE)


QUICK = policy(actions={"record.read": {"hard_timeout": "2h"}})  # shorter than the first of the tier's reminders


def test_no_reminder_is_due_when_a_rung_has_just_begun() -> None:
    state = submitted_state(HARD, policy=QUICK)
    assert next_due(state) == (NOW + HOUR, Verb.REMIND)
    climbed = tick(state, Climb, NOW + 2 * HOUR, policy=QUICK)
    assert (climbed.task.rung, next_due(climbed)) == (1, (NOW + 3 * HOUR, Verb.REMIND))


def test_a_small_extension_does_not_trigger_a_reminder_at_once() -> None:
    state = tick(submitted_state(HARD), Remind, NOW + 23 * HOUR)
    later = after(state, ask(Extend, state, until=NOW + 26 * HOUR), by=SENTA, now=NOW + 23 * HOUR)
    assert next_due(later) == (NOW + 25 * HOUR, Verb.REMIND)


# Unused permissions.


def test_an_unclaimed_approval_is_reminded_once_after_half_of_its_time() -> None:
    state = approved_state(HARD)
    assert not_due(state, Remind, NOW + DAY - SECOND)
    move = transition_of(state, ask(Remind, state), now=NOW + DAY)
    assert [event.event_type for event in move.occurrences] == ["execution.reminded"]
    assert move.after.execution == Execution(reminded=True)
    assert (move.after.status, move.after.lapses_at) == (Status.APPROVED, state.lapses_at)
    assert not_due(move.after, Remind, NOW + 2 * DAY - SECOND)


def test_a_reminder_is_not_recorded_as_an_execution() -> None:
    state = approved_state(HARD)
    [reminder] = transition_of(state, ask(Remind, state), now=NOW + DAY).occurrences
    assert package_event(reminder, state, "salt")["executed_at"] is None


def test_the_packages_expiry_brings_the_reminder_forward() -> None:
    state = approved_state(package(risk_level="high", expires_at=NOW + 2 * HOUR))
    assert next_due(state) == (NOW + HOUR, Verb.REMIND)


@pytest.mark.parametrize(
    "state",
    [
        pytest.param(claimed_state(approved_state(HARD)), id="claimed"),
        pytest.param(reported_state(claimed_state(approved_state(HARD))), id="reported"),
        pytest.param(overridden("stop"), id="overridden, not to be done"),
        pytest.param(after(approved_state(HARD), ask(Revoke, approved_state(HARD)), by=SENTA), id="revoked"),
        pytest.param(
            after(submitted_state(QUESTION), ask(Answer, submitted_state(QUESTION)), by=SENTA), id="a question"
        ),
    ],
)
def test_no_reminder_is_sent_without_a_permission(state: PackageState) -> None:
    assert not_due(state, Remind, NOW + DAY)


def test_a_permission_can_be_claimed_and_lapses_after_its_reminder_as_before() -> None:
    assert claimed_state(reminded_state(approved_state(HARD)), now=NOW + DAY).execution.state is ExecutionState.CLAIMED
    assert tick(reminded_state(approved_state(HARD)), Lapse, NOW + 2 * DAY).execution.state is ExecutionState.LAPSED


# Climbing the ladder.


def test_a_hard_approval_that_nobody_answers_climbs_rung_by_rung_and_expires_at_the_top() -> None:
    state = submitted_state(HARD)
    for rung, role in enumerate(["supervisor", "director"], start=1):
        state = tick(state, Climb, NOW + rung * DAY)
        assert (state.task.rung, state.task.required_role, state.task.due_at) == (rung, role, NOW + (rung + 1) * DAY)
    assert not_due(state, Climb, NOW + 3 * DAY)
    state = tick(state, Expire, NOW + 3 * DAY)
    assert (state.status, state.interrupt_status) == (Status.EXPIRED, HumanInterruptStatus.EXPIRED)


def test_a_timeout_is_never_reported_as_a_rejection() -> None:
    top = after(submitted_state(HARD), ask(Escalate, submitted_state(HARD), to_role="director"), by=SENTA)
    decision = tick(top, Expire, NOW + DAY).decision
    assert decision is not None
    assert (decision.decision, decision.basis, decision.reviewers) == (None, Basis.TIMEOUT, ())


def test_an_unanswered_package_expires_if_no_higher_rung_has_reviewers() -> None:
    deserted = policy(roles={"supervisor": {"members": []}, "director": {"members": []}})
    assert tick(submitted_state(HARD), Climb, NOW + DAY, policy=deserted).status is Status.EXPIRED


def test_a_soft_package_that_was_never_seen_is_hard_from_the_next_rung_on() -> None:
    state = tick(submitted_state(SOFT), Climb, NOW + DAY)
    assert (state.level, state.task.required_role, state.why[0].rule) == (
        HITLLevel.HARD_APPROVAL,
        "senior_reviewer",
        "timeout",
    )


def test_extending_the_deadline_puts_off_the_climb_and_the_reminders() -> None:
    state = tick(submitted_state(HARD), Remind, NOW + 20 * HOUR)
    later = after(state, ask(Extend, state, until=NOW + 3 * DAY), by=SENTA, now=NOW + 21 * HOUR)
    assert not_due(later, Climb, NOW + DAY)
    assert next_due(later) == (NOW + 3 * DAY - 4 * HOUR, Verb.REMIND)


# Other settings of `on_timeout`.


@pytest.mark.parametrize(
    ("what", "status", "reason"),
    [(OnTimeout.CANCEL, Status.CANCELLED, "timeout"), (OnTimeout.AUTO_REJECT, Status.EXPIRED, "auto-reject")],
)
def test_a_policy_can_cancel_or_deny_unanswered_packages(what: OnTimeout, status: Status, reason: str) -> None:
    state = submitted_state(HARD, policy=on_timeout(what))
    move = transition_of(state, ask(Expire, state), now=NOW + DAY)
    assert (move.after.status, move.occurrences[-1].reason) == (status, reason)
    assert move.after.decision is not None
    assert (move.after.decision.decision, move.after.decision.basis) == (None, Basis.TIMEOUT)


def test_a_policy_can_defer_an_unanswered_package_at_most_twice() -> None:
    now, state = NOW, submitted_state(HARD, policy=on_timeout(OnTimeout.DEFER, defer_for="3h"))
    for time in (1, 2):
        now += DAY
        state = tick(state, Expire, now)
        assert (state.status, state.wake_at, state.put_off) == (Status.DEFERRED, now + 3 * HOUR, time)
        assert state.decision is not None
        assert (state.decision.decision, state.decision.basis) == (HumanDecisionType.DEFER, Basis.TIMEOUT)
        now += 3 * HOUR
        state = tick(state, WakeUp, now)
        assert (state.status, state.task.due_at) == (Status.PENDING, now + DAY)
    assert tick(state, Expire, now + DAY).status is Status.EXPIRED


def test_a_deferred_package_wakes_by_itself_and_by_hand() -> None:
    asleep = after(submitted_state(HARD), ask(Defer, submitted_state(HARD)), by=SENTA)
    assert not_due(asleep, WakeUp, NOW + HOUR - SECOND)
    assert tick(asleep, WakeUp, NOW + HOUR).status is Status.PENDING
    assert after(asleep, ask(Wake, asleep), by=SENTA).status is Status.PENDING


def test_a_climb_waits_while_the_directory_is_stale() -> None:
    state = submitted_state(HARD)
    stale: dict[str, Any] = {"now": NOW + DAY, "directory_as_of": NOW - 9 * DAY}
    assert refusal(state, ask(Climb, state), **stale) is Reason.DIRECTORY_STALE
    assert tick(state, Climb, NOW + 2 * DAY).task.rung == 1


def test_an_expired_package_expires_even_with_a_stale_directory() -> None:
    state = submitted_state(package(risk_level="high", expires_at=NOW + 2 * DAY))
    late = tick(state, Climb, NOW + 2 * DAY, directory_as_of=NOW - 9 * DAY)
    assert (late.status, late.task.rung) == (Status.EXPIRED, 0)


# Expiry of waiting packages.


def test_a_package_expires_if_the_agent_does_not_answer() -> None:
    state = after(submitted_state(HARD), ask(Revise, submitted_state(HARD)), by=SENTA)
    assert not_due(state, Expire, NOW + 2 * DAY - SECOND)
    assert tick(state, Expire, NOW + 2 * DAY).status is Status.EXPIRED


@pytest.mark.parametrize("first", [None, Revise, Defer], ids=["pending", "waiting for the agent", "deferred"])
def test_the_packages_expiry_ends_it_in_any_open_status(first: type[Any] | None) -> None:
    state = submitted_state(package(risk_level="high", expires_at=NOW + 2 * HOUR))
    state = after(state, ask(first, state), by=SENTA) if first else state
    assert tick(state, Expire, NOW + 2 * HOUR).status is Status.EXPIRED


def test_the_packages_expiry_never_becomes_a_deferral_or_a_climb() -> None:
    state = submitted_state(package(risk_level="high", expires_at=NOW + DAY), policy=on_timeout(OnTimeout.DEFER))
    assert tick(state, Expire, NOW + DAY).status is Status.EXPIRED
