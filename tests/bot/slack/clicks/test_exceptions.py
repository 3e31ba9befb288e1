"""An exception to a rule is approved by two people in Slack, holds, is listed, announced, revoked, and ends."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from playground.model.messages import Message
from rules.people.directory import Actor, ActorKind
from rules.reasons import Reason
from rules.state.commands import Revoke, Verb
from rules.state.model import Status
from tests.bot.slack.office import HARD, OWEN, POLICY, RITA, SENTA, SUSI, SVEN, Office, open_office
from tests.rules.world import DAY, NOW

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

MARKED = (
    POLICY.replace('max_age = "1000d"', 'max_age = "1000d"')
    + """
[rules.cost]
exceptions = true

[autonomy]
start = "full_auto"

[actions.refund_order]
reversibility = "reversible"
"""
)
EXCEPTION: dict[str, Any] = {
    **HARD,
    "kind": "policy_exception",
    "action_type": "policy_exception",
    "title": "Refund without approvals until Monday",
    "risk_level": "low",
    "action_parameters": {
        "policy_id": "refunds",
        "requested_exception": "Refunds over 100 EUR without an approval.",
        "justification": "Hundreds of refunds wait.",
        "rule": "cost",
        "action_types": ["refund_order"],
        "expires_at": (NOW + 3 * DAY).isoformat(),
    },
}
REFUND: dict[str, Any] = {
    **HARD,
    "title": "Refund order 456",
    "action_type": "refund_order",
    "risk_level": "low",
    "cost": {"amount": 400, "currency": "EUR"},
    "action_parameters": {"order": "456"},
}


@pytest.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(database_url, tmp_path, MARKED) as office:
        yield office


def on_one_line(message: Message) -> str:
    return " ".join(message.shown.split())


async def granted(office: Office) -> Any:
    proposal, card = await office.submit_with_card(EXCEPTION)
    await office.approve(SENTA, card)
    await office.approve(SVEN, await office.card(proposal))
    return proposal


async def test_the_card_says_in_words_what_the_exception_would_let_through(office: Office) -> None:
    _, card = await office.submit_with_card(EXCEPTION)
    text = on_one_line(card)
    assert "high risk" in text
    assert "Clerk may do refund_order on any subject without the rule cost (any amount, in any currency)." in text
    assert "All other rules stay." in text
    assert "needs 2 approvals" in text
    assert "an exception to a rule needs the approval of at least two people" in text


async def test_two_people_approve_it_and_then_it_lets_the_agent_go_ahead(office: Office) -> None:
    assert (await office.submit(REFUND)).status == 202
    proposal, card = await office.submit_with_card(EXCEPTION)
    await office.approve(SENTA, card)
    assert await office.status(proposal) is Status.PENDING
    await office.approve(SVEN, await office.card(proposal))
    refund = await office.submit({**REFUND, "action_parameters": {"order": "457"}})
    assert (refund.status, refund.body["decision"]["basis"]) == (201, "exception")
    assert refund.body["decision"]["grant_id"] == proposal.id
    assert (await office.claim(refund)).status == 200
    shown = await office.card(proposal)
    assert "exception approved" in shown.shown
    read = (await office.read(proposal)).body
    assert (read["status"], read["may_proceed"]) == ("approved", False)
    assert "This exception holds until" in read["agent_message"]


async def test_neither_one_reviewer_twice_nor_the_owner_can_complete_it(office: Office) -> None:
    proposal, card = await office.submit_with_card(EXCEPTION)
    await office.approve(SENTA, card)
    await office.click(SENTA, await office.card(proposal), "approve")
    assert "already counts" in await office.refused(SENTA)
    await office.click(OWEN, await office.card(proposal), "approve")
    await office.refused(OWEN)
    assert await office.status(proposal) is Status.PENDING


async def test_a_reviewer_without_authority_for_high_risk_cannot_approve_it(office: Office) -> None:
    proposal, card = await office.submit_with_card(EXCEPTION)
    await office.click(RITA, card, "approve")
    await office.refused(RITA)
    assert [reason for _, reason in await office.refusals(proposal)] == [Reason.WRONG_ROLE]


async def test_it_is_listed_with_its_approvers_and_uses_and_revoked_from_there(office: Office) -> None:
    proposal = await granted(office)
    refund = await office.submit(REFUND)
    listed = await office.reviews(SUSI, "exceptions")
    assert "Clerk may do refund_order on any subject without the rule cost" in on_one_line(listed)
    assert "Approved by Senta and Sven. Used for 1 package." in on_one_line(listed)
    await office.click(SUSI, listed, "revoke")
    await office.slack.submit(SUSI, {"comment": "The backlog is done."})
    assert await office.status(proposal) is Status.REVOKED
    refused = await office.claim(refund)
    assert (refused.status, refused.body["type"].rpartition(":")[2]) == (409, "approval-no-longer-valid")
    assert "The rule applies again" in (await office.card(proposal)).shown
    assert "exception revoked" in (await office.reviews(SUSI, "exceptions")).shown


async def test_a_revocation_at_the_command_line_names_the_operator_and_mentions_nobody(office: Office) -> None:
    proposal = await granted(office)
    command = Revoke(
        command_id="cli:1", decision_package_id=proposal.id, comment="Wrong numbers.", operator="Petra Berg"
    )
    await office.store.execute(command, Actor(kind=ActorKind.AUTO, actor_id="operator"))
    card = await office.card(proposal)
    assert "Petra Berg (operator) revoked this exception. The rule applies again." in on_one_line(card)
    assert "<@operator>" not in str(card.blocks)
    (reviewer,) = (await office.read(proposal)).body["decision"]["reviewers"]
    assert reviewer == {"reviewer_id": "operator", "name": "Petra Berg", "role": "operator"}


async def test_without_any_the_list_says_so(office: Office) -> None:
    assert (await office.reviews(SENTA, "exceptions")).text == "No exception holds, is asked for or ended lately."


async def test_its_end_is_announced_to_those_who_approved_it_and_then_it_ends(office: Office) -> None:
    proposal = await granted(office)
    card = await office.card(proposal)
    await office.passes(2 * DAY)
    (announcement,) = [note for note in office.thread(card) if "This exception ends" in note.shown]
    assert {SENTA, SVEN} <= announcement.notified
    await office.passes(DAY)
    assert any("This exception has ended" in note.shown for note in office.thread(card))
    assert (await office.events(proposal, "exception.ended"))[0]["actor"] == "auto"
    assert (await office.submit(REFUND)).status == 202


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"rule": "confidence"}, "action_parameters.rule"),
        ({"expires_at": (NOW + 31 * DAY).isoformat()}, "action_parameters.expires_at"),
        ({"action_types": []}, "action_parameters.action_types"),
        ({"agents": ["Nobody"]}, "action_parameters.agents"),
        ({"subject": "order 456"}, "action_parameters"),
    ],
)
async def test_what_cannot_be_asked_is_422_with_the_field(office: Office, changed: dict[str, Any], field: str) -> None:
    refused = await office.submit({**EXCEPTION, "action_parameters": EXCEPTION["action_parameters"] | changed})
    assert (refused.status, refused.body["errors"][0]["field"]) == (422, field)


async def test_details_offer_to_revoke_what_holds_and_nothing_to_claim(office: Office) -> None:
    proposal = await granted(office)
    assert (await office.claim(proposal)).status == 409
    card = await office.card(proposal)
    await office.give(SENTA, card, Verb.REVOKE, {"comment": "No longer needed."})
    assert await office.status(proposal) is Status.REVOKED
