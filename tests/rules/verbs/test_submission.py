"""Submission of new packages."""

from __future__ import annotations

from typing import Any

import pytest

from rules.people.directory import AgentStanding
from rules.reasons import Reason, Refusal
from rules.scales import HITLLevel, RiskLevel
from rules.state.commands import HumanDecisionType
from rules.state.decisions import Basis
from rules.state.model import Bar, PackageState, Priority, Status, Terms
from rules.state.situation import Memory
from rules.verbs.submission import submit
from tests.rules.world import (
    AGENT,
    AUTOMATIC,
    CRITICAL,
    DAY,
    HARD,
    HOUR,
    NOW,
    OWEN,
    QUESTION,
    ROSE,
    SENTA,
    SOFT,
    SUSI,
    TAKEOVER,
    agent,
    no_to,
    package,
    policy,
    refusal,
    situation,
    submission,
    submitted_state,
    transition_of,
)


def test_a_package_that_needs_nobody_is_settled_at_once_by_policy() -> None:
    state = submitted_state(AUTOMATIC)
    assert state.status is Status.APPROVED
    assert state.may_proceed(NOW)
    assert state.decision is not None
    assert (state.decision.basis, state.decision.reviewers) == (Basis.POLICY, ())


@pytest.mark.parametrize(
    "asked", [SOFT, HARD, CRITICAL, TAKEOVER, QUESTION], ids=["soft", "hard", "critical", "takeover", "question"]
)
def test_a_package_that_needs_a_person_waits_and_may_not_proceed(asked: Any) -> None:
    state = submitted_state(asked)
    assert (state.status, state.decision, state.may_proceed(NOW)) == (Status.PENDING, None, False)


def test_automatic_approval_records_a_submission_and_a_decision_of_the_policy() -> None:
    kinds = [event.event_type for event in transition_of(None, submission(AUTOMATIC), by=AGENT.actor).occurrences]
    assert kinds == ["package.submitted", "package.approved"]


def test_the_first_task_has_the_tiers_role_and_its_full_time() -> None:
    task = submitted_state(HARD).task
    assert (task.rung, task.required_role, task.priority) == (0, "senior_reviewer", Priority.HIGH)
    assert (task.created_at, task.due_at) == (NOW, NOW + DAY)


def test_all_parties_are_barred_from_submission() -> None:
    state = submitted_state(package(on_behalf_of=[SENTA]))
    assert state.barred == {ROSE: Bar.REQUESTER, SENTA: Bar.DELEGATION_CHAIN, OWEN: Bar.OWNER}


@pytest.mark.parametrize(
    ("bearing", "expected"),
    [
        pytest.param({"agent": agent(standing=AgentStanding.PAUSED)}, Reason.AGENT_PAUSED, id="paused"),
        pytest.param({"agent": agent(standing=AgentStanding.REVOKED)}, Reason.AGENT_PAUSED, id="revoked"),
        pytest.param({"agent": agent(frozen=True)}, Reason.AGENT_PAUSED, id="all frozen"),
        pytest.param({"memory": Memory(thread_stopped_by="pkg_0")}, Reason.THREAD_TAKEN_OVER, id="thread taken over"),
        pytest.param({"memory": Memory(noes=(no_to(SOFT),))}, Reason.ALREADY_REJECTED, id="rejected before"),
        pytest.param({"directory_as_of": NOW - 2 * DAY}, Reason.DIRECTORY_STALE, id="directory too old"),
    ],
)
def test_a_package_is_refused_for_each_reason_that_bars_it(bearing: dict[str, Any], expected: Reason) -> None:
    assert refusal(None, submission(SOFT), by=AGENT.actor, **bearing) is expected


def test_an_automatic_package_without_named_parties_needs_no_directory() -> None:
    alone = package(risk_level="low", requested_by=None)
    assert submitted_state(alone, directory_as_of=NOW - 2 * DAY).status is Status.APPROVED


def test_a_rejected_action_with_a_material_change_is_accepted_as_hard() -> None:
    state = submitted_state(package(material_change="Another record."), memory=Memory(noes=(no_to(SOFT),)))
    assert state.level is HITLLevel.HARD_APPROVAL


def test_the_same_action_within_the_window_keeps_its_level() -> None:
    state = submitted_state(AUTOMATIC, memory=Memory(earlier_level=HITLLevel.HARD_APPROVAL))
    assert (state.level, state.status) == (HITLLevel.HARD_APPROVAL, Status.PENDING)


def test_a_package_that_has_expired_is_refused() -> None:
    past = package(expires_at=NOW)
    assert refusal(None, submission(past), by=AGENT.actor) is Reason.ALREADY_EXPIRED


@pytest.mark.parametrize(
    "field", ["evidence_refs", "known_uncertainties", "side_effect_preview", "consequence", "policy_basis"]
)
def test_at_high_risk_an_incomplete_package_is_refused_with_the_missing_fields(field: str) -> None:
    empty = package(
        risk_level="high", **{field: None if field == "consequence" else {} if field == "side_effect_preview" else []}
    )
    answer = submit(submission(empty), situation(AGENT.actor))
    assert isinstance(answer, Refusal)
    assert (answer.reason, answer.facts["gaps"]) == (Reason.QUALITY_GAPS, field)


