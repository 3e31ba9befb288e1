"""Mentions on a card: only people who could decide now."""

from __future__ import annotations

from typing import Any

import pytest

from rules.authority.mentions import MAX_MENTIONS, Mentions, mentions_for
from rules.people.directory import Directory, Roster
from rules.state.commands import Approve, ClaimTask
from rules.state.model import PackageState
from tests.rules.world import (
    CRITICAL,
    DAY,
    HARD,
    NOW,
    OWEN,
    QUESTION,
    RITA,
    ROSE,
    SENTA,
    SOFT,
    SUSI,
    SVEN,
    after,
    ask,
    package,
    people,
    person,
    policy,
    submitted_state,
)

GROUP = "SSENIORS"


def roster(*, changes: dict[str, Any] | None = None, groups: tuple[str, ...] = (), **policy_changes: Any) -> Roster:
    active = policy(**policy_changes)
    return Roster(
        active, Directory(people=people(**(changes or {})), groups=dict.fromkeys(groups, frozenset()), as_of=NOW)
    )


def mentions_of(state: PackageState, *, by: Roster | None = None) -> Mentions:
    return mentions_for(state, by or roster(), NOW)


FEW = {"supervisor": {"members": [SUSI]}, "director": {"members": []}}


def test_up_to_five_people_who_could_decide_are_mentioned_by_name() -> None:
    mentions = mentions_of(submitted_state(HARD), by=roster(roles=FEW))
    assert (set(mentions.people), mentions.groups, mentions.more) == ({SENTA, SVEN, SUSI}, (), False)


@pytest.mark.parametrize("party", [{"requested_by": SENTA}, {"on_behalf_of": [SENTA]}], ids=["requester", "chain"])
def test_people_who_may_not_decide_are_not_mentioned(party: dict[str, Any]) -> None:
    mentions = mentions_of(submitted_state(package(risk_level="high", **party)), by=roster(roles=FEW))
    assert set(mentions.people) == {SVEN, SUSI}


def test_the_owner_is_not_mentioned() -> None:
    mentions = mentions_of(
        submitted_state(HARD), by=roster(roles={**FEW, "senior_reviewer": {"members": [OWEN, SENTA]}})
    )
    assert set(mentions.people) == {SENTA, SUSI}


@pytest.mark.parametrize(
    "change",
    [{"active": False}, {"is_bot": True}, {"is_guest": True}, {"away_until": NOW + DAY}],
    ids=["deactivated", "bot", "guest", "away"],
)
def test_people_who_are_away_or_gone_are_not_mentioned(change: dict[str, Any]) -> None:
    mentions = mentions_of(submitted_state(HARD), by=roster(changes={SENTA: change}, roles=FEW))
    assert set(mentions.people) == {SVEN, SUSI}


def test_holders_of_a_role_that_includes_the_required_one_are_mentioned_too() -> None:
    only = {**FEW, "senior_reviewer": {"members": []}}
    assert mentions_of(submitted_state(HARD), by=roster(roles=only)).people == (SUSI,)


def test_nobody_is_mentioned_whose_authority_is_too_low() -> None:
    mentions = mentions_of(submitted_state(CRITICAL), by=roster(roles=FEW))
    assert mentions.people == (SUSI,)


def test_reviewers_who_have_voted_are_not_mentioned_again() -> None:
    two = policy(tiers={"high": {"quorum": 2}})
    state = submitted_state(HARD, policy=two)
    voted = after(state, ask(Approve, state, comment="Checked."), by=SENTA, policy=two)
    assert set(mentions_of(state, by=roster(roles=FEW)).people) == {SENTA, SVEN, SUSI}
    assert set(mentions_of(voted, by=roster(roles=FEW)).people) == {SVEN, SUSI}


def test_if_more_than_five_could_decide_the_roles_user_group_is_mentioned() -> None:
    state = submitted_state(HARD)
    many = {"senior_reviewer": {"groups": [GROUP]}}
    assert mentions_of(state, by=roster(roles=many)) == Mentions(groups=(GROUP,))


def test_without_a_user_group_five_people_are_mentioned_the_same_for_one_package() -> None:
    members = [f"UMANY{number}" for number in range(40)]
    known = {user: person(user) for user in members}
    team = Roster(
        policy(roles={"senior_reviewer": {"members": members}}), Directory(people=people() | known, as_of=NOW)
    )
    state = submitted_state(HARD)
    first, again = mentions_of(state, by=team), mentions_of(state, by=team)
    elsewhere = mentions_of(state.model_copy(update={"decision_package_id": "pkg_other"}), by=team)
    assert (len(first.people), first.more, first) == (MAX_MENTIONS, True, again)
    assert set(elsewhere.people) != set(first.people)


def test_if_nobody_could_decide_now_the_roles_user_group_is_mentioned() -> None:
    gone = {user: {"away_until": NOW + DAY} for user in (SENTA, SVEN, SUSI)}
    team = roster(changes=gone, roles={**FEW, "senior_reviewer": {"groups": [GROUP], "members": [SENTA]}})
    assert mentions_of(submitted_state(HARD), by=team) == Mentions(groups=(GROUP,))


def test_the_assignee_is_mentioned_alone_while_they_could_decide() -> None:
    state = submitted_state(HARD)
    taken = after(state, ask(ClaimTask, state), by=SENTA)
    assert mentions_of(taken).people == (SENTA,)
    away = roster(changes={SENTA: {"away_until": NOW + DAY}}, roles=FEW)
    assert set(mentions_of(taken, by=away).people) == {SVEN, SUSI}


def test_a_policy_can_always_mention_the_role() -> None:
    team = roster(roles={**FEW, "senior_reviewer": {"groups": [GROUP]}}, queue={"call": "role"})
    assert mentions_of(submitted_state(HARD), by=team) == Mentions(groups=(GROUP,))


def test_a_policy_can_mention_only_the_assignee() -> None:
    team, state = roster(queue={"call": "assignee"}), submitted_state(HARD)
    assert mentions_of(state, by=team) == Mentions()
    assert mentions_of(after(state, ask(ClaimTask, state), by=SENTA), by=team) == Mentions((SENTA,))


def test_a_takeover_mentions_everyone_who_could_take_over_including_the_requester() -> None:
    state = submitted_state(package(recommendation="escalate", requested_by=RITA))
    assert RITA in mentions_of(state, by=roster(roles={**FEW, "senior_reviewer": {"members": [SENTA]}})).people


def test_a_question_mentions_people_who_could_answer_it() -> None:
    mentions = mentions_of(submitted_state(QUESTION), by=roster(roles={**FEW, "senior_reviewer": {"members": [SENTA]}}))
    assert ROSE not in mentions.people
    assert RITA in mentions.people


def test_a_soft_package_mentions_nobody() -> None:
    assert (
        mentions_of(submitted_state(SOFT))
        == mentions_of(after(submitted_state(HARD), ask(Approve, submitted_state(HARD)), by=SENTA))
        == Mentions()
    )


def test_with_a_stale_directory_the_user_group_is_mentioned() -> None:
    team = roster(roles={"senior_reviewer": {"groups": [GROUP]}})
    assert mentions_for(submitted_state(HARD), team, NOW + 1000 * DAY) == Mentions(groups=(GROUP,))
