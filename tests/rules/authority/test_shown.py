"""Nothing goes ahead unless everything was shown to the person who approves it."""

from __future__ import annotations

from typing import Any

import pytest

from rules.reasons import Reason
from rules.scales import HITLLevel
from rules.state.agent_commands import NewVersion
from rules.state.commands import (
    Answer,
    Approve,
    ApproveWithEdits,
    Command,
    HumanOverrideCommand,
    OpenDetails,
    OpenForm,
    Reject,
)
from rules.state.model import PackageState, Status
from rules.state.service_commands import Consent
from tests.rules import world
from tests.rules.world import AGENT, HARD, MINUTE, NOW, QUESTION, SENTA, SUSI, SVEN, after, ask, package, refusal

MANY = {f"p{number}": "one line " * 6 for number in range(41)}
LONG = HARD.model_copy(update={"action_parameters": MANY})
LONG_QUESTION = QUESTION.model_copy(update={"proposed_action": "line\n" * 30})


def read_state(state: PackageState, *pages: int, of: int = 3, by: str = SENTA) -> PackageState:
    for page in pages:
        state = after(state, ask(OpenForm, state, page=page, of=of, rendering_id=f"rnd_{page}"), by=by)
    return state


@pytest.mark.parametrize(
    ("proposal", "kind", "fields"),
    [
        pytest.param(LONG, Approve, {}, id="approve"),
        pytest.param(LONG, ApproveWithEdits, {}, id="edit and approve"),
        pytest.param(LONG, HumanOverrideCommand, {"override_decision": "proceed"}, id="override to proceed"),
        pytest.param(LONG_QUESTION, Answer, {}, id="answer"),
    ],
)
def test_an_approval_requires_that_everything_was_shown(
    proposal: Any, kind: type[Command], fields: dict[str, Any]
) -> None:
    state = world.submitted_state(proposal)
    assert refusal(state, ask(kind, state, **fields), by=SENTA, package=proposal) is Reason.NOT_SHOWN_WHOLE
    seen = read_state(state, 1, 2, 3)
    assert after(seen, ask(kind, seen, **fields), by=SENTA, package=proposal).revision > seen.revision


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        pytest.param(Reject, {}, id="reject"),
        pytest.param(HumanOverrideCommand, {"override_decision": "stop"}, id="override to stop"),
    ],
)
def test_a_package_that_was_not_shown_whole_can_be_stopped(kind: type[Command], fields: dict[str, Any]) -> None:
    state = world.submitted_state(LONG)
    assert after(state, ask(kind, state, **fields), by=SENTA).status.terminal


@pytest.mark.parametrize("pages", [(), (1,), (1, 2), (2, 3), (1, 3)])
def test_every_step_has_to_be_opened(pages: tuple[int, ...]) -> None:
    state = read_state(world.submitted_state(LONG), *pages)
    assert refusal(state, ask(Approve, state), by=SENTA) is Reason.NOT_SHOWN_WHOLE


def test_the_steps_that_a_colleague_opened_do_not_count() -> None:
    state = read_state(world.submitted_state(LONG), 1, 2, 3, by=SVEN)
    assert refusal(state, ask(Approve, state), by=SENTA) is Reason.NOT_SHOWN_WHOLE


def test_the_steps_of_an_older_version_do_not_count() -> None:
    state = read_state(world.submitted_state(LONG), 1, 2, 3)
    newer = after(state, ask(NewVersion, state, package=LONG), by=AGENT.actor, package=LONG)
    assert newer.forms == ()
    assert refusal(newer, ask(Approve, newer), by=SENTA) is Reason.NOT_SHOWN_WHOLE


def test_a_vote_and_its_decision_record_the_renderings_of_every_form_step() -> None:
    state = read_state(world.submitted_state(LONG), 3, 1, 2)
    done = after(state, ask(Approve, state, rendering_id="rnd_card"), by=SENTA)
    assert done.decision is not None
    assert done.votes[0].rendering_ids == done.decision.rendering_ids == ("rnd_1", "rnd_2", "rnd_3")
    assert done.decision.rendering_id == "rnd_card"


