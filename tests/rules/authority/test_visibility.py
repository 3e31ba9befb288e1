"""Who may see a package: reviewers, parties and admins, or every member if the policy says so."""

from __future__ import annotations

from typing import Any

import pytest

from rules.authority.visibility import may_see
from rules.people.directory import Directory, Roster
from rules.reasons import Reason
from rules.state.commands import ClaimTask, OpenDetails
from tests.rules.world import (
    ADAM,
    BODO,
    CRITICAL,
    DAY,
    DEAN,
    DORA,
    GRETA,
    HARD,
    NEMO,
    NOW,
    OWEN,
    RITA,
    ROSE,
    ROSS,
    SENTA,
    STAN,
    SUSI,
    SVEN,
    after,
    ask,
    package,
    people,
    person,
    policy,
    refusal,
    submitted_state,
)

OUTSIDER = "UOUTSIDE"
WORKSPACE = policy(visibility="workspace")


def roster(changes: dict[str, Any] | None = None, **policy_changes: Any) -> Roster:
    known = people(**(changes or {})) | {OUTSIDER: person(OUTSIDER)}
    return Roster(policy(**policy_changes), Directory(people=known, as_of=NOW))


@pytest.mark.parametrize(
    ("who", "may"),
    [
        pytest.param(SENTA, True, id="holds the role that is asked"),
        pytest.param(SUSI, True, id="holds a role that includes it"),
        pytest.param(DORA, True, id="holds a role further up the ladder"),
        pytest.param(ROSE, True, id="the requester"),
        pytest.param(OWEN, True, id="the owner"),
        pytest.param(ADAM, True, id="an admin"),
        pytest.param(RITA, False, id="holds a role that is never asked"),
        pytest.param(OUTSIDER, False, id="any other member"),
        pytest.param(DEAN, False, id="deactivated"),
        pytest.param(GRETA, False, id="a guest"),
        pytest.param(STAN, False, id="of another workspace"),
        pytest.param(BODO, False, id="a bot"),
        pytest.param(NEMO, False, id="unknown"),
    ],
)
def test_a_package_is_seen_by_its_reviewers_its_parties_and_admins(who: str, may: bool) -> None:
    assert may_see(roster(), submitted_state(HARD), who, NOW) is may


def test_a_barred_party_still_sees_the_package() -> None:
    asked = package(risk_level="high", on_behalf_of=[OUTSIDER, "rita@example.com"])
    state = submitted_state(asked, people=people() | {OUTSIDER: person(OUTSIDER)})
    assert may_see(roster(), state, OUTSIDER, NOW)
    assert may_see(roster(), state, RITA, NOW)
    assert not may_see(roster(), state, ROSS, NOW)


def test_the_roles_of_a_quorum_are_mentioned_too() -> None:
    alone = {"critical": {"role": "reviewer", "ladder": [], "of_role": {"supervisor": 1}}}
    members = roster(tiers=alone, roles={"supervisor": {"includes": []}})
    assert may_see(members, submitted_state(CRITICAL), SUSI, NOW)


def test_a_role_sees_no_further_than_its_scope() -> None:
    narrow = roster(roles={"senior_reviewer": {"scopes": ["mail.*"]}})
    assert not may_see(narrow, submitted_state(HARD), SENTA, NOW)
    assert may_see(narrow, submitted_state(HARD), SUSI, NOW)


def test_the_assignee_sees_the_package_without_the_role_and_so_does_their_delegate() -> None:
    state = submitted_state(HARD)
    taken = after(state, ask(ClaimTask, state), by=SENTA)
    without: dict[str, Any] = {"roles": {"senior_reviewer": {"members": []}}}
    assert may_see(roster(**without), taken, SENTA, NOW)
    assert not may_see(roster({SENTA: {"delegate": OUTSIDER}}, **without), taken, OUTSIDER, NOW)
    away = {SENTA: {"delegate": OUTSIDER, "away_until": NOW + DAY}}
    assert may_see(roster(away, **without), taken, OUTSIDER, NOW)
    assert not may_see(roster({SENTA: {}}, **without), state, SENTA, NOW)


def test_a_policy_may_open_packages_to_every_full_member() -> None:
    members = roster(visibility="workspace")
    assert may_see(members, submitted_state(HARD), OUTSIDER, NOW)
    assert not any(may_see(members, submitted_state(HARD), who, NOW) for who in (DEAN, GRETA, STAN, BODO, NEMO))


def test_with_a_stale_directory_nobody_sees_any_package() -> None:
    assert not may_see(roster(), submitted_state(HARD), SENTA, NOW + 100 * DAY)


def opened_details(page: int = 1, *, from_card: bool = False) -> Any:
    return {"rendering_id": "rnd_1", "page": page, "from_card": from_card}


def test_details_can_be_opened_from_the_card_and_otherwise_only_by_people_who_may_see_the_package() -> None:
    state, known = submitted_state(HARD), people() | {OUTSIDER: person(OUTSIDER)}
    by_id = ask(OpenDetails, state, **opened_details())
    assert refusal(state, by_id, by=OUTSIDER, people=known) is Reason.NOT_VISIBLE
    assert after(state, by_id, by=SENTA).details[0].reviewer_id == SENTA
    assert after(state, by_id, by=OUTSIDER, people=known, policy=WORKSPACE).details[0].reviewer_id == OUTSIDER
    seen = after(state, ask(OpenDetails, state, **opened_details(from_card=True)), by=OUTSIDER, people=known)
    assert len(after(seen, ask(OpenDetails, seen, **opened_details(2)), by=OUTSIDER, people=known).details) == 2


def test_pages_of_an_older_version_do_not_open_those_of_a_newer_one() -> None:
    state, known = submitted_state(HARD), people() | {OUTSIDER: person(OUTSIDER)}
    seen = after(state, ask(OpenDetails, state, **opened_details(from_card=True)), by=OUTSIDER, people=known)
    newer = seen.model_copy(update={"version": 2})
    assert refusal(newer, ask(OpenDetails, newer, **opened_details(2)), by=OUTSIDER, people=known) is Reason.NOT_VISIBLE


def test_another_reviewer_of_the_same_role_sees_it() -> None:
    assert may_see(roster(), submitted_state(HARD), SVEN, NOW)
