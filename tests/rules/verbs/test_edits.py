"""Approving with edits: the reviewer makes a new version, and someone else approves it."""

from __future__ import annotations

from typing import Any

import pytest

from rules.package.model import DecisionPackage, action_digest
from rules.policy.model import Policy
from rules.reasons import Reason
from rules.scales import RiskLevel
from rules.state.agent_commands import NewVersion
from rules.state.commands import Approve, ApproveWithEdits, HumanDecisionType, TakeOver
from rules.state.decisions import Basis, Seat
from rules.state.model import Bar, PackageState, Status
from tests.rules.world import (
    AGENT,
    HARD,
    NO_SECOND_EYES,
    POLICY,
    SENTA,
    SOFT,
    SUSI,
    SVEN,
    after,
    ask,
    package,
    policy,
    refusal,
    submitted_state,
    transition_of,
)


def revised_state(state: PackageState, proposal: DecisionPackage, **bearing: Any) -> PackageState:
    return after(state, ask(NewVersion, state, package=proposal), by=AGENT.actor, **bearing)


def edited_state(
    state: PackageState, by: str = SENTA, proposal: DecisionPackage = HARD, **bearing: Any
) -> PackageState:
    return after(state, ask(ApproveWithEdits, state), by=by, package=proposal, **bearing)


def test_an_edit_makes_a_version_by_the_reviewer_and_needs_another_reviewer() -> None:
    state = edited_state(submitted_state(HARD))
    assert (state.status, state.version, state.votes) == (Status.PENDING, 2, ())
    assert state.barred[SENTA] is Bar.EDITOR
    assert state.action_digest == action_digest(package(action_parameters={"record": "43"}))
    assert refusal(state, ask(Approve, state), by=SENTA) is Reason.IS_EDITOR
    assert after(state, ask(Approve, state), by=SVEN).status is Status.APPROVED


def test_the_editors_approval_counts_if_one_person_is_enough() -> None:
    state = edited_state(submitted_state(HARD), policy=NO_SECOND_EYES)
    assert (state.status, state.version) == (Status.APPROVED, 2)
    assert state.decision is not None
    assert (state.decision.decision, state.decision.basis) == (HumanDecisionType.APPROVE_WITH_EDITS, Basis.HUMAN)
    assert state.decision.reviewers == (Seat(reviewer_id=SENTA, role="senior_reviewer"),)


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param(policy(separation={"second_pair_of_eyes": False}, tiers={"high": {"quorum": 2}}), id="a quorum"),
        pytest.param(POLICY, id="a second pair of eyes"),
        pytest.param(
            policy(
                separation={"second_pair_of_eyes": False},
                actions={"record.read": {"reversibility": "reversible", "risk": "critical"}},
            ),
            id="a risk that is now found higher",
        ),
    ],
)
def test_otherwise_the_editors_approval_does_not_count(asked: Policy) -> None:
    state = submitted_state(HARD)
    supervised = edited_state(state, by=SUSI, policy=asked)
    assert (supervised.status, supervised.votes) == (Status.PENDING, ())
    assert supervised.barred[SUSI] is Bar.EDITOR


def test_the_editors_approval_does_not_count_if_the_edit_raised_the_level_or_the_risk() -> None:
    graver = policy(separation={"second_pair_of_eyes": False}, actions={"record.read": {"risk": "high"}})
    state = edited_state(submitted_state(SOFT), proposal=package(), policy=graver)
    assert (state.status, state.risk, state.barred[SENTA]) == (Status.PENDING, RiskLevel.HIGH, Bar.EDITOR)


def test_an_edit_drops_the_votes_for_the_earlier_version() -> None:
    two = policy(tiers={"high": {"quorum": 2}})
    state = after(submitted_state(HARD, policy=two), ask(Approve, submitted_state(HARD)), by=SVEN, policy=two)
    assert edited_state(state, policy=two).votes == ()


def test_an_editor_stays_barred_in_later_versions() -> None:
    state = revised_state(edited_state(submitted_state(HARD)), HARD)
    assert refusal(state, ask(Approve, state), by=SENTA) is Reason.IS_EDITOR


@pytest.mark.parametrize(
    ("proposal", "parameters", "expected"),
    [
        (package(risk_level="high", kind="plan", action_parameters=None), {"a": 1}, Reason.NO_PARAMETERS),
        (HARD, {"record": "42"}, Reason.NOTHING_EDITED),
        (HARD, {"record": "\u0000"}, Reason.EDIT_NOT_VALID),
    ],
    ids=["none there", "the same", "not valid"],
)
def test_an_edit_must_change_the_parameters_validly(
    proposal: DecisionPackage, parameters: dict[str, Any], expected: Reason
) -> None:
    state = submitted_state(proposal)
    edit = ask(ApproveWithEdits, state, action_parameters=parameters)
    assert refusal(state, edit, by=SENTA, package=proposal) is expected


def test_a_package_whose_content_was_erased_cannot_be_edited() -> None:
    state = submitted_state(HARD)
    assert refusal(state, ask(ApproveWithEdits, state), by=SENTA, package=None) is Reason.NO_PARAMETERS


def test_an_edit_that_leaves_nobody_to_approve_it_is_refused() -> None:
    few = policy(
        roles={"senior_reviewer": {"members": [SENTA]}, "supervisor": {"members": []}, "director": {"members": []}}
    )
    state = submitted_state(HARD, policy=few)
    assert (
        refusal(state, ask(ApproveWithEdits, state), by=SENTA, package=HARD, policy=few) is Reason.NO_ELIGIBLE_REVIEWER
    )


def test_the_edited_package_is_stored_completely_with_its_editor() -> None:
    state = submitted_state(HARD)
    words = transition_of(state, ask(ApproveWithEdits, state), by=SENTA, package=HARD).occurrences[0].words or {}
    kept = DecisionPackage.model_validate(words["package"])
    assert (kept.action_parameters, kept.title, words["edited_by"]) == ({"record": "43"}, HARD.title, SENTA)


def test_a_new_version_does_not_undo_a_takeover() -> None:
    state = submitted_state(HARD)
    taken = after(state, ask(TakeOver, state), by=SENTA)
    assert refusal(taken, ask(NewVersion, taken, package=HARD), by=AGENT.actor) is Reason.ALREADY_DECIDED
