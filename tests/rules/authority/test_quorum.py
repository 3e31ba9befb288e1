"""Quorums: distinct people, parts by role, and every vote checked again."""

from __future__ import annotations

from typing import Any

import pytest

from rules.policy.model import Policy
from rules.reasons import Reason
from rules.state.commands import (
    Approve,
    Comment,
    Escalate,
    HumanOverrideCommand,
    Object,
    OverrideDecision,
    Recuse,
    Reject,
    Revise,
)
from rules.state.decisions import Basis
from rules.state.model import PackageState, Status
from tests.rules.world import (
    CRITICAL,
    DORA,
    HARD,
    RITA,
    SAUL,
    SENTA,
    SOFT,
    SUSI,
    SVEN,
    after,
    ask,
    opened_state,
    people,
    policy,
    refusal,
    submitted_state,
    transition_of,
)

# High risk needs two people, one of them a supervisor, so senior reviewers alone can fill only a part.
TWO = policy(tiers={"high": {"quorum": 2, "of_role": {"supervisor": 1}}})


def voted_state(*voters: str, policy: Policy = TWO) -> PackageState:
    state = submitted_state(HARD, policy=policy)
    for voter in voters:
        state = after(state, ask(Approve, state), by=voter, policy=policy)
    return state


def voters(state: PackageState) -> list[str]:
    return [vote.reviewer_id for vote in state.votes]


@pytest.mark.parametrize(
    ("who", "status"),
    [
        pytest.param([SENTA], Status.PENDING, id="one senior"),
        pytest.param([SUSI], Status.PENDING, id="one supervisor"),
        pytest.param([SENTA, SVEN], Status.PENDING, id="two seniors"),
        pytest.param([SENTA, SUSI], Status.APPROVED, id="a senior and a supervisor"),
        pytest.param([SUSI, SENTA], Status.APPROVED, id="a supervisor and a senior"),
        pytest.param([SUSI, SAUL], Status.APPROVED, id="two supervisors"),
        pytest.param([SENTA, DORA], Status.APPROVED, id="a senior, and a director who may act as a supervisor"),
        pytest.param([SENTA, SVEN, SUSI], Status.APPROVED, id="two seniors, then a supervisor"),
    ],
)
def test_a_quorum_of_two_with_one_supervisor(who: list[str], status: Status) -> None:
    assert voted_state(*who).status is status


def test_a_quorum_is_the_basis_and_names_all_its_reviewers() -> None:
    decision = voted_state(SENTA, SUSI).decision
    assert decision is not None
    assert decision.basis is Basis.QUORUM
    assert [seat.reviewer_id for seat in decision.reviewers] == [SENTA, SUSI]


def test_nobody_votes_twice() -> None:
    state = voted_state(SENTA)
    assert refusal(state, ask(Approve, state), by=SENTA, policy=TWO) is Reason.ALREADY_COUNTED


def test_critical_risk_needs_two_people() -> None:
    state = opened_state(submitted_state(CRITICAL), SUSI, SAUL)
    state = after(state, ask(Approve, state), by=SUSI)
    assert (state.status, voters(state)) == (Status.PENDING, [SUSI])
    assert after(state, ask(Approve, state), by=SAUL).status is Status.APPROVED


def test_each_vote_records_the_renderings_that_its_author_saw() -> None:
    state = submitted_state(HARD, policy=TWO)
    (vote,) = after(state, ask(Approve, state, rendering_id="rnd_9"), by=SENTA, policy=TWO).votes
    assert (vote.version, vote.rung, vote.rendering_id, vote.role) == (1, 0, "rnd_9", "senior_reviewer")


@pytest.mark.parametrize(
    ("kind", "status", "rung"),
    [(Reject, Status.REJECTED, 0), (Revise, Status.REVISION_REQUESTED, 0), (Escalate, Status.PENDING, 1)],
)
def test_one_person_is_enough_for_everything_except_approval(kind: type[Any], status: Status, rung: int) -> None:
    state = voted_state(SENTA)
    settled = after(state, ask(kind, state), by=SVEN, policy=TWO)
    assert (settled.status, settled.task.rung) == (status, rung)


# Votes are checked again when the quorum completes.


@pytest.mark.parametrize(
    "bearing",
    [
        pytest.param(
            {"policy": policy(tiers={"high": {"quorum": 2}}, roles={"senior_reviewer": {"members": [SVEN]}})},
            id="lost the role",
        ),
        pytest.param(
            {"policy": policy(tiers={"high": {"quorum": 2}}, roles={"senior_reviewer": {"scopes": ["mail.*"]}})},
            id="lost the scope",
        ),
        pytest.param(
            {"policy": policy(tiers={"high": {"quorum": 2}}, roles={"senior_reviewer": {"max_risk": "low"}})},
            id="lost the authority",
        ),
        pytest.param({"policy": TWO, "people": people(USENTA={"active": False})}, id="left the workspace"),
    ],
)
def test_a_vote_of_someone_who_could_not_approve_today_no_longer_counts(bearing: dict[str, Any]) -> None:
    state = voted_state(SENTA)
    move = transition_of(state, ask(Approve, state), by=SUSI, **bearing)
    assert (move.after.status, voters(move.after)) == (Status.PENDING, [SUSI])
    assert move.occurrences[0].reason == "votes-no-longer-valid"


