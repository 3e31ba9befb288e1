"""Routing an undecided package: back to the agent, deferred, or up the ladder."""

from __future__ import annotations

from typing import Any

import pytest

from rules.reasons import Reason, Refusal
from rules.scales import HITLLevel
from rules.state.commands import (
    Approve,
    ClaimTask,
    Defer,
    Escalate,
    HumanDecisionCommand,
    Reject,
    RequestMoreEvidence,
    Revise,
    TakeOver,
    Wake,
)
from rules.state.model import HumanInterruptStatus, Status
from rules.state.service_commands import Climb
from rules.verbs.decide import decide
from tests.rules.world import (
    ADAM,
    BODO,
    DAY,
    DEAN,
    DORA,
    GRETA,
    HARD,
    HOUR,
    MINUTE,
    NEMO,
    NOW,
    OWEN,
    RITA,
    ROSE,
    ROSS,
    SENTA,
    SOFT,
    STAN,
    SUSI,
    SVEN,
    after,
    ask,
    package,
    people,
    policy,
    refusal,
    situation,
    submitted_state,
    transition_of,
)

# Roles that do not include each other.
APART = policy(roles={name: {"includes": []} for name in ("senior_reviewer", "supervisor", "director")})

# Revise, request evidence, defer.


@pytest.mark.parametrize(
    ("kind", "status"), [(Revise, Status.REVISION_REQUESTED), (RequestMoreEvidence, Status.EVIDENCE_REQUESTED)]
)
def test_the_agent_has_two_days_to_answer(kind: type[HumanDecisionCommand], status: Status) -> None:
    state = submitted_state(HARD)
    asked = after(state, ask(kind, state), by=SENTA)
    assert (asked.status, asked.answer_by, asked.ends_at) == (status, NOW + 2 * DAY, NOW + 2 * DAY)


@pytest.mark.parametrize("kind", [Approve, Revise, Defer, Escalate])
def test_while_the_agent_has_to_answer_other_decisions_are_refused(kind: type[HumanDecisionCommand]) -> None:
    state = submitted_state(HARD)
    asked = after(state, ask(Revise, state), by=SENTA)
    assert refusal(asked, ask(kind, asked), by=SENTA) is Reason.AWAITS_AGENT


@pytest.mark.parametrize("first", [Revise, RequestMoreEvidence, Defer])
@pytest.mark.parametrize("then", [Reject, TakeOver])
def test_a_deferred_or_revised_package_can_still_be_stopped_or_taken_over(
    first: type[HumanDecisionCommand], then: type[HumanDecisionCommand]
) -> None:
    state = submitted_state(HARD)
    waiting = after(state, ask(first, state), by=SENTA)
    assert after(waiting, ask(then, waiting), by=SENTA).status.terminal


@pytest.mark.parametrize(
    ("until", "expected"),
    [(NOW, Reason.TIME_NOT_AHEAD), (NOW - HOUR, Reason.TIME_NOT_AHEAD), (NOW + 30 * DAY + MINUTE, Reason.TIME_TOO_FAR)],
)
def test_a_deferral_ends_in_the_future_and_not_too_far(until: Any, expected: Reason) -> None:
    state = submitted_state(HARD)
    assert refusal(state, ask(Defer, state, until=until), by=SENTA) is expected


def test_a_deferral_cannot_outlast_the_packages_expiry() -> None:
    state = submitted_state(package(risk_level="high", expires_at=NOW + HOUR))
    assert refusal(state, ask(Defer, state, until=NOW + 2 * HOUR), by=SENTA) is Reason.TIME_TOO_FAR


def test_a_deferred_package_must_be_woken_before_approval_and_then_has_its_full_time() -> None:
    state = submitted_state(HARD)
    asleep = after(state, ask(Defer, state, until=NOW + 9 * DAY), by=SENTA)
    assert refusal(asleep, ask(Approve, asleep), by=SENTA) is Reason.IS_DEFERRED
    awake = after(asleep, ask(Wake, asleep), by=SENTA, now=NOW + 2 * DAY)
    assert (awake.status, awake.wake_at, awake.decision) == (Status.PENDING, None, None)
    assert awake.task.due_at == NOW + 3 * DAY


# Escalate.


def test_escalation_asks_the_next_rung() -> None:
    state = submitted_state(HARD)
    raised = after(state, ask(Escalate, state), by=SENTA, now=NOW + HOUR)
    assert (raised.task.rung, raised.task.required_role, raised.status) == (1, "supervisor", Status.PENDING)
    assert (raised.task.due_at, raised.interrupt_status) == (NOW + HOUR + DAY, HumanInterruptStatus.ESCALATED)
    assert raised.task.review_task_id != state.task.review_task_id


