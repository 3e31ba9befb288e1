"""Tasks of people who are away: reassigned, returned, or escalated if nobody is left."""

from __future__ import annotations

from typing import Any

import pytest

from rules.people.directory import AUTO, Actor, ActorKind, Person
from rules.policy.model import Policy
from rules.reasons import Reason
from rules.scales import HITLLevel
from rules.state.agent_commands import NewVersion
from rules.state.commands import Approve, ApproveWithEdits, Assign, ClaimTask, Command, Defer, Recuse, Revise, Wake
from rules.state.model import Bar, PackageState, Status
from rules.state.service_commands import Climb, Relieve, WakeUp
from rules.state.transition import Transition
from rules.verbs.absences import needs_relief
from tests.rules.world import (
    ADAM,
    AGENT,
    DAY,
    DORA,
    HARD,
    HOUR,
    NOW,
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
    people,
    policy,
    refusal,
    situation,
    submitted_state,
    transition_of,
)

LATER = NOW + HOUR
AWAY: dict[str, Any] = {"away_until": NOW + 9 * DAY}
GONE: dict[str, Any] = {"active": False}
# No higher role may act as a senior reviewer, so that a rung can be empty while a higher one is not.
APART = policy(
    roles={
        "senior_reviewer": {"members": [SENTA, SVEN]},
        "supervisor": {"members": [SUSI], "includes": []},
        "director": {"includes": []},
    }
)
BALANCED = policy(queue={"assign": "balanced"}, roles={"supervisor": {"members": []}, "director": {"members": []}})
TWO = policy(tiers={"high": {"quorum": 2}}, roles={"supervisor": {"members": [SUSI]}})


def away_for(delegate: str) -> dict[str, Any]:
    return AWAY | {"delegate": delegate}


def without(*missing: str) -> dict[str, Person]:
    return people(**dict.fromkeys(missing, AWAY))


def task_claimed(by: str = SENTA, policy: Policy = APART) -> PackageState:
    """A hard approval whose task a senior reviewer has claimed."""
    state = submitted_state(HARD, policy=policy)
    return after(state, ask(ClaimTask, state), by=by, policy=policy)


def deferred_state(state: PackageState) -> PackageState:
    return after(state, ask(Defer, state, until=NOW + DAY), by=SVEN, policy=APART)


def relief_needed(state: PackageState, people: dict[str, Person], policy: Policy = APART, **bearing: Any) -> bool:
    return needs_relief(state, situation(now=LATER, people=people, policy=policy, **bearing).roster, LATER)


def relieve(state: PackageState, people: dict[str, Person], policy: Policy = APART, **bearing: Any) -> Transition:
    move = transition_of(state, ask(Relieve, state), now=LATER, people=people, policy=policy, **bearing)
    assert not relief_needed(move.after, people, policy), "once is enough"
    return move


def event_reasons(move: Transition) -> list[tuple[str, str | None]]:
    return [(event.event_type, event.reason) for event in move.occurrences]


def task_holders(state: PackageState) -> tuple[str | None, str | None]:
    return state.task.assigned_to, state.task.stands_in_for


# When relief is needed.


@pytest.mark.parametrize(
    ("state", "around"),
    [
        pytest.param(task_claimed(), without(SENTA), id="the assignee is away"),
        pytest.param(task_claimed(), people(USENTA=GONE), id="the assignee was deactivated"),
        pytest.param(task_claimed(), people(USENTA={"is_guest": True}), id="the assignee may not decide any more"),
        pytest.param(deferred_state(task_claimed()), without(SENTA), id="while it is deferred"),
        pytest.param(submitted_state(HARD, policy=APART), without(SENTA, SVEN), id="nobody is left on this rung"),
    ],
)
def test_a_task_is_given_to_others_if_nobody_who_has_it_can_act(state: PackageState, around: dict[str, Person]) -> None:
    assert relief_needed(state, around)
    assert len(relieve(state, around).occurrences) == 1


@pytest.mark.parametrize(
    ("state", "around"),
    [
        pytest.param(task_claimed(), people(), id="everybody is there"),
        pytest.param(task_claimed(), people(USENTA={"away_until": LATER}), id="the assignee is just back"),
        pytest.param(task_claimed(), without(SVEN, SUSI, DORA), id="only the assignee is present"),
        pytest.param(
            submitted_state(HARD, policy=APART), without(SENTA, SUSI, DORA), id="someone who could decide is present"
        ),
        pytest.param(
            submitted_state(HARD, policy=APART), without(SENTA, SVEN, SUSI, DORA), id="nobody is present on any rung"
        ),
        pytest.param(
            deferred_state(submitted_state(HARD, policy=APART)),
            without(SENTA, SVEN),
            id="nobody is asked while it is deferred",
        ),
    ],
)
def test_a_task_stays_where_it_is_while_someone_who_has_it_can_act(
    state: PackageState, around: dict[str, Person]
) -> None:
    assert not relief_needed(state, around)
    assert refusal(state, ask(Relieve, state), now=LATER, people=around, policy=APART) is Reason.NOT_DUE


