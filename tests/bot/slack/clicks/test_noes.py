"""A rejection in Slack applies to the agent's next proposals, and their cards name the reviewer who rejected."""

from __future__ import annotations

import pytest

from rules.state.commands import Verb
from rules.state.model import Status
from tests.bot.slack.office import RITA, ROSS, SOFT, Office

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

AGAIN = SOFT | {"action_parameters": {"record": "42", "nonce": 2}}


async def test_a_rejected_action_with_another_nonce_waits_for_an_explicit_approval(office: Office) -> None:
    before, card = await office.submit_with_card(SOFT)
    await office.give(ROSS, card, Verb.REJECT, {"comment": "Not this one."})
    proposal, again = await office.submit_with_card(AGAIN)
    assert (proposal.body["level"], proposal.body["why"][0]["rule"]) == ("hard_approval", "earlier-no")
    assert "Ross rejected record.read" in again.shown
    assert "someone said no before" in again.shown
    assert before.id in (await office.details(RITA, again)).shown


async def test_an_objection_holds_after_the_agent_has_withdrawn(office: Office) -> None:
    before, card = await office.submit_with_card(SOFT)
    await office.click(ROSS, card, "object")
    assert (await office.post(f"/v1/packages/{before.id}/cancel", {"reason": "Never mind."})).status == 200
    proposal, again = await office.submit_with_card(AGAIN)
    assert proposal.body["level"] == "hard_approval"
    assert "Ross objected to record.read" in again.shown


async def test_refusing_the_same_action_names_the_earlier_package(office: Office) -> None:
    before, card = await office.submit_with_card(SOFT)
    await office.give(ROSS, card, Verb.REJECT, {"comment": "Not this one."})
    refused = await office.submit(SOFT)
    assert refused.problem == (409, "already-rejected")
    assert refused.body["errors"] == [{"field": "material_change", "message": f"say what changed since {before.id}"}]


async def test_silence_does_not_approve_an_action_rejected_on_another_card(office: Office) -> None:
    twin, _ = await office.submit_with_card(SOFT)
    _, card = await office.submit_with_card(SOFT)
    await office.give(ROSS, card, Verb.REJECT, {"comment": "Not this one."})
    await office.passes((await office.state(twin)).terms.soft_timeout * 2)
    assert await office.status(twin) is Status.PENDING
    assert "Ross rejected record.read" in (await office.card(twin)).shown


async def test_silence_does_not_approve_the_same_action_proposed_before_the_rejection(office: Office) -> None:
    like, _ = await office.submit_with_card({**SOFT, "subject_id": "another"})
    _, card = await office.submit_with_card({**SOFT, "subject_id": "one"})
    await office.give(ROSS, card, Verb.REJECT, {"comment": "Not this one."})
    await office.passes((await office.state(like)).terms.soft_timeout * 2)
    assert await office.status(like) is Status.PENDING


@pytest.mark.parametrize("verb", ["reject", "object"])
async def test_silence_never_approves_an_action_that_was_rejected_before(office: Office, verb: str) -> None:
    _, card = await office.submit_with_card(SOFT)
    await office.give(ROSS, card, Verb(verb), {"comment": "No."} if verb == "reject" else None)
    proposal, _ = await office.submit_with_card(AGAIN)
    await office.passes((await office.state(proposal)).terms.soft_timeout * 2)
    assert await office.status(proposal) is Status.PENDING
