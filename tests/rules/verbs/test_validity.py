"""A permission is checked against today's directory and policy when it is claimed."""

from __future__ import annotations

from typing import Any

import pytest

from rules.reasons import Reason, Refusal
from rules.state import agent_commands, commands, service_commands
from rules.state.model import PackageState, Status
from rules.state.transition import Transition
from rules.verbs.decide import decide
from tests.rules.world import (
    AGENT,
    AUTOMATIC,
    CRITICAL,
    DAY,
    HARD,
    NOW,
    SENTA,
    SOFT,
    SUSI,
    SVEN,
    after,
    approved_state,
    ask,
    claimed_state,
    opened_state,
    package,
    people,
    policy,
    refusal,
    shown_state,
    situation,
    submitted_state,
    transition_of,
)

WHO = AGENT.actor
OLD = NOW - 2 * DAY


def claim(state: PackageState, **today: Any) -> Transition:
    return transition_of(state, ask(agent_commands.ClaimExecution, state), by=WHO, **today)


def revocation_sentence(state: PackageState, **today: Any) -> str:
    """The sentence that refuses the claim and revokes the permission."""
    outcome = claim(state, **today)
    assert outcome.refusal is not None
    assert outcome.refusal.reason is Reason.APPROVAL_NO_LONGER_VALID
    assert outcome.after.status is Status.REVOKED
    return outcome.refusal.facts["because"]


SENIORS = policy(roles={"senior_reviewer": {"max_risk": "critical"}})


def by_quorum() -> PackageState:
    state = opened_state(submitted_state(CRITICAL), SUSI, SENTA)
    state = after(state, ask(commands.Approve, state), by=SENTA, policy=SENIORS)
    return after(state, ask(commands.Approve, state), by=SUSI, policy=SENIORS)


def consented_state() -> PackageState:
    state = shown_state(submitted_state(SOFT))
    return after(state, ask(service_commands.Consent, state), now=NOW + DAY)


GONE: dict[str, dict[str, Any]] = {
    "deactivated": {"people": people(USENTA={"active": False})},
    "out of the directory": {"people": {who: member for who, member in people().items() if who != SENTA}},
    "without the role": {"policy": policy(roles={"senior_reviewer": {"members": [SVEN]}})},
    "out of scope": {"policy": policy(roles={"senior_reviewer": {"scopes": ["payment.*"]}})},
    "below the risk": {"policy": policy(roles={"senior_reviewer": {"max_risk": "low"}})},
}


@pytest.mark.parametrize("today", GONE.values(), ids=GONE)
def test_a_claim_is_refused_when_its_approver_could_not_approve_it_today(today: dict[str, Any]) -> None:
    assert "no longer counts" in revocation_sentence(approved_state(HARD), **today)


def test_the_service_revokes_an_invalid_permission_and_the_record_names_the_vote() -> None:
    state = approved_state(HARD)
    (event,) = claim(state, **GONE["deactivated"]).occurrences
    assert (event.event_type, event.actor.actor_id) == ("package.revoked", "auto")
    assert event.reason == f"vote-no-longer-counts {state.votes[0].event_id}"
    assert event.words == {"because": "The approval of senta no longer counts: their account is deactivated."}


def test_a_claim_is_accepted_while_its_approver_could_approve_it_today() -> None:
    assert claim(approved_state(HARD)).refusal is None


def test_one_lost_vote_of_a_quorum_invalidates_the_permission() -> None:
    assert revocation_sentence(by_quorum(), people=people(USUSI={"active": False}), policy=SENIORS).startswith(
        "The approval of susi"
    )


def test_a_larger_quorum_invalidates_the_permission() -> None:
    sentence = revocation_sentence(approved_state(HARD), policy=policy(tiers={"high": {"quorum": 2}}))
    assert sentence == "The policy now asks for 2 approvals; this one has 1."


def test_a_risk_that_was_raised_since_requires_the_authority_for_it() -> None:
    raised = policy(actions={"record.read": {"reversibility": "reversible", "risk": "critical"}})
    assert revocation_sentence(approved_state(HARD), policy=raised).startswith("The approval of senta")


def test_a_policy_that_now_requires_a_takeover_invalidates_the_permission() -> None:
    strict = policy(tiers={"high": {"level": "human_takeover"}})
    assert revocation_sentence(approved_state(HARD), policy=strict) == "The policy now asks for human takeover here."


def test_consent_ends_when_the_policy_no_longer_lets_silence_count() -> None:
    today = {"policy": policy(soft={"enabled": False}), "now": NOW + DAY}
    assert revocation_sentence(consented_state(), **today) == "The policy no longer lets silence count here."


def test_consent_stands_under_the_same_policy() -> None:
    assert claim(consented_state(), now=NOW + DAY).refusal is None


def test_an_automatic_approval_is_invalid_once_the_policy_requires_people() -> None:
    strict = policy(tiers={"low": {"level": "soft_approval"}})
    assert (
        revocation_sentence(submitted_state(AUTOMATIC), policy=strict) == "The policy now asks for soft approval here."
    )


def test_an_automatic_approval_is_valid_without_a_directory_and_with_silence_off() -> None:
    today = {"policy": policy(soft={"enabled": False}), "directory_as_of": OLD}
    assert claim(submitted_state(AUTOMATIC), **today).refusal is None


def test_a_stale_directory_refuses_the_claim_and_keeps_the_permission() -> None:
    state = approved_state(HARD)
    assert (
        refusal(state, ask(agent_commands.ClaimExecution, state), by=WHO, directory_as_of=OLD) is Reason.DIRECTORY_STALE
    )
    assert claim(state).refusal is None


def test_a_repeated_claim_is_answered_as_before() -> None:
    state = claimed_state(approved_state(HARD))
    again = claim(state, **GONE["deactivated"])
    assert (again.after, again.refusal) == (state, None)


def test_an_edit_approved_by_its_editor_is_invalid_once_the_policy_requires_a_second_person() -> None:
    alone = policy(separation={"second_pair_of_eyes": False})
    state = submitted_state(HARD)
    edited = after(
        state, ask(commands.ApproveWithEdits, state), by=SENTA, policy=alone, package=package(risk_level="high")
    )
    assert edited.status is Status.APPROVED
    assert claim(edited, policy=alone).refusal is None
    assert revocation_sentence(edited) == "The policy now asks for a second person to approve an edit."


def test_pausing_an_agent_does_not_revoke_its_permissions() -> None:
    """Refusals that concern the agent come first; the votes are not checked."""
    state = approved_state(HARD)
    outcome = decide(
        state, ask(agent_commands.ClaimExecution, state), situation(WHO, agent=None, **GONE["deactivated"])
    )
    assert isinstance(outcome, Refusal)
    assert outcome.reason is Reason.AGENT_PAUSED
