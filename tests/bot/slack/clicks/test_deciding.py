"""A reviewer decides on the card: each button over the real route, and its result."""

from __future__ import annotations

from rules.state.model import Status
from tests.bot.slack.office import RITA, SENTA, Office


async def test_a_package_is_posted_as_a_card_with_the_question(office: Office) -> None:
    proposal, card = await office.submit_with_card()
    assert card.blocks[0]["text"]["text"] == "🔴 Read the record · high risk"
    assert "Details" in card.labels
    assert [label for label in card.labels if label in ("Approve", "Reject", "Revise", "Escalate")] == [
        "Approve",
        "Reject",
        "Revise",
        "Escalate",
    ]
    assert (await office.state(proposal)).shown is not None


async def test_a_grave_approval_asks_for_a_comment_and_a_confirmation_and_then_counts(office: Office) -> None:
    proposal, card = await office.submit_with_card()
    outcome = await office.click(SENTA, card, "approve")
    assert outcome.status == 200
    modal = office.slack.modal(SENTA)
    assert modal is not None
    digest = (await office.state(proposal)).action_digest
    submitted = await office.slack.submit(SENTA, {"comment": "Checked.", "confirmed": [digest]})
    assert (submitted.errors, office.slack.modal(SENTA)) == ({}, None)
    assert await office.status(proposal) is Status.APPROVED
    card = await office.card(proposal)
    assert "Approve" not in card.labels
    assert "Senta" in card.shown
    read = await office.read(proposal)
    assert read.body["may_proceed"]
    assert read.body["decision"]["comment"] == "Checked."


async def test_a_reviewer_without_the_role_sees_a_refusal_that_is_recorded(office: Office) -> None:
    proposal, card = await office.submit_with_card()
    await office.click(RITA, card, "approve")
    assert "role to decide this" in await office.refused(RITA)
    assert office.slack.modal(RITA) is None
    assert await office.status(proposal) is Status.PENDING