def test_with_a_stale_directory_no_task_is_reassigned() -> None:
    stale: dict[str, Any] = {"people": without(SENTA), "directory_as_of": NOW - 9 * DAY}
    assert not relief_needed(task_claimed(), **stale)
    assert refusal(task_claimed(), ask(Relieve, task_claimed()), now=LATER, policy=APART, **stale) is Reason.NOT_DUE


@pytest.mark.parametrize(
    "state",
    [after(task_claimed(), ask(Revise, task_claimed()), by=SENTA, policy=APART), approved_state(HARD)],
    ids=["waiting for the agent", "approved"],
)
def test_no_relief_is_needed_while_nobody_is_asked(state: PackageState) -> None:
    assert refusal(state, ask(Relieve, state), now=LATER, people=without(SENTA), policy=APART) is Reason.NOT_DUE


@pytest.mark.parametrize(
    "by", [Actor(kind=ActorKind.PERSON, actor_id=SVEN), AGENT.actor], ids=["a person", "the agent"]
)
def test_only_the_service_can_reassign_absent_peoples_tasks(by: Actor) -> None:
    bearing: dict[str, Any] = {"now": LATER, "people": without(SENTA), "policy": APART}
    assert refusal(task_claimed(), ask(Relieve, task_claimed()), by=by, **bearing) is Reason.NOT_FOUND
    assert transition_of(task_claimed(), ask(Relieve, task_claimed()), **bearing).after.task.assigned_to is None


# Reassigning a task.


def test_the_task_goes_to_the_delegate_who_stands_in_for_the_absent() -> None:
    move = relieve(task_claimed(), people(USENTA=away_for(SVEN)))
    assert event_reasons(move) == [("task.assigned", "absent")]
    assert task_holders(move.after) == (SVEN, SENTA)
    assert move.after.task.due_at == task_claimed().task.due_at


@pytest.mark.parametrize(
    ("delegate", "others"),
    [
        pytest.param(RITA, {}, id="has no role that could decide it"),
        pytest.param(SVEN, {SVEN: AWAY}, id="is away too"),
        pytest.param(SVEN, {SVEN: away_for(SENTA)}, id="is away and named the first delegate"),
        pytest.param(SVEN, {SVEN: GONE}, id="was deactivated"),
        pytest.param(ROSE, {}, id="is the one who asked for it"),
        pytest.param("UNEMO", {}, id="is unknown"),
        pytest.param(SENTA, {}, id="is the absent one"),
    ],
)
def test_a_delegate_without_authority_does_not_get_the_task(delegate: str, others: dict[str, Any]) -> None:
    one_there = policy(roles={"senior_reviewer": {"members": [SENTA, SVEN, ROSE]}, "director": {"members": [DORA]}})
    move = relieve(task_claimed(policy=one_there), people(**{SENTA: away_for(delegate), **others}), one_there)
    assert event_reasons(move) == [("task.assigned", "absent")]
    assert task_holders(move.after) == (None, None)


def test_the_delegate_of_an_absent_delegate_gets_the_task() -> None:
    chain = people(USENTA=away_for(SVEN), USVEN=away_for(SUSI))
    both = relieve(task_claimed(policy=TWO), chain, TWO)
    first_one = relieve(relieve(task_claimed(policy=TWO), people(USENTA=away_for(SVEN)), TWO).after, chain, TWO)
    assert task_holders(both.after) == task_holders(first_one.after) == (SUSI, SENTA)


def test_a_delegate_who_is_barred_does_not_get_the_task() -> None:
    state = task_claimed().model_copy(update={"barred": {SVEN: Bar.RECUSED}})
    assert task_holders(relieve(state, people(USENTA=away_for(SVEN)), policy()).after) == (None, None)


@pytest.mark.parametrize(
    "senta",
    [{"delegate": SVEN, "away_until": NOW, **GONE}, {"delegate": SVEN, "is_guest": True}],
    ids=["over", "never begun"],
)
def test_a_delegate_counts_only_during_the_absence(senta: dict[str, Any]) -> None:
    assert task_holders(relieve(task_claimed(), people(USENTA=senta)).after) == (None, None)


