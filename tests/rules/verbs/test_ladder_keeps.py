"""Time adds the next role: the first one may still decide, unless the policy says otherwise or a person escalated."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from rules.authority.authorization import authorize, question_of
from rules.authority.ladder import ladder_roles
from rules.authority.mentions import mentions_for
from rules.authority.standards import Standard
from rules.people.directory import Directory, ReviewerAuthorization, Roster
from rules.policy.model import Policy
from rules.reasons import Reason
from rules.state.agent_commands import ClaimExecution, NewVersion
from rules.state.commands import Approve, ClaimTask, Escalate, Extend, HumanOverrideCommand, Reject
from rules.state.model import PackageState, Status
from rules.state.service_commands import Climb, Relieve
from rules.state.terms import terms_today
from tests.rules.world import (
    ADAM,
    AGENT,
    ALL,
    DAY,
    DORA,
    HARD,
    NOW,
    RITA,
    ROSS,
    SENTA,
    SOFT,
    SUSI,
    SVEN,
    after,
    ask,
    package,
    people,
    policy,
    refusal,
    submitted_state,
    transition_of,
)

# Roles that do not include each other, so that each rung has people of its own.
APART: dict[str, dict[str, Any]] = {
    "senior_reviewer": {"includes": []},
    "supervisor": {"includes": []},
    "director": {"includes": []},
}
KEEPS = policy(roles=APART)
OFF: dict[str, Any] = {"ladder_keeps": False}
MOVES = policy(roles=APART, tiers=dict.fromkeys(("low", "medium", "high", "critical"), OFF))
FIRST = [RITA, ROSS]


def climbed(state: PackageState, rungs: int, active: Policy) -> PackageState:
    """The state after nobody answered on this many rungs."""
    for _ in range(rungs):
        now = state.task.due_at
        state = after(state, ask(Climb, state), now=now, policy=active)
    return state


def hard(active: Policy) -> PackageState:
    """A package of medium risk that waits for a reviewer, and then for a senior reviewer and a supervisor."""
    return submitted_state(package(confidence=0.6), policy=active)


def may_decide(state: PackageState, user_id: str, active: Policy) -> bool:
    roster = Roster(active, Directory(people=people(), as_of=NOW))
    able = authorize(roster, user_id, Standard.PROCEED, question_of(state, active), NOW)
    return isinstance(able, ReviewerAuthorization)


def test_when_time_runs_out_the_next_role_is_asked_and_the_first_one_may_still_decide() -> None:
    state = climbed(hard(KEEPS), 1, KEEPS)
    assert (state.task.rung, state.task.required_role) == (1, "senior_reviewer")
    for reviewer in (RITA, SENTA):
        assert after(state, ask(Approve, state), by=reviewer, policy=KEEPS).status is Status.APPROVED


def test_a_card_of_the_earlier_rung_still_takes_a_click() -> None:
    state = climbed(hard(KEEPS), 1, KEEPS)
    decided = after(state, ask(Approve, state, expected_rung=0), by=RITA, policy=KEEPS)
    assert decided.status is Status.APPROVED


def test_with_ladder_keeps_off_only_the_newest_role_decides() -> None:
    state = climbed(hard(MOVES), 1, MOVES)
    assert refusal(state, ask(Approve, state), by=RITA, policy=MOVES) is Reason.WRONG_ROLE
    assert refusal(state, ask(Approve, state, expected_rung=0), by=SENTA, policy=MOVES) is Reason.STALE_RUNG


def test_the_policy_can_turn_it_off_for_packages_that_climb_later() -> None:
    state = climbed(hard(KEEPS), 1, MOVES)
    assert refusal(state, ask(Approve, state), by=RITA, policy=MOVES) is Reason.WRONG_ROLE


def test_the_policy_can_turn_it_off_for_packages_that_have_climbed() -> None:
    state = climbed(hard(KEEPS), 1, KEEPS)
    assert refusal(state, ask(Approve, state), by=RITA, policy=MOVES) is Reason.WRONG_ROLE
    assert refusal(state, ask(Approve, state, expected_rung=0), by=SENTA, policy=MOVES) is Reason.STALE_RUNG
    assert not may_decide(state, RITA, MOVES)
    assert after(state, ask(Approve, state), by=SENTA, policy=MOVES).status is Status.APPROVED


def test_a_vote_that_an_earlier_role_gave_stays_when_the_policy_turns_it_off() -> None:
    tiers = {"medium": {"quorum": 2}}
    keeps, moves = policy(roles=APART, tiers=tiers), policy(roles=APART, tiers={"medium": tiers["medium"] | OFF})
    state = climbed(hard(keeps), 1, keeps)
    voted = after(state, ask(Approve, state), by=RITA, policy=keeps)
    assert refusal(voted, ask(Approve, voted), by=ROSS, policy=moves) is Reason.WRONG_ROLE
    assert after(voted, ask(Approve, voted), by=SENTA, policy=moves).status is Status.APPROVED


def test_turning_it_on_again_gives_a_package_the_roles_that_it_kept_and_no_others() -> None:
    moved = climbed(hard(MOVES), 1, MOVES)
    kept = climbed(hard(KEEPS), 1, KEEPS)
    assert (may_decide(kept, RITA, MOVES), may_decide(kept, RITA, KEEPS)) == (False, True)
    assert (may_decide(moved, RITA, MOVES), may_decide(moved, RITA, KEEPS)) == (False, False)


def test_turning_it_on_later_does_not_loosen_a_package_that_is_already_waiting() -> None:
    state = climbed(hard(MOVES), 1, KEEPS)
    assert refusal(state, ask(Approve, state), by=RITA, policy=KEEPS) is Reason.WRONG_ROLE


def test_a_person_who_escalates_moves_the_package() -> None:
    state = climbed(hard(KEEPS), 1, KEEPS)
    moved = after(state, ask(Escalate, state), by=SENTA, policy=KEEPS)
    assert moved.task.required_role == "supervisor"
    assert refusal(moved, ask(Approve, moved), by=RITA, policy=KEEPS) is Reason.WRONG_ROLE
    assert refusal(moved, ask(Approve, moved, expected_rung=1), by=SUSI, policy=KEEPS) is Reason.STALE_RUNG


def test_after_a_person_escalated_time_keeps_only_the_roles_from_there_on() -> None:
    state = submitted_state(HARD, policy=KEEPS)
    moved = after(state, ask(Escalate, state), by=SENTA, policy=KEEPS)
    later = climbed(moved, 1, KEEPS)
    assert ladder_roles(later, terms_today(later, KEEPS)) == ("director", "supervisor")
    assert may_decide(later, SUSI, KEEPS)
    assert not may_decide(later, SENTA, KEEPS)


def test_a_role_whose_people_are_all_away_may_decide_once_they_are_back() -> None:
    away = people(**{user: {"away_until": NOW + DAY} for user in FIRST})
    state = hard(KEEPS)
    state = after(state, ask(Relieve, state), policy=KEEPS, people=away)
    assert (state.task.rung, state.task.required_role) == (1, "senior_reviewer")
    assert after(state, ask(Approve, state), by=RITA, policy=KEEPS, now=NOW + DAY).status is Status.APPROVED


def test_a_vote_of_an_earlier_role_counts_in_that_role_and_stays_when_the_ladder_climbs() -> None:
    two = policy(roles=APART, tiers={"medium": {"quorum": 2}})
    state = climbed(hard(two), 1, two)
    voted = after(state, ask(Approve, state), by=RITA, policy=two)
    assert [(vote.role, vote.rung) for vote in voted.votes] == [("reviewer", 0)]
    higher = climbed(voted, 1, two)
    moved = after(higher, ask(Approve, higher), by=SUSI, policy=two)
    assert moved.status is Status.APPROVED
    assert moved.decision is not None
    assert [(seat.reviewer_id, seat.role) for seat in moved.decision.reviewers] == [
        (RITA, "reviewer"),
        (SUSI, "supervisor"),
    ]


def test_a_vote_of_an_earlier_role_still_counts_after_a_person_escalated() -> None:
    two = policy(roles=APART, tiers={"medium": {"quorum": 2}})
    state = climbed(hard(two), 1, two)
    voted = after(state, ask(Approve, state), by=RITA, policy=two)
    moved = after(voted, ask(Escalate, voted), by=SENTA, policy=two)
    assert after(moved, ask(Approve, moved), by=SUSI, policy=two).status is Status.APPROVED


def test_the_claim_accepts_a_vote_of_an_earlier_role() -> None:
    state = climbed(hard(KEEPS), 1, KEEPS)
    approved = after(state, ask(Approve, state), by=RITA, policy=KEEPS)
    claimed = after(approved, ask(ClaimExecution, approved), by=AGENT.actor, policy=KEEPS)
    assert claimed.execution.claim_id == "clm_1"


def test_the_event_says_by_which_role_the_vote_was_given() -> None:
    state = climbed(hard(KEEPS), 1, KEEPS)
    events = transition_of(state, ask(Approve, state), by=RITA, policy=KEEPS).occurrences
    assert [event.authority.roles for event in events if event.authority] == [("reviewer",), ("reviewer",)]


def test_of_role_and_quorum_stay_as_they_were() -> None:
    two = policy(roles=APART, tiers={"medium": {"quorum": 2, "of_role": {"supervisor": 1}}})
    state = climbed(hard(two), 1, two)
    one = after(state, ask(Approve, state), by=RITA, policy=two)
    both = after(one, ask(Approve, one), by=ROSS, policy=two)
    assert both.status is Status.PENDING
    assert after(both, ask(Approve, both), by=SUSI, policy=two).status is Status.APPROVED


def test_people_of_every_role_that_may_decide_are_mentioned_the_newest_first() -> None:
    few = policy(roles=APART | {"supervisor": {"members": [SUSI], "includes": []}})
    state = climbed(hard(few), 1, few)
    roster = Roster(few, Directory(people=people(), as_of=NOW))
    mentions = mentions_for(state, roster, NOW)
    assert set(mentions.people[:2]) == {SENTA, SVEN}
    assert set(mentions.people[2:]) == {RITA, ROSS}


def test_the_task_is_assigned_only_to_people_of_the_newest_role() -> None:
    balanced = policy(roles=APART, queue={"assign": "balanced"})
    state = climbed(hard(balanced), 1, balanced)
    assert state.task.assigned_to in (SENTA, SVEN)


def test_the_task_of_someone_who_is_away_goes_to_a_delegate_of_the_newest_role_only() -> None:
    state = climbed(hard(KEEPS), 1, KEEPS)
    claimed = after(state, ask(ClaimTask, state), by=SENTA, policy=KEEPS)
    for delegate, holder in ((RITA, None), (SVEN, SVEN)):
        away = people(**{SENTA: {"away_until": NOW + 9 * DAY, "delegate": delegate}})
        assert after(claimed, ask(Relieve, claimed), policy=KEEPS, people=away).task.assigned_to == holder


def test_someone_of_an_earlier_role_keeps_the_task_that_they_have_taken_up() -> None:
    state = climbed(hard(KEEPS), 1, KEEPS)
    claimed = after(state, ask(ClaimTask, state), by=RITA, policy=KEEPS)
    assert refusal(claimed, ask(Relieve, claimed), policy=KEEPS) is Reason.NOT_DUE
    assert claimed.task.assigned_to == RITA


def test_the_deadline_of_the_newest_role_is_extended_by_its_own_people_only() -> None:
    state = climbed(hard(KEEPS), 1, KEEPS)
    longer = ask(Extend, state, until=state.task.due_at + DAY)
    assert refusal(state, longer, by=RITA, policy=KEEPS) is Reason.NOT_YOUR_DEADLINE
    assert after(state, longer, by=SENTA, policy=KEEPS).task.due_at == state.task.due_at + DAY


def test_a_vote_names_the_role_of_the_rung_in_which_it_was_given() -> None:
    """Whoever holds roles of two rungs decides in the newer one, even if the other one reaches a higher risk."""
    both = policy(
        roles=APART | {"reviewer": {"max_risk": "critical"}, "senior_reviewer": {"members": [RITA], "includes": []}}
    )
    state = climbed(hard(both), 1, both)
    move = transition_of(state, ask(Approve, state), by=RITA, policy=both)
    assert [(vote.role, vote.rung) for vote in move.after.votes] == [("senior_reviewer", 1)]
    assert {event.authority.roles for event in move.occurrences if event.authority} == {("senior_reviewer",)}


@pytest.mark.parametrize("kind", [Approve, HumanOverrideCommand])
def test_independence_is_asked_of_an_earlier_role_too(kind: type[Approve | HumanOverrideCommand]) -> None:
    own = package(confidence=0.6, requested_by=RITA)
    state = climbed(submitted_state(own, policy=KEEPS), 1, KEEPS)
    assert refusal(state, ask(kind, state), by=RITA, policy=KEEPS) is Reason.IS_REQUESTER


def test_a_person_without_any_role_of_the_ladder_gains_nothing() -> None:
    state = climbed(hard(KEEPS), 2, KEEPS)
    for user in (ADAM, DORA):
        assert refusal(state, ask(Approve, state), by=user, policy=KEEPS) is Reason.WRONG_ROLE


def test_a_new_version_that_would_be_asked_of_another_role_is_no_longer_open_to_earlier_roles() -> None:
    trusting = policy(roles=APART | {"reviewer": {"max_risk": "high"}})
    state = climbed(hard(trusting), 1, trusting)
    graver = after(state, ask(NewVersion, state, package=HARD), by=AGENT.actor, policy=trusting, package=SOFT)
    assert (graver.version, graver.task.required_role) == (2, "senior_reviewer")
    assert not may_decide(graver, RITA, trusting)
    assert may_decide(graver, SENTA, trusting)


def test_a_new_version_of_the_same_risk_stays_open_to_earlier_roles() -> None:
    state = climbed(hard(KEEPS), 1, KEEPS)
    again = after(
        state, ask(NewVersion, state, package=package(confidence=0.6)), by=AGENT.actor, policy=KEEPS, package=SOFT
    )
    assert again.version == 2
    assert may_decide(again, RITA, KEEPS)


def test_an_earlier_role_can_still_stop_it_either_way() -> None:
    for active in (KEEPS, MOVES):
        state = climbed(hard(active), 1, active)
        assert after(state, ask(Reject, state), by=RITA, policy=active).status is Status.REJECTED


ROLES = [APART, {}]  # roles that include the lower ones, as in the product's own policy, and roles that do not


@pytest.mark.parametrize(("roles", "rungs"), [*product(ROLES, range(3))])
def test_keeping_lets_exactly_those_decide_who_could_decide_on_a_rung_so_far(
    roles: dict[str, dict[str, Any]], rungs: int
) -> None:
    keeps = policy(roles=roles)
    moves = policy(roles=roles, tiers={"medium": {"ladder_keeps": False}})
    state = climbed(hard(keeps), rungs, keeps)
    alone = [climbed(hard(moves), rung, moves) for rung in range(rungs + 1)]
    for user in ALL:
        own = [may_decide(on_rung, user, moves) for on_rung in alone]
        assert may_decide(state, user, keeps) is any(own), user


@pytest.mark.parametrize("rungs", range(3))
def test_the_ladder_climbs_and_expires_at_the_same_times_either_way(rungs: int) -> None:
    kept, moved = climbed(hard(KEEPS), rungs, KEEPS), climbed(hard(MOVES), rungs, MOVES)
    course = [(state.task.rung, state.task.required_role, state.task.due_at, state.level) for state in (kept, moved)]
    assert course[0] == course[1]
