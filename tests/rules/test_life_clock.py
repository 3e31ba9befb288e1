"""What time does: each rule checks that it is due, and silence consents only where somebody could have spoken."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from rules.clock import next_due
from rules.commands import (
    Approve,
    Climb,
    ClockCommand,
    Consent,
    Defer,
    Escalate,
    Expire,
    Extend,
    HumanDecisionType,
    NewVersion,
    Object,
    Remind,
    Revise,
    Show,
    Silence,
    Verb,
    Wake,
    WakeUp,
)
from rules.package import DecisionPackage
from rules.policy import Policy
from rules.reasons import Reason
from rules.scales import HITLLevel
from rules.state import Basis, HumanInterruptStatus, PackageState, Status
from rules.tiers import OnTimeout
from tests.rules.world import (
    AGENT,
    DAY,
    DORA,
    HARD,
    HOUR,
    MINUTE,
    NOW,
    RITA,
    SENTA,
    SOFT,
    TAKEOVER,
    after,
    agent,
    approved,
    ask,
    claimed,
    happened,
    package,
    policy,
    refusal,
    shown,
    submitted,
)

SECOND = timedelta(seconds=1)
FIVE = timedelta(minutes=5)


def on_timeout(what: OnTimeout, **more: Any) -> Policy:
    return policy(tiers={"high": {"on_timeout": what.value, **more}})


def tick(state: PackageState, kind: type[ClockCommand], now: datetime, **bearing: Any) -> PackageState:
    return after(state, ask(kind, state), now=now, **bearing)


def not_due(state: PackageState, kind: type[ClockCommand], now: datetime) -> bool:
    return refusal(state, ask(kind, state), now=now) is Reason.NOT_DUE


# What comes next.


@pytest.mark.parametrize(
    ("state", "due"),
    [
        pytest.param(shown(submitted(SOFT)), (NOW + FIVE, Verb.CONSENT), id="soft and seen"),
        pytest.param(submitted(SOFT), (NOW + DAY, Verb.CLIMB), id="soft and not seen"),
        pytest.param(submitted(HARD), (NOW + 20 * HOUR, Verb.REMIND), id="hard"),
        pytest.param(submitted(TAKEOVER), (NOW + DAY, Verb.CLIMB), id="takeover"),
        pytest.param(submitted(package(expires_at=NOW + HOUR)), (NOW + HOUR, Verb.EXPIRE), id="with an end of its own"),
        pytest.param(
            after(submitted(HARD), ask(Revise, submitted(HARD)), by=SENTA),
            (NOW + 2 * DAY, Verb.EXPIRE),
            id="waiting for the agent",
        ),
        pytest.param(
            after(submitted(HARD), ask(Defer, submitted(HARD)), by=SENTA), (NOW + HOUR, Verb.WAKE), id="deferred"
        ),
        pytest.param(approved(HARD), (NOW + 2 * DAY, Verb.LAPSE), id="approved"),
        pytest.param(claimed(approved(HARD)), (NOW + HOUR, Verb.LOSE_TRACK), id="claimed"),
    ],
)
def test_what_time_will_do_next_and_when(state: PackageState, due: tuple[datetime, Verb]) -> None:
    assert next_due(state) == due


@pytest.mark.parametrize("kind", [Remind, Consent, Climb, Expire, WakeUp])
def test_what_is_not_due_does_nothing(kind: type[ClockCommand]) -> None:
    assert not_due(shown(submitted(SOFT)), kind, NOW + FIVE - SECOND)


def test_what_came_too_late_does_nothing() -> None:
    assert not_due(approved(HARD), Climb, NOW + 9 * DAY)


# Reminders.


def test_people_are_reminded_before_the_end_once_for_each() -> None:
    state = submitted(HARD)
    first = tick(state, Remind, NOW + 20 * HOUR)
    assert first.task.reminded == 1
    assert not_due(first, Remind, NOW + 20 * HOUR)
    assert next_due(first) == (NOW + 23 * HOUR, Verb.REMIND)
    assert next_due(tick(first, Remind, NOW + 23 * HOUR)) == (NOW + DAY, Verb.CLIMB)


def test_after_a_long_sleep_one_reminder_is_enough() -> None:
    assert tick(submitted(HARD), Remind, NOW + 23 * HOUR).task.reminded == 2


# Climbing, and the top.


def test_a_hard_approval_that_nobody_answers_climbs_rung_by_rung_and_expires_at_the_top() -> None:
    state = submitted(HARD)
    for rung, role in enumerate(["supervisor", "director"], start=1):
        state = tick(state, Climb, NOW + rung * DAY)
        assert (state.task.rung, state.task.required_role, state.task.due_at) == (rung, role, NOW + (rung + 1) * DAY)
    assert not_due(state, Climb, NOW + 3 * DAY)
    state = tick(state, Expire, NOW + 3 * DAY)
    assert (state.status, state.interrupt_status) == (Status.EXPIRED, HumanInterruptStatus.EXPIRED)


def test_a_timeout_is_never_a_persons_rejection() -> None:
    top = after(submitted(HARD), ask(Escalate, submitted(HARD), to_role="director"), by=SENTA)
    made = tick(top, Expire, NOW + DAY).decision
    assert made is not None
    assert (made.decision, made.basis, made.reviewers) == (None, Basis.TIMEOUT, ())


def test_where_nobody_is_left_further_up_it_expires_at_once() -> None:
    deserted = policy(roles={"supervisor": {"members": []}, "director": {"members": []}})
    assert tick(submitted(HARD), Climb, NOW + DAY, policy=deserted).status is Status.EXPIRED


def test_what_was_soft_and_never_seen_is_hard_from_the_next_rung_on() -> None:
    state = tick(submitted(SOFT), Climb, NOW + DAY)
    assert (state.level, state.task.required_role, state.why[0].rule) == (
        HITLLevel.HARD_APPROVAL,
        "senior_reviewer",
        "timeout",
    )


def test_extending_the_deadline_puts_off_the_climb_and_the_reminders() -> None:
    state = tick(submitted(HARD), Remind, NOW + 20 * HOUR)
    later = after(state, ask(Extend, state, until=NOW + 3 * DAY), by=SENTA, now=NOW + 21 * HOUR)
    assert not_due(later, Climb, NOW + DAY)
    assert next_due(later) == (NOW + 3 * DAY - 4 * HOUR, Verb.REMIND)


# The other things that a policy lets time do.


@pytest.mark.parametrize(
    ("what", "status", "reason"),
    [(OnTimeout.CANCEL, Status.CANCELLED, "timeout"), (OnTimeout.AUTO_REJECT, Status.EXPIRED, "auto-reject")],
)
def test_a_policy_can_cancel_or_deny_what_nobody_answers(what: OnTimeout, status: Status, reason: str) -> None:
    state = submitted(HARD, policy=on_timeout(what))
    move = happened(state, ask(Expire, state), now=NOW + DAY)
    assert (move.after.status, move.occurrences[-1].reason) == (status, reason)
    assert move.after.decision is not None
    assert (move.after.decision.decision, move.after.decision.basis) == (None, Basis.TIMEOUT)


def test_a_policy_can_put_it_off_at_most_twice() -> None:
    now, state = NOW, submitted(HARD, policy=on_timeout(OnTimeout.DEFER, defer_for="3h"))
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
    asleep = after(submitted(HARD), ask(Defer, submitted(HARD)), by=SENTA)
    assert not_due(asleep, WakeUp, NOW + HOUR - SECOND)
    assert tick(asleep, WakeUp, NOW + HOUR).status is Status.PENDING
    assert after(asleep, ask(Wake, asleep), by=SENTA).status is Status.PENDING


# The ends of what waits.


def test_an_agent_that_does_not_answer_lets_it_expire() -> None:
    state = after(submitted(HARD), ask(Revise, submitted(HARD)), by=SENTA)
    assert not_due(state, Expire, NOW + 2 * DAY - SECOND)
    assert tick(state, Expire, NOW + 2 * DAY).status is Status.EXPIRED


@pytest.mark.parametrize("first", [None, Revise, Defer], ids=["pending", "waiting for the agent", "deferred"])
def test_the_agents_own_end_ends_it_in_any_open_status(first: type[Any] | None) -> None:
    state = submitted(package(risk_level="high", expires_at=NOW + 2 * HOUR))
    state = after(state, ask(first, state), by=SENTA) if first else state
    assert tick(state, Expire, NOW + 2 * HOUR).status is Status.EXPIRED


def test_the_agents_own_end_never_turns_into_a_deferral_or_a_climb() -> None:
    state = submitted(package(risk_level="high", expires_at=NOW + DAY), policy=on_timeout(OnTimeout.DEFER))
    assert tick(state, Expire, NOW + DAY).status is Status.EXPIRED


# Silence.

PROVEN = Silence(counted=FIVE, reviewer_present=True, could_be_answered=True)


def silence(**changes: Any) -> Silence:
    return PROVEN.model_copy(update=changes)


def consented(
    said: DecisionPackage = SOFT, proof: Silence = PROVEN, now: datetime = NOW + FIVE, **bearing: Any
) -> PackageState:
    state = shown(submitted(said))
    return after(state, ask(Consent, state, silence=proof), now=now, **bearing)


def test_silence_that_was_proven_is_consent_on_a_basis_of_its_own() -> None:
    state = consented()
    assert (state.status, state.may_proceed(NOW + FIVE)) == (Status.CONSENTED, True)
    assert state.decision is not None
    assert (state.decision.basis, state.decision.reviewers) == (Basis.SILENT_CONSENT, ())


@pytest.mark.parametrize(("chance", "sampled"), [(0.05, True), (0.1, False)])
def test_a_share_of_what_silence_let_pass_is_looked_at_afterwards(chance: float, sampled: bool) -> None:
    assert consented(chance=chance).sampled is sampled


@pytest.mark.parametrize(
    "proof",
    [silence(reviewer_present=False), silence(could_be_answered=False)],
    ids=["nobody was there", "no click could have come in"],
)
def test_silence_where_nobody_could_have_spoken_makes_it_hard(proof: Silence) -> None:
    state = consented(proof=proof)
    assert (state.status, state.level, state.why[0].rule) == (
        Status.PENDING,
        HITLLevel.HARD_APPROVAL,
        "silence-unproven",
    )
    assert state.task.due_at == NOW + FIVE + DAY


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"soft": {"enabled": False}}, id="soft approval switched off"),
        pytest.param({"tiers": {"medium": {"level": "hard_approval"}}}, id="a stricter tier"),
        pytest.param(
            {"actions": {"record.read": {"reversibility": "irreversible_high"}}}, id="cannot be undone after all"
        ),
        pytest.param({"actions": {"record.read": {"floor": "hard_approval"}}}, id="a floor for the action type"),
    ],
)
def test_silence_does_not_count_where_todays_policy_wants_a_yes(changes: dict[str, Any]) -> None:
    state = consented(policy=policy(**changes))
    assert (state.status, state.level, state.why[0].rule) == (Status.PENDING, HITLLevel.HARD_APPROVAL, "policy-changed")


def consent_refused(proof: Silence = PROVEN, now: datetime = NOW + FIVE, **bearing: Any) -> Reason:
    state = shown(submitted(SOFT))
    return refusal(state, ask(Consent, state, silence=proof), now=now, **bearing)


def test_time_in_which_nobody_could_have_spoken_does_not_count() -> None:
    assert consent_refused(silence(counted=FIVE - SECOND), now=NOW + HOUR) is Reason.NOT_DUE


def test_a_policy_that_asks_for_a_longer_silence_is_obeyed_and_one_for_a_shorter_is_not() -> None:
    assert consent_refused(policy=policy(tiers={"medium": {"soft_timeout": "10m"}})) is Reason.NOT_DUE
    assert (
        consent_refused(silence(counted=MINUTE), policy=policy(tiers={"medium": {"soft_timeout": "1m"}}))
        is Reason.NOT_DUE
    )


@pytest.mark.parametrize("its", [agent(frozen=True), None], ids=["frozen", "gone"])
def test_nothing_consents_while_the_agent_is_paused(its: Any) -> None:
    assert consent_refused(agent=its) is Reason.AGENT_PAUSED


@pytest.mark.parametrize(
    ("proof", "bearing"),
    [(silence(counted=MINUTE), {}), (PROVEN, {"agent": agent(frozen=True)})],
    ids=["too little silence", "a paused agent"],
)
def test_silence_that_does_not_come_to_count_before_the_deadline_makes_it_hard(
    proof: Silence, bearing: dict[str, Any]
) -> None:
    state = consented(proof=proof, now=NOW + DAY, **bearing)
    assert (state.status, state.level, state.why[0].rule) == (Status.PENDING, HITLLevel.HARD_APPROVAL, "timeout")


def test_the_agents_own_end_never_turns_into_consent() -> None:
    state = consented(package(expires_at=NOW + HOUR), now=NOW + HOUR)
    assert (state.status, state.may_proceed(NOW + HOUR)) == (Status.EXPIRED, False)


def test_silence_begins_when_somebody_eligible_could_see_it() -> None:
    state = submitted(SOFT)
    unseen = after(state, ask_show(state, seen=False))
    assert unseen.shown is None
    seen = after(unseen, ask_show(unseen, seen=True), now=NOW + HOUR)
    assert next_due(after(seen, ask_show(seen, seen=True), now=NOW + 2 * HOUR)) == (NOW + HOUR + FIVE, Verb.CONSENT)


def test_a_card_of_an_older_version_proves_nothing() -> None:
    state = submitted(SOFT)
    late = ask_show(state, seen=True)
    newer = after(state, ask(NewVersion, state), by=AGENT.actor)
    assert after(newer, late).shown is None


def ask_show(state: PackageState, *, seen: bool) -> Show:
    return ask(Show, state, seen_by_eligible=seen)


@pytest.mark.parametrize("kind", [Object, Escalate])
def test_what_somebody_spoke_about_never_consents(kind: type[Any]) -> None:
    state = shown(submitted(SOFT))
    spoken = after(state, ask(kind, state), by=RITA)
    assert not_due(spoken, Consent, NOW + DAY)


def test_a_person_can_still_say_yes_before_the_silence_ends() -> None:
    state = shown(submitted(SOFT))
    assert after(state, ask(Approve, state), by=DORA).status is Status.APPROVED