def test_balanced_assignment_gives_the_task_to_the_person_with_the_fewest() -> None:
    state = task_claimed(policy=BALANCED)
    three = policy(queue={"assign": "balanced"})
    move = relieve(state, people(USENTA=away_for(RITA)), three, open_items={SVEN: 2, SUSI: 1, DORA: 3} | busy())
    assert event_reasons(move) == [("task.assigned", "absent")]
    assert task_holders(move.after) == (SUSI, None)


def busy() -> dict[str, int]:
    return dict.fromkeys(("USAUL", "USILA", "UNEMO"), 9)


def test_with_balanced_assignment_the_delegate_still_comes_first() -> None:
    move = relieve(task_claimed(policy=BALANCED), people(USENTA=away_for(SVEN)), BALANCED, open_items={SVEN: 9})
    assert task_holders(move.after) == (SVEN, SENTA)


def test_an_edit_can_be_approved_by_others_than_its_editor() -> None:
    edited = after(task_claimed(), ask(ApproveWithEdits, task_claimed()), by=SENTA, policy=APART, package=HARD)
    assert (edited.status, task_holders(edited)) == (Status.PENDING, (None, None))


# Returning a task.


def with_stand_in(policy: Policy = APART) -> PackageState:
    return relieve(task_claimed(policy=policy), people(USENTA=away_for(SVEN)), policy).after


def test_the_task_returns_when_its_assignee_returns() -> None:
    move = relieve(with_stand_in(), people())
    assert event_reasons(move) == [("task.assigned", "back")]
    assert task_holders(move.after) == (SENTA, None)


def test_a_task_does_not_return_to_someone_who_may_no_longer_decide_it() -> None:
    assert not relief_needed(with_stand_in(), people(USENTA={"is_guest": True}))


def test_a_stand_in_who_has_voted_keeps_the_task() -> None:
    state = with_stand_in(TWO)
    voted = after(state, ask(Approve, state), by=SVEN, policy=TWO)
    assert voted.status is Status.PENDING
    assert not relief_needed(voted, people(), TWO)
    move = relieve(voted, people(USVEN=away_for(SUSI)), TWO)
    assert (event_reasons(move), task_holders(move.after)) == ([("task.assigned", "back")], (SENTA, None))


def test_the_original_assignee_is_kept_when_the_stand_in_goes_away_too() -> None:
    state = with_stand_in(TWO)
    moved = relieve(state, people(USENTA=away_for(SVEN), USVEN=away_for(SUSI)), TWO).after
    assert task_holders(moved) == (SUSI, SENTA)
    assert task_holders(relieve(moved, people(USVEN=AWAY), TWO).after) == (SENTA, None)


def test_a_task_without_an_assignee_can_be_claimed_by_anyone_eligible() -> None:
    freed = relieve(task_claimed(), without(SENTA)).after
    assert not relief_needed(freed, people())
    assert after(freed, ask(ClaimTask, freed), by=SVEN, policy=APART).task.assigned_to == SVEN


def test_the_task_of_a_deferred_package_returns_too() -> None:
    asleep = deferred_state(with_stand_in())
    moved = relieve(asleep, people()).after
    assert (moved.status, task_holders(moved)) == (Status.DEFERRED, (SENTA, None))


# Escalating a task.


def test_a_package_climbs_at_once_when_its_rung_has_no_reviewers_left() -> None:
    move = relieve(task_claimed(), people(USENTA=away_for(SUSI), USVEN=GONE))
    assert event_reasons(move) == [("package.escalated", "nobody-left")]
    task = move.after.task
    assert (task.rung, task.required_role, task.due_at) == (1, "supervisor", LATER + DAY)
    assert task_holders(move.after) == (None, None)


def test_a_rung_on_which_everyone_is_away_is_skipped() -> None:
    move = relieve(submitted_state(HARD, policy=APART), without(SENTA, SVEN, SUSI))
    assert (move.after.task.rung, move.after.task.required_role) == (2, "director")


def test_with_nobody_present_on_any_rung_the_task_has_no_assignee_and_keeps_its_deadline() -> None:
    move = relieve(task_claimed(), without(SENTA, SVEN, SUSI, DORA))
    assert (event_reasons(move), task_holders(move.after)) == ([("task.assigned", "absent")], (None, None))
    assert (move.after.task.rung, move.after.task.due_at) == (0, task_claimed().task.due_at)