def test_a_part_of_the_quorum_requires_scope_and_authority_in_that_same_role() -> None:
    roles = {
        "senior_reviewer": {"members": [SENTA, SVEN, SUSI]},
        "supervisor": {"members": [SUSI], "scopes": ["mail.*"]},
        "director": {"members": [DORA]},
    }
    elsewhere = policy(tiers={"high": {"quorum": 2, "of_role": {"supervisor": 1}}}, roles=roles)
    assert voted_state(SENTA, SUSI, policy=elsewhere).status is Status.PENDING
    assert voted_state(SENTA, SUSI, DORA, policy=elsewhere).status is Status.APPROVED


def test_recusal_drops_ones_vote() -> None:
    state = voted_state(SENTA)
    recused = after(state, ask(Recuse, state), by=SENTA, policy=TWO)
    assert voters(recused) == []
    assert after(recused, ask(Approve, recused), by=SUSI, policy=TWO).status is Status.PENDING


def test_votes_of_an_earlier_rung_count_on_the_next() -> None:
    state = voted_state(SENTA)
    raised = after(state, ask(Escalate, state), by=SENTA, policy=TWO)
    assert after(raised, ask(Approve, raised), by=SUSI, policy=TWO).status is Status.APPROVED


def test_a_comment_in_between_does_not_make_a_click_stale() -> None:
    state = voted_state(SENTA)
    seen = ask(Approve, state)
    later = after(state, ask(Comment, state), by=SVEN, policy=TWO)
    assert later.revision > state.revision
    assert after(later, seen, by=SUSI, policy=TWO).status is Status.APPROVED


# Overrides.


def override(state: PackageState, by: str, decision: OverrideDecision = OverrideDecision.PROCEED) -> PackageState:
    return after(state, ask(HumanOverrideCommand, state, override_decision=decision), by=by, policy=TWO)


def test_an_override_to_proceed_needs_the_same_quorum() -> None:
    one = override(submitted_state(HARD, policy=TWO), SENTA)
    assert (one.status, one.decision) == (Status.PENDING, None)
    two = override(one, SUSI)
    assert two.status is Status.OVERRIDDEN
    assert two.decision is not None
    assert (two.decision.basis, len(two.decision.reviewers)) == (Basis.QUORUM, 2)


def test_nobody_overrides_twice() -> None:
    one = override(submitted_state(HARD, policy=TWO), SENTA)
    assert refusal(one, ask(HumanOverrideCommand, one), by=SENTA, policy=TWO) is Reason.ALREADY_COUNTED


def test_an_approval_and_an_override_do_not_add_up() -> None:
    mixed = override(voted_state(SENTA), SUSI)
    assert (mixed.status, voters(mixed)) == (Status.PENDING, [SENTA, SUSI])
    assert after(mixed, ask(Approve, mixed), by=SAUL, policy=TWO).status is Status.APPROVED


def test_a_reviewer_who_changes_their_vote_still_has_one_vote() -> None:
    changed = override(voted_state(SENTA), SENTA)
    assert voters(changed) == [SENTA]
    assert after(changed, ask(Approve, changed), by=SUSI, policy=TWO).status is Status.PENDING


def test_an_override_to_stop_needs_the_quorum_too() -> None:
    one = override(voted_state(SENTA), SUSI, OverrideDecision.STOP)
    assert (one.status, voters(one)) == (Status.PENDING, [SENTA, SUSI])
    both = override(one, SAUL, OverrideDecision.STOP)
    assert both.status is Status.OVERRIDDEN
    assert both.decision is not None
    assert [seat.reviewer_id for seat in both.decision.reviewers] == [SUSI, SAUL]


# Policy changes between votes.


def test_a_policy_with_a_larger_quorum_applies_to_open_packages() -> None:
    state = submitted_state(HARD)
    assert after(state, ask(Approve, state), by=SENTA, policy=TWO).status is Status.PENDING


def test_a_policy_with_a_smaller_quorum_applies_only_to_later_packages() -> None:
    state = submitted_state(HARD, policy=TWO)
    assert after(state, ask(Approve, state), by=SENTA).status is Status.PENDING


@pytest.mark.parametrize(
    ("then", "today", "expected"),
    [
        (policy(tiers={"medium": {"comment_required": True}}), policy(), Reason.COMMENT_REQUIRED),
        (policy(), policy(tiers={"medium": {"comment_required": True}}), Reason.COMMENT_REQUIRED),
        (policy(tiers={"medium": {"details_first": True}}), policy(), Reason.DETAILS_FIRST),
        (policy(), policy(tiers={"medium": {"details_first": True}}), Reason.DETAILS_FIRST),
    ],
    ids=["comment, then", "comment, today", "details, then", "details, today"],
)
def test_an_approval_must_meet_the_requirements_of_both_policies(then: Policy, today: Policy, expected: Reason) -> None:
    state = submitted_state(SOFT, policy=then)
    assert refusal(state, ask(Approve, state, comment=None), by=RITA, policy=today) is expected
    assert after(state, ask(Object, state), by=RITA, policy=today).status is Status.PENDING
