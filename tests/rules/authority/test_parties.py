"""Every party of a package is resolved, or the package is refused."""

from __future__ import annotations

from typing import Any

import pytest

from rules.authority.parties import CHAIN_BARS
from rules.package.model import DecisionPackage
from rules.policy.model import Policy
from rules.reasons import Reason, Refusal
from rules.scales import HITLLevel
from rules.state.agent_commands import NewVersion
from rules.state.commands import Approve
from rules.state.model import Bar, PackageState
from rules.verbs.decide import decide
from tests.rules.world import (
    AGENT,
    BODO,
    DAY,
    DORA,
    HARD,
    NOW,
    OWEN,
    RITA,
    ROSE,
    SENTA,
    SUSI,
    SVEN,
    after,
    ask,
    package,
    people,
    policy,
    refusal,
    situation,
    submission,
    submitted_state,
)

OUTSIDE = policy(directory={"outsiders": ["partner.example", "example.com"]})
KNOWN = {"alias@example.com": SENTA, "Helper": SUSI, "agt_2": SUSI}
BEARING: dict[str, Any] = {"policy": OUTSIDE, "resolved_parties": KNOWN}


def from_(who: str | None, *chain: str, **fields: Any) -> DecisionPackage:
    return package(requested_by=who, on_behalf_of=chain, **fields)


def unknown_fields(what: DecisionPackage, **bearing: Any) -> list[str]:
    """The fields that name an unknown party."""
    outcome = decide(None, submission(what), situation(AGENT.actor, **BEARING | bearing))
    assert isinstance(outcome, Refusal), outcome
    assert outcome.reason is Reason.REQUESTER_UNKNOWN
    return outcome.facts["fields"].split(", ")


def rules(state: PackageState) -> dict[str, HITLLevel]:
    return {why.rule: why.level for why in state.why}


@pytest.mark.parametrize(
    ("who", "requester"),
    [
        pytest.param(SENTA, SENTA, id="a user id"),
        pytest.param("Senta@Example.com", SENTA, id="an address"),
        pytest.param("alias@example.com", SENTA, id="another address of theirs"),
        pytest.param("Helper", SUSI, id="an agent by its name"),
        pytest.param("agt_2", SUSI, id="an agent by its id"),
        pytest.param(None, OWEN, id="nobody, so the owner"),
    ],
)
def test_a_requester_is_resolved_to_a_person(who: str | None, requester: str) -> None:
    state = submitted_state(from_(who, risk_level="high"), **BEARING)
    assert (state.requester, state.barred[requester]) == (requester, Bar.REQUESTER)
    assert refusal(state, ask(Approve, state), by=requester, policy=OUTSIDE) in (Reason.IS_REQUESTER, Reason.WRONG_ROLE)


@pytest.mark.parametrize(
    "who",
    [
        pytest.param("UWHOEVER", id="a user id of nobody"),
        pytest.param("senta+x@example.com", id="a plus-address"),
        pytest.param("s.enta@example.com", id="an address of nobody, in a domain of members"),
        pytest.param("eve@elsewhere.example", id="a domain that the policy does not name"),
        pytest.param("eve@sub.partner.example", id="a domain below one that the policy names"),
        pytest.param("Nobody", id="an agent that is not registered"),
        pytest.param("usenta", id="a user id in small letters"),
        pytest.param(BODO, id="a bot"),
    ],
)
def test_an_unknown_party_is_refused_and_the_field_is_named(who: str) -> None:
    assert unknown_fields(from_(who)) == ["requested_by"]
    assert unknown_fields(from_(ROSE, SVEN, who)) == ["on_behalf_of.1"]
    assert unknown_fields(from_(who, who)) == ["requested_by", "on_behalf_of.0"]


def test_a_new_version_with_an_unknown_party_is_refused() -> None:
    state = submitted_state(HARD, policy=OUTSIDE)
    later = ask(NewVersion, state, package=from_("eve@elsewhere.example", risk_level="high"))
    assert refusal(state, later, by=AGENT.actor, policy=OUTSIDE, package=HARD) is Reason.REQUESTER_UNKNOWN


@pytest.mark.parametrize("what", [from_(ROSE, risk_level="low"), from_(None, ROSE, risk_level="low")])
def test_parties_are_not_looked_up_in_a_stale_directory(what: DecisionPackage) -> None:
    old = {"directory_as_of": NOW - 2 * DAY}
    assert refusal(None, submission(what), by=AGENT.actor, **old) is Reason.DIRECTORY_STALE


@pytest.mark.parametrize("parties", [("eve@partner.example",), (ROSE, "eve@partner.example"), ("Eve@Partner.Example",)])
def test_an_outsider_makes_the_package_hard_because_independence_cannot_be_checked(parties: tuple[str, ...]) -> None:
    state = submitted_state(from_(*parties, risk_level="low"), **BEARING)
    assert rules(state)["outsider"] is state.level is HITLLevel.HARD_APPROVAL


def test_a_package_stays_hard_once_a_version_came_from_an_outsider() -> None:
    state = submitted_state(from_("eve@partner.example"), **BEARING)
    later = after(state, ask(NewVersion, state, package=from_(ROSE)), by=AGENT.actor, **BEARING)
    assert rules(later)["outsider"] is HITLLevel.HARD_APPROVAL


def test_the_domain_of_a_member_is_never_an_outside_domain() -> None:
    assert unknown_fields(from_("eve@example.com")) == ["requested_by"]
    moved = people(UROSE={"email": "rose@partner.example"})
    assert unknown_fields(from_("eve@partner.example"), people=moved) == ["requested_by"]


# A delegation chain that bars reviewers. Medium risk asks Rita, Ross and everyone who may act as a reviewer.

FEW = policy(
    roles={"senior_reviewer": {"includes": []}, "supervisor": {"includes": []}, "director": {"includes": []}},
    tiers={"medium": {"ladder": ["senior_reviewer"]}},
)


def with_chain(*chain: str, requested_by: str = ROSE, policy: Policy = FEW) -> PackageState:
    return submitted_state(from_(requested_by, *chain), policy=policy)


def test_a_delegation_chain_that_leaves_one_reviewer_makes_the_package_hard() -> None:
    state = with_chain(RITA)
    assert rules(state)[CHAIN_BARS] is state.level is HITLLevel.HARD_APPROVAL


@pytest.mark.parametrize(
    "state",
    [
        pytest.param(with_chain(), id="without a chain"),
        pytest.param(with_chain(SENTA), id="a chain of people who are not asked"),
        pytest.param(with_chain(RITA, requested_by=RITA), id="the requester is the one it names"),
        pytest.param(with_chain(SENTA, requested_by=RITA), id="there was only one without it"),
        pytest.param(with_chain(RITA, policy=policy()), id="two are left"),
    ],
)
def test_a_delegation_chain_without_reviewers_changes_nothing(state: PackageState) -> None:
    assert (CHAIN_BARS in rules(state), state.level) == (False, HITLLevel.SOFT_APPROVAL)


def test_a_delegation_chain_added_by_a_new_version_makes_the_package_hard() -> None:
    state = with_chain()
    later = after(state, ask(NewVersion, state, package=from_(ROSE, RITA)), by=AGENT.actor, policy=FEW)
    assert rules(later)[CHAIN_BARS] is later.level is HITLLevel.HARD_APPROVAL
    assert DORA not in later.barred