def test_an_edit_records_what_was_shown_before_it() -> None:
    state = read_state(world.submitted_state(LONG), 1, of=1)
    edited = after(state, ask(ApproveWithEdits, state), by=SENTA, package=LONG, policy=world.NO_SECOND_EYES)
    assert edited.votes[0].rendering_ids == ("rnd_1",)


def test_a_form_step_that_is_opened_again_keeps_its_last_rendering() -> None:
    state = read_state(world.submitted_state(LONG), 1, 2, 3)
    again = after(state, ask(OpenForm, state, page=2, of=3, rendering_id="rnd_new"), by=SENTA)
    assert [step.rendering_id for step in again.forms] == ["rnd_1", "rnd_3", "rnd_new"]
    assert (
        world.transition_of(again, ask(OpenForm, again, page=2, of=3, rendering_id="rnd_new"), by=SENTA).occurrences
        == ()
    )


def test_details_first_means_every_page_that_holds_what_is_approved() -> None:
    state = world.submitted_state(world.CRITICAL)
    first = after(state, ask(OpenDetails, state, page=1, of=2), by=SUSI)
    assert refusal(first, ask(Approve, first), by=SUSI) is Reason.DETAILS_FIRST
    both = after(first, ask(OpenDetails, first, page=2, of=2), by=SUSI)
    assert after(both, ask(Approve, both), by=SUSI).votes[0].reviewer_id == SUSI


def test_a_page_recorded_without_a_count_must_be_opened_again() -> None:
    state = world.opened_state(world.submitted_state(world.CRITICAL), SUSI)
    (page,) = state.details
    old = state.model_copy(update={"details": (page.model_copy(update={"of": 0}),)})
    assert refusal(old, ask(Approve, old), by=SUSI) is Reason.DETAILS_FIRST


# Silence.


def test_a_package_that_the_card_cannot_show_whole_is_hard_and_says_why() -> None:
    state = world.submitted_state(package(action_parameters=MANY))
    assert (state.level, state.whole_on_card) == (HITLLevel.HARD_APPROVAL, False)
    assert "not-shown-whole" in [why.rule for why in state.why]


def test_an_automatic_package_may_have_any_length() -> None:
    assert world.submitted_state(package(action_parameters=MANY, risk_level="low")).status is Status.APPROVED


def test_a_soft_package_of_an_older_release_is_not_approved_by_silence() -> None:
    state = world.shown_state(world.submitted_state()).model_copy(update={"whole_on_card": False})
    now = NOW + 10 * MINUTE
    hard = after(state, ask(Consent, state), now=now)
    assert (hard.status, hard.level, hard.why[0].rule) == (Status.PENDING, HITLLevel.HARD_APPROVAL, "not-shown-whole")


# Packages that are too long for a form.


def too_long(**fields: Any) -> Any:
    deep: Any = list(range(7_000))
    for _ in range(25):
        deep = [deep]
    return package(action_parameters={"deep": deep}, **fields)


def test_a_package_that_needs_approval_and_is_too_long_for_a_form_is_refused() -> None:
    assert refusal(None, world.submission(too_long()), by=AGENT.actor) is Reason.TOO_LONG_TO_SHOW


def test_a_takeover_may_be_too_long_for_a_form() -> None:
    state = world.submitted_state(too_long(recommendation="escalate"))
    assert (state.status, state.level) == (Status.PENDING, HITLLevel.HUMAN_TAKEOVER)


def test_a_new_version_that_no_form_can_show_is_refused() -> None:
    state = world.submitted_state(HARD)
    command = ask(NewVersion, state, package=too_long(risk_level="high"))
    assert refusal(state, command, by=AGENT.actor, package=HARD) is Reason.TOO_LONG_TO_SHOW
