"""What a package offers to one person: the verbs that the rules would then accept, and why the asked one is missing."""

from __future__ import annotations

from typing import Any

import pytest

from rules.package.model import DecisionPackage
from rules.people.directory import Roster
from rules.reasons import Reason, Refusal
from rules.scales import RiskLevel
from rules.state.commands import Approve, ClaimTask, Defer, TakeOver, Verb
from rules.state.model import PackageState
from rules.verbs.decide import decide
from rules.verbs.trials import Offer, offer_to, offered_verbs, trial_command
from tests.rules.world import (
    ADAM,
    CRITICAL,
    HARD,
    NOW,
    OWEN,
    QUESTION,
    RITA,
    ROSE,
    ROSS,
    SENTA,
    SOFT,
    SUSI,
    TAKEOVER,
    after,
    approved_state,
    ask,
    opened_state,
    refusal,
    situation,
    submitted_state,
)

EVERYONE = (RITA, ROSS, SENTA, SUSI, ROSE, OWEN, ADAM, "UNOBODY")


def roster(**changes: Any) -> Roster:
    return situation(**changes).roster


def offer(state: PackageState, user: str) -> Offer:
    return offer_to(state, roster(), user, NOW)


def missing(state: PackageState, user: str) -> Reason | None:
    refused = offer(state, user).missing
    return refused.reason if refused else None


def test_a_reviewer_is_offered_every_verb_but_those_of_the_requester() -> None:
    state = submitted_state(HARD)
    assert set(offer(state, SENTA).verbs) == set(offered_verbs(state)) - {Verb.WITHDRAW}
    assert missing(state, SENTA) is None


def test_a_requester_or_owner_is_offered_what_stops_it() -> None:
    state = submitted_state(HARD)
    for user in (ROSE, OWEN):
        assert offer(state, user).verbs == (Verb.REJECT, Verb.WITHDRAW)


@pytest.mark.parametrize(
    ("package", "user", "reason"),
    [
        pytest.param(HARD, RITA, Reason.WRONG_ROLE, id="another role"),
        pytest.param(HARD, ADAM, Reason.WRONG_ROLE, id="an admin without a role"),
        pytest.param(HARD, "UNOBODY", Reason.UNKNOWN_PERSON, id="nobody"),
        pytest.param(HARD, ROSE, Reason.IS_REQUESTER, id="the requester"),
        pytest.param(CRITICAL, SUSI, Reason.DETAILS_FIRST, id="Details were not opened"),
        pytest.param(QUESTION, SENTA, None, id="a question to a reviewer"),
        pytest.param(QUESTION, ADAM, Reason.WRONG_ROLE, id="a question to somebody else"),
        pytest.param(TAKEOVER, RITA, None, id="a takeover"),
        pytest.param(TAKEOVER, ADAM, Reason.WRONG_ROLE, id="a takeover by somebody else"),
    ],
)
def test_the_offer_says_why_the_asked_decision_is_missing(
    package: DecisionPackage, user: str, reason: Reason | None
) -> None:
    assert missing(submitted_state(package), user) is reason


def test_whoever_opened_details_is_offered_approve() -> None:
    state = opened_state(submitted_state(CRITICAL), SUSI)
    assert Verb.APPROVE in offer(state, SUSI).verbs


def test_whoever_has_approved_is_not_offered_approve_again() -> None:
    state = opened_state(submitted_state(CRITICAL), SUSI)
    voted = after(state, ask(Approve, state), by=SUSI)
    assert Verb.APPROVE not in offer(voted, SUSI).verbs
    assert missing(voted, SUSI) is Reason.ALREADY_COUNTED


def test_a_decided_package_asks_for_nothing() -> None:
    assert missing(approved_state(), RITA) is None


def states() -> list[PackageState]:
    soft, hard = submitted_state(SOFT), submitted_state(HARD)
    thread = submitted_state(TAKEOVER)
    return [
        soft,
        hard,
        thread,
        submitted_state(QUESTION),
        opened_state(submitted_state(CRITICAL), SUSI),
        after(soft, ask(ClaimTask, soft), by=RITA),
        after(hard, ask(Defer, hard), by=SENTA),
        after(thread, ask(TakeOver, thread), by=RITA),
        approved_state(),
    ]


@pytest.mark.parametrize("user", EVERYONE)
def test_what_is_offered_is_accepted_and_nothing_else(user: str) -> None:
    for state in states():
        tried = {
            verb: decide(state, trial_command(verb, state, NOW, "cmd_1"), situation(user, trial=True))
            for verb in offered_verbs(state)
        }
        accepted = {verb for verb, outcome in tried.items() if not isinstance(outcome, Refusal)}
        assert set(offer(state, user).verbs) == accepted


def test_an_approval_that_names_no_rendering_is_refused_unless_a_form_showed_everything() -> None:
    state = submitted_state(SOFT)
    assert state.whole_on_card
    assert state.risk is RiskLevel.MEDIUM
    assert refusal(state, ask(Approve, state, rendering_id=None), by=RITA) is Reason.NOT_SHOWN_WHOLE
    assert after(state, ask(Approve, state), by=RITA).status == "approved"