def test_a_soft_package_is_hard_from_the_next_rung_on() -> None:
    apart = policy(roles={"senior_reviewer": {"includes": []}, "supervisor": {"includes": []}})
    apart = apart.model_copy(update={"roles": apart.roles | {"director": apart.roles["supervisor"]}})
    move = relieve(submitted_state(SOFT, policy=apart), without(RITA, ROSS), apart)
    assert event_reasons(move) == [("package.hardened", "nobody-left"), ("package.escalated", "nobody-left")]
    assert (move.after.level, move.after.task.required_role) == (HITLLevel.HARD_APPROVAL, "senior_reviewer")


def test_a_package_does_not_climb_down_when_people_return() -> None:
    climbed = relieve(task_claimed(), without(SENTA, SVEN)).after
    assert not relief_needed(climbed, people())


def test_a_task_that_an_admin_assigns_does_not_return_to_the_original_assignee() -> None:
    around = people(**{SENTA: away_for(SVEN)})
    kept = relieve(task_claimed(), around).after
    assert task_holders(kept) == (SVEN, SENTA)
    assigned = after(kept, ask(Assign, kept, assignee=SVEN), by=ADAM, now=LATER, people=around, policy=APART)
    assert task_holders(assigned) == (SVEN, None)


# Packages that return to the queue.


def revised_state(state: PackageState) -> PackageState:
    return after(state, ask(Revise, state), by=SVEN, policy=APART)


@pytest.mark.parametrize(
    ("state", "back"),
    [
        pytest.param(deferred_state(task_claimed()), (WakeUp, {}, AUTO), id="time wakes it"),
        pytest.param(deferred_state(task_claimed()), (Wake, {}, SVEN), id="somebody wakes it"),
        pytest.param(
            revised_state(task_claimed()), (NewVersion, {"package": HARD}, AGENT.actor), id="the agent revised it"
        ),
    ],
)
def test_a_package_that_returns_to_the_queue_is_reassigned_at_once_if_its_assignee_left(
    state: PackageState, back: tuple[type[Command], dict[str, Any], str | Actor]
) -> None:
    command, fields, by = back
    around: dict[str, Any] = {"now": NOW + DAY, "policy": APART, "people": people(USENTA=away_for(SVEN))}
    again = after(state, ask(command, state, **fields), by=by, **around)
    assert (again.status, task_holders(again)) == (Status.PENDING, (SVEN, SENTA))


def test_a_package_that_returns_to_a_rung_without_reviewers_climbs_at_once() -> None:
    asleep = deferred_state(task_claimed())
    move = transition_of(asleep, ask(WakeUp, asleep), now=NOW + DAY, policy=APART, people=without(SENTA, SVEN))
    assert event_reasons(move) == [("package.pending", "time-reached"), ("package.escalated", "nobody-left")]
    assert (move.after.status, move.after.task.rung) == (Status.PENDING, 1)


# A rung without reviewers when it is reached.


def test_a_new_package_climbs_at_once_if_everyone_on_its_rung_is_away() -> None:
    state = submitted_state(HARD, policy=APART, people=without(SENTA, SVEN))
    assert (state.status, state.task.required_role) == (Status.PENDING, "supervisor")
    assert not relief_needed(state, without(SENTA, SVEN))


def test_a_new_package_stays_on_its_rung_if_nobody_is_present_on_any() -> None:
    state = submitted_state(HARD, policy=APART, people=without(SENTA, SVEN, SUSI, DORA))
    assert (state.status, state.task.rung) == (Status.PENDING, 0)


@pytest.mark.parametrize(
    ("around", "role"),
    [
        pytest.param(without(SUSI), "director", id="everyone on the next rung is away"),
        pytest.param(without(SUSI, DORA), "supervisor", id="everybody is away further up"),
    ],
)
def test_an_unanswered_package_climbs_to_the_next_rung_with_someone_present(
    around: dict[str, Person], role: str
) -> None:
    state = submitted_state(HARD, policy=APART)
    climbed = after(state, ask(Climb, state), now=NOW + DAY, people=around, policy=APART)
    assert climbed.task.required_role == role


def test_recusal_of_the_last_present_reviewer_asks_the_next_rung() -> None:
    state = submitted_state(HARD, policy=APART)
    aside = after(state, ask(Recuse, state), by=SENTA, people=without(SVEN), policy=APART)
    assert aside.task.required_role == "supervisor"


def test_a_task_assigned_to_someone_who_is_away_goes_to_their_delegate() -> None:
    state = submitted_state(HARD, policy=APART)
    around = people(USENTA=away_for(SVEN))
    handed = after(state, ask(Assign, state, assignee=SENTA), by=ADAM, people=around, policy=APART)
    assert task_holders(handed) == (SVEN, SENTA)
    assert task_holders(relieve(handed, people()).after) == (SENTA, None)
