"""Consent by silence, which counts only if someone could have objected."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from rules.package.model import DecisionPackage
from rules.reasons import Reason
from rules.scales import HITLLevel
from rules.state.agent_commands import NewVersion
from rules.state.commands import Approve, Escalate, Object, Verb
from rules.state.decisions import Basis
from rules.state.model import PackageState, Status
from rules.state.service_commands import ClockCommand, Consent, Harden, Show
from rules.state.sightings import Silence
from rules.verbs.timers import next_due
from tests.rules.world import (
    AGENT,
    ALL,
    BODO,
    DAY,
    DEAN,
    DORA,
    GRETA,
    HOUR,
    MINUTE,
    NOW,
    OWEN,
    RITA,
    ROSE,
    SOFT,
    after,
    agent,
    ask,
    package,
    policy,
    proven,
    refusal,
    shown_state,
    submitted_state,
)

SECOND = timedelta(seconds=1)
FIVE = timedelta(minutes=5)


def not_due(state: PackageState, kind: type[ClockCommand], now: datetime) -> bool:
    return refusal(state, ask(kind, state), now=now) is Reason.NOT_DUE


PROVEN = proven(shown_state(submitted_state(SOFT)))


def silence(**changes: Any) -> Silence:
    return PROVEN.model_copy(update=changes)


def consented_state(
    proposal: DecisionPackage = SOFT, proof: Silence = PROVEN, now: datetime = NOW + FIVE, **bearing: Any
) -> PackageState:
    state = shown_state(submitted_state(proposal))
    return after(state, ask(Consent, state, silence=proof), now=now, **bearing)


def test_proven_silence_is_consent_with_its_own_basis() -> None:
    state = consented_state()
    assert (state.status, state.may_proceed(NOW + FIVE)) == (Status.CONSENTED, True)
    assert state.decision is not None
    assert (state.decision.basis, state.decision.reviewers) == (Basis.SILENT_CONSENT, ())


@pytest.mark.parametrize(("chance", "sampled"), [(0.05, True), (0.1, False)])
def test_a_share_of_the_packages_approved_by_silence_is_sampled(chance: float, sampled: bool) -> None:
    assert consented_state(chance=chance).sampled is sampled


@pytest.mark.parametrize(
    "proof",
    [silence(onlookers={}), silence(could_be_answered=False)],
    ids=["nobody was there", "no click could have come in"],
)
def test_silence_while_nobody_could_have_objected_makes_the_package_hard(proof: Silence) -> None:
    state = consented_state(proof=proof)
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
        pytest.param({"actions": {"record.read": {"tool": {}}}}, id="a tool that asks for approval"),
        pytest.param({"kinds": {"action": "hard_approval"}}, id="the kind requires a person"),
        pytest.param({"confidence": {"hard_below": 0.96, "soft_below": 0.97}}, id="a higher confidence is required"),
        pytest.param(
            {"actions": {"record.read": {"reversibility": "irreversible_low", "data_classes": ["pii"]}}},
            id="sensitive, and cannot be undone",
        ),
        pytest.param(
            {
                "actions": {"record.read": {"reversibility": "irreversible_low"}},
                "matrix": {"irreversible_soft_above": 0.95},
            },
            id="confidence too low for an irreversible action",
        ),
    ],
)
def test_silence_does_not_count_if_todays_policy_requires_approval(changes: dict[str, Any]) -> None:
    state = consented_state(policy=policy(**changes))
    assert (state.status, state.level, state.why[0].rule) == (Status.PENDING, HITLLevel.HARD_APPROVAL, "policy-changed")


def consent_refused(proof: Silence = PROVEN, now: datetime = NOW + FIVE, **bearing: Any) -> Reason:
    state = shown_state(submitted_state(SOFT))
    return refusal(state, ask(Consent, state, silence=proof), now=now, **bearing)


def test_time_in_which_nobody_could_have_objected_does_not_count() -> None:
    assert consent_refused(silence(counted=FIVE - SECOND), now=NOW + HOUR) is Reason.NOT_DUE


def test_a_later_policy_can_lengthen_the_silence_and_not_shorten_it() -> None:
    assert consent_refused(policy=policy(tiers={"medium": {"soft_timeout": "10m"}})) is Reason.NOT_DUE
    assert (
        consent_refused(silence(counted=MINUTE), policy=policy(tiers={"medium": {"soft_timeout": "1m"}}))
        is Reason.NOT_DUE
    )


@pytest.mark.parametrize("paused", [agent(frozen=True), None], ids=["frozen", "gone"])
def test_nothing_consents_while_the_agent_is_paused(paused: Any) -> None:
    assert consent_refused(agent=paused) is Reason.AGENT_PAUSED


@pytest.mark.parametrize(
    ("proof", "bearing"),
    [(silence(counted=MINUTE), {}), (PROVEN, {"agent": agent(frozen=True)})],
    ids=["too little silence", "a paused agent"],
)
def test_silence_that_is_too_short_at_the_deadline_makes_the_package_hard(
    proof: Silence, bearing: dict[str, Any]
) -> None:
    state = consented_state(proof=proof, now=NOW + DAY, **bearing)
    assert (state.status, state.level, state.why[0].rule) == (Status.PENDING, HITLLevel.HARD_APPROVAL, "timeout")


def test_the_packages_expiry_never_becomes_consent() -> None:
    state = consented_state(package(expires_at=NOW + HOUR), now=NOW + HOUR)
    assert (state.status, state.may_proceed(NOW + HOUR)) == (Status.EXPIRED, False)


def test_silence_begins_when_an_eligible_person_could_see_the_card() -> None:
    state = submitted_state(SOFT)
    unseen = after(state, ask_show(state, seen=False))
    assert unseen.shown is None
    seen = after(unseen, ask_show(unseen, seen=True), now=NOW + HOUR)
    assert next_due(after(seen, ask_show(seen, seen=True), now=NOW + 2 * HOUR)) == (NOW + HOUR + FIVE, Verb.CONSENT)


def test_a_card_of_an_older_version_proves_nothing() -> None:
    state = submitted_state(SOFT)
    late = ask_show(state, seen=True)
    newer = after(state, ask(NewVersion, state), by=AGENT.actor)
    assert after(newer, late).shown is None


def ask_show(state: PackageState, *, seen: bool) -> Show:
    return ask(Show, state, seen_by=ALL if seen else frozenset())


@pytest.mark.parametrize("kind", [Object, Escalate])
def test_a_package_that_someone_reacted_to_never_gets_consent_by_silence(kind: type[Any]) -> None:
    state = shown_state(submitted_state(SOFT))
    spoken = after(state, ask(kind, state), by=RITA)
    assert not_due(spoken, Consent, NOW + DAY)


def test_a_person_can_still_approve_before_the_silence_ends() -> None:
    state = shown_state(submitted_state(SOFT))
    assert after(state, ask(Approve, state), by=DORA).status is Status.APPROVED


# Lost proofs.


def failed_click(by: str | None) -> PackageState:
    state = shown_state(submitted_state(SOFT))
    return after(state, ask(Harden, state, cause="click-failed", clicked_by=by))


@pytest.mark.parametrize(
    "by", [RITA, ROSE, OWEN, "USTRANGE", None], ids=["reviewer", "requester", "owner", "?", "none"]
)
def test_a_failed_click_of_a_possible_objector_makes_the_package_hard(by: str | None) -> None:
    state = failed_click(by)
    assert (state.level, state.why[0].rule) == (HITLLevel.HARD_APPROVAL, "click-failed")
    assert state.task.due_at == NOW + DAY


@pytest.mark.parametrize("by", [GRETA, DEAN, BODO], ids=["guest", "deactivated", "bot"])
def test_a_failed_click_of_someone_who_could_not_have_objected_changes_nothing(by: str) -> None:
    state = shown_state(submitted_state(SOFT))
    refusal(state, ask(Harden, state, cause="click-failed", clicked_by=by))


def test_a_lost_proof_makes_only_soft_pending_packages_hard_and_only_once() -> None:
    state = shown_state(submitted_state(SOFT))
    hard = after(state, ask(Harden, state, cause="proof-lost"))
    assert (hard.level, hard.why[0].rule) == (HITLLevel.HARD_APPROVAL, "proof-lost")
    assert not_due_now(hard)
    assert not_due_now(after(state, ask(Approve, state), RITA))


def not_due_now(state: PackageState) -> bool:
    return refusal(state, ask(Harden, state, cause="proof-lost")) is Reason.NOT_DUE
