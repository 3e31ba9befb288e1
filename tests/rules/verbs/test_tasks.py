"""What people do around a decision: recuse, claim, assign, comment, withdraw, open Details."""

from __future__ import annotations

from typing import Any

import pytest

from rules.people.directory import AUTO
from rules.reasons import Reason
from rules.scales import HITLLevel
from rules.state.agent_commands import NewVersion
from rules.state.commands import (
    Approve,
    Assign,
    ClaimTask,
    Comment,
    Defer,
    Extend,
    Object,
    OpenDetails,
    Recuse,
    Reject,
    Revise,
    Verb,
    Withdraw,
)
from rules.state.model import Bar, HumanInterruptStatus, PackageState, Status
from rules.state.service_commands import Show
from rules.verbs.trials import offered_verbs
from tests.rules.world import (
    ADAM,
    AGENT,
    CRITICAL,
    DAY,
    HARD,
    HOUR,
    NOW,
    OWEN,
    RITA,
    ROSE,
    ROSS,
    SENTA,
    SOFT,
    SUSI,
    SVEN,
    after,
    approved_state,
    ask,
    opened_state,
    package,
    policy,
    refusal,
    shown_state,
    submitted_state,
    transition_of,
)

# Recuse.


def test_recusal_bars_from_approving() -> None:
    state = submitted_state(HARD)
    recused = after(state, ask(Recuse, state), by=SENTA)
    assert (recused.barred[SENTA], recused.task.rung) == (Bar.RECUSED, 0)
    assert refusal(recused, ask(Approve, recused), by=SENTA) is Reason.IS_RECUSED


def test_recusal_gives_the_task_back() -> None:
    state = submitted_state(HARD)
    taken = after(state, ask(ClaimTask, state), by=SENTA)
    assert after(taken, ask(Recuse, taken), by=SENTA).task.assigned_to is None
    assert after(taken, ask(Recuse, taken), by=SVEN).task.assigned_to == SENTA


def test_a_requester_who_steps_aside_stays_the_requester() -> None:
    state = submitted_state(package(risk_level="high", requested_by=SENTA))
    assert after(state, ask(Recuse, state), by=SENTA).barred[SENTA] is Bar.REQUESTER


# Two reviewers; everyone else is on the rung above.
FEW: dict[str, Any] = {
    "policy": policy(
        roles={"senior_reviewer": {"includes": []}, "supervisor": {"includes": []}, "director": {"includes": []}}
    )
}


def test_recusal_of_the_last_reviewer_asks_the_next_rung_at_once() -> None:
    state = submitted_state(SOFT, **FEW)
    state = after(state, ask(Recuse, state), by=RITA, **FEW)
    assert (state.task.rung, state.level) == (0, HITLLevel.SOFT_APPROVAL)
    state = after(state, ask(Recuse, state), by=ROSS, **FEW)
    assert (state.task.rung, state.task.required_role) == (1, "senior_reviewer")
    assert (state.level, state.why[0].rule) == (HITLLevel.HARD_APPROVAL, "nobody-left")


def test_a_deferred_package_does_not_climb() -> None:
    state = submitted_state(SOFT, **FEW)
    state = after(state, ask(Defer, state), by=RITA, **FEW)
    for who in (RITA, ROSS):
        state = after(state, ask(Recuse, state), by=who, **FEW)
    assert (state.status, state.task.rung) == (Status.DEFERRED, 0)


# Claim and assign.


def test_a_claimed_task_has_an_assignee_and_cannot_be_claimed_by_others() -> None:
    state = submitted_state(HARD)
    taken = after(state, ask(ClaimTask, state), by=SENTA)
    assert taken.task.assigned_to == SENTA
    assert refusal(taken, ask(ClaimTask, taken), by=SVEN) is Reason.TASK_CLAIMED
    assert after(taken, ask(ClaimTask, taken), by=SENTA).task.assigned_to == SENTA


def test_a_claimed_task_can_still_be_decided_by_others() -> None:
    state = submitted_state(HARD)
    taken = after(state, ask(ClaimTask, state), by=SENTA)
    assert after(taken, ask(Approve, taken), by=SVEN).status is Status.APPROVED


@pytest.mark.parametrize("by", [ADAM, AUTO], ids=["an admin", "the service"])
def test_an_admin_can_assign_a_task(by: Any) -> None:
    state = submitted_state(HARD)
    assert after(state, ask(Assign, state, assignee=SVEN), by=by).task.assigned_to == SVEN


def test_only_admins_can_assign_tasks() -> None:
    state = submitted_state(HARD)
    assert refusal(state, ask(Assign, state, assignee=SVEN), by=SUSI) is Reason.NOT_ADMIN


@pytest.mark.parametrize("who", [RITA, ROSE, ADAM], ids=["below the role", "the requester", "the admin"])
def test_assigning_a_task_gives_no_authority(who: str) -> None:
    state = submitted_state(HARD)
    assert refusal(state, ask(Assign, state, assignee=who), by=ADAM) is Reason.ASSIGNEE_NOT_ELIGIBLE


# Comment and extend.