def test_escalation_can_name_the_rung() -> None:
    state = submitted_state(HARD)
    assert after(state, ask(Escalate, state, to_role="director"), by=SENTA).task.required_role == "director"


def test_a_rung_without_reviewers_is_skipped() -> None:
    deserted = policy(roles={"supervisor": {"members": []}, "director": {"includes": ["senior_reviewer"]}})
    state = submitted_state(HARD)
    assert after(state, ask(Escalate, state), by=SENTA, policy=deserted).task.required_role == "director"


@pytest.mark.parametrize("role", ["reviewer", "senior_reviewer", "king"])
def test_escalation_goes_only_up_the_ladder(role: str) -> None:
    state = submitted_state(HARD)
    assert refusal(state, ask(Escalate, state, to_role=role), by=SENTA) is Reason.NOT_ON_LADDER


def test_each_escalation_climbs_one_rung() -> None:
    state = submitted_state(HARD)
    second = after(state, ask(Escalate, state, to_role="supervisor"), by=SENTA)
    assert (second.task.rung, second.task.required_role) == (1, "supervisor")
    third = after(second, ask(Escalate, second), by=SUSI)
    assert (third.task.rung, third.task.required_role) == (2, "director")


@pytest.mark.parametrize("role", ["senior_reviewer", "supervisor"])
def test_escalation_never_goes_to_a_rung_at_or_below_the_present_one(role: str) -> None:
    state = submitted_state(HARD)
    second = after(state, ask(Escalate, state), by=SENTA)
    assert refusal(second, ask(Escalate, second, to_role=role), by=SUSI) is Reason.NOT_ON_LADDER


def test_there_is_no_rung_above_the_top() -> None:
    state = submitted_state(HARD)
    top = after(state, ask(Escalate, state, to_role="director"), by=SENTA)
    assert refusal(top, ask(Escalate, top), by=DORA) is Reason.TOP_OF_LADDER


def test_escalation_skips_people_who_could_not_decide() -> None:
    deserted = policy(roles={"supervisor": {"members": []}, "director": {"members": []}})
    state = submitted_state(HARD)
    assert refusal(state, ask(Escalate, state), by=SENTA, policy=deserted) is Reason.NO_ELIGIBLE_REVIEWER


def test_an_escalated_package_no_longer_counts_silence() -> None:
    state = submitted_state(SOFT)
    raised = after(state, ask(Escalate, state), by=RITA)
    assert (raised.level, raised.why[0].rule) == (HITLLevel.HARD_APPROVAL, "escalation")


# Escalate to a person.


def test_a_named_person_gets_the_task_in_the_role_that_is_chosen() -> None:
    state = submitted_state(HARD)
    raised = after(state, ask(Escalate, state, to_role="supervisor", to_person=SUSI), by=SENTA, now=NOW + HOUR)
    assert (raised.task.rung, raised.task.required_role, raised.task.assigned_to) == (1, "supervisor", SUSI)
    assert raised.task.due_at == NOW + HOUR + DAY


def test_a_named_person_without_the_chosen_role_gets_the_task_in_their_own() -> None:
    state = submitted_state(HARD, policy=APART)
    raised = after(state, ask(Escalate, state, to_role="supervisor", to_person=DORA), by=SENTA, policy=APART)
    assert (raised.task.required_role, raised.task.assigned_to) == ("director", DORA)


def test_a_named_person_who_may_already_decide_gets_the_task_with_the_same_deadline() -> None:
    state = submitted_state(HARD)
    handed = after(state, ask(Escalate, state, to_role="supervisor", to_person=SVEN), by=SENTA, now=NOW + HOUR)
    assert (handed.task.rung, handed.task.assigned_to, handed.task.due_at) == (0, SVEN, state.task.due_at)
    assert after(handed, ask(Approve, handed), by=SENTA).status is Status.APPROVED


def test_a_soft_package_that_is_handed_to_a_person_no_longer_counts_silence() -> None:
    state = submitted_state(SOFT)
    handed = after(state, ask(Escalate, state, to_person=ROSS), by=RITA)
    assert (handed.level, handed.task.assigned_to) == (HITLLevel.HARD_APPROVAL, ROSS)