def test_below_high_risk_a_gap_is_a_warning() -> None:
    needy = policy(tiers={"medium": {"needs": ["evidence"]}})
    assert submitted_state(package(evidence_refs=[]), policy=needy).warnings == ("evidence_refs",)


@pytest.mark.parametrize(
    ("proposal", "changes"),
    [
        pytest.param(
            HARD,
            {"roles": {"senior_reviewer": {"members": []}, "supervisor": {"members": []}, "director": {"members": []}}},
            id="nobody holds the role",
        ),
        pytest.param(
            CRITICAL,
            {"roles": {"supervisor": {"members": []}, "director": {"members": [SUSI]}}},
            id="fewer people than the quorum",
        ),
        pytest.param(
            CRITICAL,
            {
                "roles": {
                    "supervisor": {"members": []},
                    "director": {"members": []},
                    "senior_reviewer": {"max_risk": "critical"},
                }
            },
            id="nobody for a part of the quorum",
        ),
        pytest.param(
            HARD,
            {"roles": {role: {"scopes": ["mail.*"]} for role in ("senior_reviewer", "supervisor", "director")}},
            id="nobody has it in scope",
        ),
    ],
)
def test_a_package_that_nobody_could_decide_is_refused_at_submission(proposal: Any, changes: dict[str, Any]) -> None:
    assert refusal(None, submission(proposal), by=AGENT.actor, policy=policy(**changes)) is Reason.NO_ELIGIBLE_REVIEWER


def test_a_package_is_refused_if_only_higher_rungs_have_reviewers() -> None:
    apart = policy(
        roles={"senior_reviewer": {"members": []}, "supervisor": {"includes": []}, "director": {"includes": []}}
    )
    assert refusal(None, submission(HARD), by=AGENT.actor, policy=apart) is Reason.NO_ELIGIBLE_REVIEWER


def test_parties_do_not_count_as_people_who_could_decide() -> None:
    lonely = policy(
        roles={"senior_reviewer": {"members": [SENTA]}, "supervisor": {"members": []}, "director": {"members": []}}
    )
    own = package(risk_level="high", requested_by=SENTA)
    assert refusal(None, submission(own), by=AGENT.actor, policy=lonely) is Reason.NO_ELIGIBLE_REVIEWER


# Terms.


def terms(action: dict[str, Any] | None = None, proposal: Any = HARD, **changes: Any) -> Terms:
    entry = {"reversibility": "reversible", **(action or {})}
    return submitted_state(proposal, policy=policy(actions={"record.read": entry}, **changes)).terms


def test_the_terms_come_from_the_tier() -> None:
    assert terms() == Terms(
        role="senior_reviewer",
        ladder=("supervisor", "director"),
        ladder_keeps=True,
        comment_required=True,
        reminders=(4 * HOUR, HOUR),
    )


def test_the_catalogue_can_set_another_role_and_other_times() -> None:
    chosen = terms(
        {"role": "supervisor", "hard_timeout": "1h", "on_timeout": "cancel", "ladder": ["director"], "reminders": []}
    )
    assert (chosen.role, chosen.ladder, chosen.hard_timeout, chosen.on_timeout) == (
        "supervisor",
        ("director",),
        HOUR,
        "cancel",
    )


def test_a_tool_can_ask_for_a_role_that_the_tiers_role_does_not_include() -> None:
    assert terms({"tool": {"min_reviewer_role": "supervisor"}}).role == "supervisor"


def test_a_tool_that_requires_less_than_the_tier_does_not_change_the_role() -> None:
    assert terms({"tool": {"min_reviewer_role": "reviewer"}}).role == "senior_reviewer"


def test_the_ladder_leaves_out_roles_that_the_first_role_includes() -> None:
    assert terms({"role": "supervisor", "ladder": ["senior_reviewer", "director"]}).ladder == ("director",)


# Held threads.


@pytest.mark.parametrize(
    ("proposal", "holds"),
    [
        pytest.param(TAKEOVER, True, id="a takeover of a thread"),
        pytest.param(package(recommendation="escalate", thread_id=None), False, id="a takeover without a thread"),
        pytest.param(HARD, False, id="no takeover"),
    ],
)
def test_a_takeover_holds_its_thread_from_submission(proposal: Any, holds: bool) -> None:
    assert submitted_state(proposal).holds_thread is holds


def test_a_package_at_the_takeover_level_is_not_decided_yet() -> None:
    state: PackageState = submitted_state(TAKEOVER)
    assert (state.status, state.risk, state.decision) == (Status.PENDING, RiskLevel.MEDIUM, None)


@pytest.mark.parametrize(("chance", "sampled"), [(0.0999, True), (0.1, False)])
def test_a_share_of_the_packages_without_a_person_is_sampled(chance: float, sampled: bool) -> None:
    state = submitted_state(AUTOMATIC, chance=chance)
    assert state.sampled is sampled
    assert state.decision is not None
    assert state.decision.decision is HumanDecisionType.APPROVE