@pytest.mark.parametrize("state", [submitted_state(HARD), approved_state(HARD)], ids=["open", "decided"])
def test_a_comment_changes_nothing_but_the_record(state: PackageState) -> None:
    move = transition_of(state, ask(Comment, state, comment="Seen it."), by=SVEN)
    still = {"revision", "updated_at"}
    assert move.after.model_dump(exclude=still) == state.model_dump(exclude=still)
    assert move.occurrences[0].words == {"comment": "Seen it."}


@pytest.mark.parametrize(("until", "expected"), [(NOW, Reason.TIME_NOT_AHEAD), (NOW + 31 * DAY, Reason.TIME_TOO_FAR)])
def test_a_deadline_is_extended_into_the_future_and_not_too_far(until: Any, expected: Reason) -> None:
    state = submitted_state(HARD)
    assert refusal(state, ask(Extend, state, until=until), by=SENTA) is expected


def test_a_deadline_is_extended_by_people_who_could_decide() -> None:
    state = submitted_state(HARD)
    assert after(state, ask(Extend, state), by=SENTA).task.due_at == NOW + 2 * DAY


def test_a_deadline_cannot_be_extended_while_silence_counts() -> None:
    state = submitted_state(SOFT)
    assert refusal(state, ask(Extend, state), by=SENTA) is Reason.SILENCE_COUNTS
    assert Verb.EXTEND not in offered_verbs(state)
    waiting = after(state, ask(Object, state), by=SENTA)
    assert Verb.EXTEND in offered_verbs(waiting)
    assert after(waiting, ask(Extend, waiting), by=SENTA).task.due_at == NOW + 2 * DAY


def test_extending_a_deadline_never_shortens_it() -> None:
    state = submitted_state(HARD)
    sooner = ask(Extend, state, until=state.task.due_at - HOUR)
    assert refusal(state, sooner, by=SENTA) is Reason.TIME_NOT_AHEAD


# Withdraw.


@pytest.mark.parametrize("by", [AGENT.actor, ROSE, OWEN], ids=["the agent", "the requester", "the owner"])
@pytest.mark.parametrize("first", [None, Revise, Defer])
def test_its_parties_can_withdraw_a_package_while_it_is_open(first: type[Any] | None, by: Any) -> None:
    state = submitted_state(HARD)
    state = after(state, ask(first, state), by=SENTA) if first else state
    gone = after(state, ask(Withdraw, state), by=by)
    assert (gone.status, gone.interrupt_status) == (Status.CANCELLED, HumanInterruptStatus.CANCELLED)


@pytest.mark.parametrize("by", [SENTA, ADAM], ids=["a reviewer", "an admin"])
def test_nobody_else_can_withdraw_a_package(by: str) -> None:
    state = submitted_state(HARD)
    assert refusal(state, ask(Withdraw, state), by=by) is Reason.NOT_YOURS_TO_WITHDRAW


def test_a_decided_package_cannot_be_withdrawn() -> None:
    state = approved_state(HARD)
    assert refusal(state, ask(Withdraw, state), by=AGENT.actor) is Reason.ALREADY_DECIDED


# Shown cards and opened Details.


def test_opened_details_are_recorded_once_with_the_person_and_the_version() -> None:
    state = opened_state(submitted_state(CRITICAL), SUSI)
    (seen,) = state.details
    assert (seen.reviewer_id, seen.version, seen.page) == (SUSI, 1, 1)
    assert transition_of(state, ask(OpenDetails, state), by=SUSI).occurrences == ()
    assert len(after(state, ask(OpenDetails, state, page=2), by=SUSI).details) == 2


def test_details_of_an_older_version_do_not_count() -> None:
    state = submitted_state(CRITICAL)
    newer = after(opened_state(state, SUSI), ask(NewVersion, state, package=CRITICAL), by=AGENT.actor)
    assert refusal(newer, ask(OpenDetails, state), by=SUSI) is Reason.STALE_VERSION
    assert refusal(newer, ask(Approve, newer), by=SUSI) is Reason.DETAILS_FIRST


def test_the_same_proof_twice_is_one_event_and_the_first_one_counts() -> None:
    state = shown_state(submitted_state(SOFT))
    again = transition_of(state, ask(Show, state), now=NOW + HOUR)
    assert again.occurrences == ()
    assert again.after.shown == state.shown


def test_a_card_at_another_location_is_an_event_and_keeps_the_earlier_proof() -> None:
    state = shown_state(submitted_state(SOFT))
    elsewhere = transition_of(state, ask(Show, state, channel="DELSEWHERE"), now=NOW + HOUR)
    assert [event.event_type for event in elsewhere.occurrences] == ["package.shown"]
    assert state.shown is not None
    assert elsewhere.after.shown is not None
    assert elsewhere.after.shown.cards[0] == state.shown.cards[0]
    assert elsewhere.after.shown.at == state.shown.at


def test_a_decided_package_is_still_shown() -> None:
    state = after(submitted_state(HARD), ask(Reject, submitted_state(HARD)), by=SENTA)
    assert shown_state(state).status is Status.REJECTED
