"""Every kind of package is decided on its card, with wording that fits the kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from playground.client.delivery import AppRequest
from rules.reasons import Reason
from rules.state.commands import Verb
from rules.state.model import Status
from tests.bot.slack.office import HARD, SENTA, Office

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

_NO_CALL = {name: value for name, value in HARD.items() if name != "action_parameters"}
MEMORY = {"proposed_memory": "They pay late.", "source_refs": ["mail 7"], "sensitivity": "low", "retention": "90d"}
EXCEPTION = {
    "policy_id": "P-7",
    "requested_exception": "Pay without a second signature.",
    "justification": "The second signer is away.",
    "expires_at": "2026-12-01T00:00:00Z",
}
QUESTION = {**_NO_CALL, "kind": "question", "title": "Which colour?", "proposed_action": "Blue or green?"}
KINDS = [
    pytest.param({**HARD, "kind": "action"}, " asks, for Rose", id="action"),
    pytest.param({**HARD, "kind": "tool_call"}, " asks, for Rose", id="tool_call"),
    pytest.param({**_NO_CALL, "kind": "output"}, "approve this output", id="output"),
    pytest.param({**_NO_CALL, "kind": "plan"}, "approve this plan", id="plan"),
    pytest.param({**HARD, "kind": "memory", "action_parameters": MEMORY}, "approve this memory", id="memory"),
    pytest.param(
        {**HARD, "kind": "policy_exception", "action_parameters": EXCEPTION},
        "approve this exception to a policy",
        id="policy_exception",
    ),
]


@pytest.mark.parametrize(("package", "asked"), KINDS)
async def test_each_kind_has_its_own_wording_and_is_approved(
    office: Office, package: Mapping[str, Any], asked: str
) -> None:
    proposal, card = await office.submit_with_card(package)
    assert asked in card.shown
    await office.approve(SENTA, card)
    read = (await office.read(proposal)).body
    assert (read["status"], read["may_proceed"]) == ("approved", True)
    assert read["decision"]["action_parameters"] == package.get("action_parameters")
    assert (await office.claim(proposal)).status == 200


@pytest.mark.parametrize(("package", "asked"), KINDS)
async def test_each_kind_can_be_rejected(office: Office, package: Mapping[str, Any], asked: str) -> None:
    proposal, card = await office.submit_with_card(package)
    await office.give(SENTA, card, Verb.REJECT, {"comment": f"I do not {asked}."})
    read = (await office.read(proposal)).body
    assert (read["status"], read["decision"]["comment"]) == ("rejected", f"I do not {asked}.")


async def test_a_question_is_answered_and_the_answer_permits_no_action(office: Office) -> None:
    proposal, card = await office.submit_with_card(QUESTION)
    assert ("Answer" in card.labels, "Approve" in card.labels, "Override" in card.labels) == (True, False, False)
    await office.give(SENTA, card, Verb.ANSWER, {"answer": "The blue one."})
    read = (await office.read(proposal)).body
    assert (read["status"], read["may_proceed"]) == ("approved", False)
    assert (read["decision"]["decision"], read["decision"]["answer"]) == ("answer", "The blue one.")
    assert (await office.claim(proposal)).status == 409
    card = await office.card(proposal)
    assert ("answered" in card.shown, "The blue one." in card.shown) == (True, True)


async def test_a_question_is_not_approved_by_a_button_that_it_does_not_have(office: Office) -> None:
    proposal, card = await office.submit_with_card(QUESTION)
    (ref,) = (element.data["value"] for element in card.elements if element.action_id == "details")
    client = office.slack.client
    action = {"action_id": "approve", "block_id": "b", "type": "button", "value": ref, "action_ts": "1.0"}
    payload = client.payloads.on_message(client.person(SENTA), card, action, {})
    assert (await client.delivery.send(AppRequest("interactive", payload))).status == 200
    assert "This is a question" in await office.refused(SENTA)
    assert await office.refusals(proposal) == [(SENTA, Reason.A_QUESTION)]
    assert await office.status(proposal) is Status.PENDING
