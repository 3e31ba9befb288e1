"""Opening a form from the card or from Details, and what the clicker is told if Slack does not open it."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from bot.slack.context.listener_context import NOT_OPENED
from rules.reasons import Reason
from rules.state.commands import Verb
from rules.state.model import Status
from tests.bot.slack.office import CRITICAL, NOBODY, RITA, SENTA, SOFT, SUSI, Office

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

# From Details.


@pytest.mark.parametrize(
    ("verb", "values"),
    [
        pytest.param(Verb.COMMENT, {"comment": "Seen."}, id="comment"),
        pytest.param(Verb.EXTEND, {}, id="extend"),
    ],
)
async def test_a_form_opened_from_details_is_on_top_and_submitting_it_closes_all_views(
    office: Office, verb: Verb, values: dict[str, Any]
) -> None:
    _, card = await office.submit_with_card()
    await office.details(SENTA, card, verb)
    assert [view.callback_id for view in office.slack.modals(SENTA)] == ["details", "decision"]
    done = await office.slack.submit(SENTA, values)
    assert (done.error, done.errors, office.slack.modals(SENTA)) == (None, {}, [])


async def test_cancelling_a_form_opened_from_details_leaves_details_open(office: Office) -> None:
    proposal, card = await office.submit_with_card()
    await office.details(SENTA, card, Verb.COMMENT)
    await office.slack.close(SENTA)
    assert [view.callback_id for view in office.slack.modals(SENTA)] == ["details"]
    assert await office.events(proposal, "human.commented") == []


# Slack does not open it.

TRIGGERS = ["trigger_expired", "trigger_exchanged", "expired_trigger_id", "exchanged_trigger_id", "invalid_trigger_id"]


@pytest.mark.parametrize("error", TRIGGERS)
@pytest.mark.parametrize("action_id", ["approve", "details"])
async def test_an_expired_tap_is_answered_with_a_request_to_tap_again(
    office: Office, action_id: str, error: str
) -> None:
    proposal, card = await office.submit_with_card()
    office.slack.faults.error("views.open", error)
    outcome = await office.click(SENTA, card, action_id)
    assert outcome.ok
    assert "Please try again" in await office.notes(SENTA)
    assert office.slack.modal(SENTA) is None
    assert await office.refusals(proposal) == []
    await office.click(SENTA, card, action_id)
    assert office.slack.modal(SENTA) is not None


@pytest.mark.parametrize("status", [500, 503])
async def test_if_slack_fails_the_clicker_gets_a_private_note(office: Office, status: int) -> None:
    _, card = await office.submit_with_card()
    office.slack.faults.status(status, "views.open")
    assert (await office.click(SENTA, card, "approve")).ok
    assert "Please try again" in await office.notes(SENTA)


async def test_when_slack_takes_too_long_to_open_a_form_the_tap_itself_is_still_answered_in_time(
    office: Office,
) -> None:
    _, card = await office.submit_with_card()
    gate = office.slack.faults.hold("views.open")
    outcome = await office.click(SENTA, card, "approve")
    assert outcome.ok
    assert "Please try again" in await office.notes(SENTA)
    gate.open()


@pytest.mark.parametrize("action_id", ["approve", "details"])
async def test_if_slack_refuses_the_view_nobody_is_asked_to_tap_again_and_the_log_says_why(
    office: Office, action_id: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _, card = await office.submit_with_card()
    office.slack.faults.error("views.open", "view_too_large")
    assert (await office.click(SENTA, card, action_id)).ok
    assert await office.notes(SENTA) == NOT_OPENED
    assert "view_too_large" in "".join(capsys.readouterr())


async def test_a_person_who_may_not_decide_is_told_before_a_form_opens(office: Office) -> None:
    proposal, card = await office.submit_with_card(CRITICAL)
    await office.click(SUSI, card, "approve")
    assert "Open Details first" in await office.refused(SUSI)
    assert len(office.slack.calls_to("views.open")) == 1
    assert await office.refusals(proposal) == [(SUSI, Reason.DETAILS_FIRST.value)]


async def test_a_soft_approval_takes_one_tap_and_no_form(office: Office) -> None:
    proposal, card = await office.submit_with_card(SOFT)
    assert (await office.click(RITA, card, "approve")).ok
    assert office.slack.calls_to("views.open") == []
    assert await office.status(proposal) is Status.APPROVED


# Refusals.


async def test_a_refusal_opens_a_modal_with_the_package_and_who_can_decide(office: Office) -> None:
    proposal, card = await office.submit_with_card()
    await office.click(RITA, card, "approve")
    modal = office.slack.modal(RITA)
    assert modal is not None
    assert modal.title == "Not possible"
    assert "You need the senior reviewer role to decide this. A role that includes it will do." in modal.shown
    assert ("Read the record" in modal.shown, "Ask one of:" in modal.shown) == (True, True)
    assert {SENTA, SUSI} <= set(re.findall(r"U[A-Z]+", json.dumps(modal.blocks)))
    assert office.slack.private_notes(RITA) == []
    assert await office.refusals(proposal) == [(RITA, Reason.WRONG_ROLE.value)]


@pytest.mark.parametrize("error", [*TRIGGERS, "view_too_large"])
async def test_a_refusal_that_cannot_open_is_a_private_note(office: Office, error: str) -> None:
    proposal, card = await office.submit_with_card(SOFT)
    office.slack.faults.error("views.open", error)
    assert (await office.click(NOBODY, card, "approve")).ok
    note = await office.notes(NOBODY)
    assert ("role to decide this" in note, "Read the record" in note) == (True, True)
    assert await office.refusals(proposal) == [(NOBODY, Reason.WRONG_ROLE.value)]
    assert (await office.state(proposal)).soft  # a refused click is no lost objection