def test_the_events_say_who_escalated_and_to_whom() -> None:
    state = submitted_state(HARD)
    for person, last in ((SUSI, "package.escalated"), (SVEN, "task.assigned")):
        events = transition_of(
            state, ask(Escalate, state, to_role="supervisor", to_person=person), by=SENTA
        ).occurrences
        assert [event.event_type for event in events] == ["human.decision_recorded", last]
        assert (events[-1].actor.actor_id, events[-1].after.task.assigned_to) == (SENTA, person)


@pytest.mark.parametrize(
    ("who", "because"),
    [
        pytest.param(ROSE, "they asked for it", id="the requester"),
        pytest.param(OWEN, "they own the agent", id="the owner"),
        pytest.param(RITA, "none of their roles is asked", id="a role below"),
        pytest.param(ADAM, "none of their roles is asked", id="no role"),
        pytest.param(GRETA, "they are a guest", id="a guest"),
        pytest.param(STAN, "they belong to another workspace", id="a stranger"),
        pytest.param(BODO, "this account is a bot", id="a bot"),
        pytest.param(DEAN, "their account is deactivated", id="a deactivated account"),
        pytest.param(NEMO, "they are not in this workspace's directory", id="someone unknown"),
        pytest.param(DORA, "they are away until 2026-11-21T12:00+00:00", id="someone who is away"),
    ],
)
def test_only_someone_who_could_decide_and_is_there_can_be_named(who: str, because: str) -> None:
    away = people(UDORA={"away_until": NOW + DAY})
    state = submitted_state(HARD)
    refused = decide(state, ask(Escalate, state, to_person=who), situation(SENTA, people=away))
    assert isinstance(refused, Refusal)
    assert (refused.reason, refused.facts["because"]) == (Reason.ASSIGNEE_NOT_ELIGIBLE, because)
    assert refused.sentence == f"This person cannot decide it: {because}. Name someone else."


@pytest.mark.parametrize("changes", [{"scopes": ["mail.*"]}, {"max_risk": "medium"}], ids=["scope", "authority"])
def test_a_named_person_needs_the_scope_and_the_authority(changes: dict[str, Any]) -> None:
    narrow = policy(roles={"director": {"includes": [], **changes}})
    state = submitted_state(HARD)
    assert refusal(state, ask(Escalate, state, to_person=DORA), by=SENTA, policy=narrow) is Reason.ASSIGNEE_NOT_ELIGIBLE


def test_someone_who_has_already_approved_cannot_be_named() -> None:
    two = policy(tiers={"high": {"quorum": 2}})
    state = submitted_state(HARD, policy=two)
    voted = after(state, ask(Approve, state), by=SENTA, policy=two)
    refused = refusal(voted, ask(Escalate, voted, to_person=SENTA), by=SVEN, policy=two)
    assert refused is Reason.ASSIGNEE_NOT_ELIGIBLE


def test_naming_a_person_does_not_lead_past_the_top_of_the_ladder() -> None:
    state = submitted_state(HARD)
    top = after(state, ask(Escalate, state, to_role="director"), by=SENTA)
    assert refusal(top, ask(Escalate, top, to_person=DORA), by=DORA) is Reason.TOP_OF_LADDER


def test_a_person_of_an_earlier_role_that_may_still_decide_can_be_named() -> None:
    state = submitted_state(HARD, policy=APART)
    climbed = after(state, ask(Climb, state), now=state.task.due_at, policy=APART)
    handed = after(climbed, ask(Escalate, climbed, to_person=SVEN), by=SUSI, policy=APART)
    assert (handed.task.rung, handed.task.assigned_to) == (1, SVEN)
    assert after(handed, ask(Approve, handed), by=SVEN, policy=APART).status is Status.APPROVED


def test_a_reviewer_may_escalate_what_they_asked_for_and_not_choose_who_decides_it() -> None:
    state = submitted_state(HARD.model_copy(update={"requested_by": SENTA}))
    assert refusal(state, ask(Escalate, state, to_person=SUSI), by=SENTA) is Reason.IS_REQUESTER
    assert after(state, ask(Escalate, state, to_role="supervisor"), by=SENTA).task.rung == 1


def test_naming_someone_takes_no_task_away_from_the_person_who_claimed_it() -> None:
    state = submitted_state(HARD)
    claimed = after(state, ask(ClaimTask, state), by=SVEN)
    assert refusal(claimed, ask(Escalate, claimed, to_person=SENTA), by=SENTA) is Reason.TASK_CLAIMED
    assert after(claimed, ask(Escalate, claimed, to_person=SENTA), by=SVEN).task.assigned_to == SENTA
