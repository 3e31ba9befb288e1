"""Home, `/reviews` and Details decide too: by the same rules as the card, and each offers what its reader may do."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from playground.model.messages import Message
from playground.model.views import View
from rules.state.commands import Verb
from rules.state.model import Status
from store.outbox.renderings import RENDERINGS
from tests.bot.service import Response
from tests.bot.slack.clicks.test_kinds import QUESTION
from tests.bot.slack.forms import APPROVED, before, press_forged, submit_forged
from tests.bot.slack.home.test_home import at_home, home
from tests.bot.slack.office import (
    ADAM,
    CRITICAL,
    HARD,
    NOBODY,
    RITA,
    ROSE,
    SENIORS_FOR_ALL,
    SENTA,
    SOFT,
    SUSI,
    Office,
    open_office,
)

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

PARAMETER = 'record: "42"'


async def forms_shown_to_voters(office: Office, proposal: Response) -> list[str]:
    """What the forms showed on which the votes rest."""
    votes = (await office.state(proposal)).votes
    ids = [rendering for vote in votes for rendering in vote.rendering_ids]
    query = RENDERINGS.select().where(RENDERINGS.c.rendering_id.in_(ids))
    rows = await office.world.read(lambda connection: connection.execute(query).all())
    return [row.body for row in rows]


# Deciding in each place.


async def test_a_row_at_home_approves_through_a_form_that_the_vote_records(office: Office) -> None:
    """On the card, one press is enough for this package. A row shows no parameters."""
    proposal, _ = await office.submit_with_card(SOFT)
    assert PARAMETER not in (await home(office, RITA)).shown
    await office.slack.click_home(RITA, "approve")
    assert PARAMETER in before(office, RITA).shown
    assert await office.status(proposal) is Status.PENDING
    await office.slack.submit(RITA)
    await office.finish_background()
    assert await office.status(proposal) is Status.APPROVED
    (shown,) = await forms_shown_to_voters(office, proposal)
    assert json.dumps(PARAMETER)[1:-1] in shown
    assert "You approved this" in at_home(office, RITA).shown
    assert "Approve" not in at_home(office, RITA).labels


async def test_an_answer_to_reviews_answers_a_question(office: Office) -> None:
    proposal, _ = await office.submit_with_card(QUESTION)
    await office.click(SENTA, await office.reviews(SENTA), "answer")
    await office.slack.submit(SENTA, {"answer": "The blue one."})
    state = await office.state(proposal)
    assert (state.status, state.decision is not None and len(state.decision.rendering_ids)) == (Status.APPROVED, 1)


async def test_a_package_can_be_rejected_from_the_queue(office: Office) -> None:
    proposal, _ = await office.submit_with_card(HARD)
    await office.click(SENTA, await office.reviews(SENTA, "queue"), "reject")
    await office.slack.submit(SENTA, {"comment": "The wrong record."})
    assert await office.status(proposal) is Status.REJECTED


async def test_a_grave_approval_from_the_queue_needs_its_confirmation(office: Office) -> None:
    proposal, _ = await office.submit_with_card(HARD)
    await office.click(SENTA, await office.reviews(SENTA, "queue"), "approve")
    assert "The agent may then do exactly this" in before(office).shown
    await office.slack.submit(SENTA, APPROVED)
    assert await office.status(proposal) is Status.APPROVED
    assert len(await forms_shown_to_voters(office, proposal)) == 1


async def test_a_package_can_be_escalated_from_details(office: Office) -> None:
    proposal, card = await office.submit_with_card(SOFT)
    await office.details(RITA, card, Verb.ESCALATE)
    await office.slack.submit(RITA, {"comment": "Too big for me."})
    assert (await office.state(proposal)).task.required_role == "senior_reviewer"


async def test_details_approve_through_a_form_although_the_card_shows_everything(office: Office) -> None:
    proposal, card = await office.submit_with_card(SOFT)
    await office.details(RITA, card, Verb.APPROVE)
    assert await office.status(proposal) is Status.PENDING
    await office.slack.submit(RITA)
    assert await office.status(proposal) is Status.APPROVED
    assert len(await forms_shown_to_voters(office, proposal)) == 1


async def test_the_menu_of_details_and_of_rows_holds_the_rarer_verbs(office: Office) -> None:
    proposal, card = await office.submit_with_card(SOFT)
    await office.details(RITA, card)
    await office.slack.click_modal(RITA, "more", option="Override")
    assert before(office, RITA).title == "Override"
    await office.slack.close(RITA, everything=True)
    await home(office, RITA)
    await office.slack.click_home(RITA, "more", option="Revise")
    await office.slack.submit(RITA, {"instructions": "Only the first page."})
    assert await office.status(proposal) is Status.REVISION_REQUESTED


async def test_an_objection_in_a_list_is_confirmed_privately(office: Office) -> None:
    """The list stays as it is, so nothing else would tell the person that the click counted."""
    proposal, _ = await office.submit_with_card(SOFT)
    await office.click(RITA, await office.reviews(RITA), "object")
    assert "Silence no longer counts" in await office.notes(RITA, 2)
    assert (await office.state(proposal)).soft is False


async def test_the_same_press_in_a_list_counts_again_after_the_package_came_back(office: Office) -> None:
    """A row has no rendering that would tell the two presses apart."""
    proposal, _ = await office.submit_with_card(SOFT)
    for _ in range(2):
        await home(office, RITA)
        await office.slack.click_home(RITA, "more", block_id=_menu(at_home(office, RITA)), option="Defer")
        until = int((office.clock() + timedelta(hours=1)).timestamp())
        await office.slack.submit(RITA, {"until": until, "comment": "After lunch."})
        assert await office.status(proposal) is Status.DEFERRED
        await home(office, RITA)
        await office.slack.click_home(RITA, "wake", block_id=_block(at_home(office, RITA), "wake"))
        await office.finish_background()
        assert await office.status(proposal) is Status.PENDING


def _menu(view: View) -> str:
    """The menu of the first row."""
    return _block(view, "more")


def _block(view: View, action_id: str) -> str:
    return next(element.block_id for element in view.elements if element.action_id == action_id)


async def test_show_offers_what_the_reader_may_do(office: Office) -> None:
    proposal, card = await office.submit_with_card(HARD)
    shown = await office.reviews(ADAM, f"show {proposal.id}")
    assert "Approve" in card.labels
    assert {"Approve", "Reject"}.isdisjoint(shown.labels)
    assert "You need the senior reviewer role to decide this." in shown.shown


# Who is offered what.


@pytest.mark.parametrize(
    ("user", "sentence"),
    [
        pytest.param(ADAM, "You need the senior reviewer role to decide this.", id="an admin without the role"),
        pytest.param(ROSE, "You asked for this, so someone else must approve it.", id="the requester"),
    ],
)
async def test_a_row_says_what_the_reader_lacks_and_a_forged_press_is_refused(
    office: Office, user: str, sentence: str
) -> None:
    proposal, _ = await office.submit_with_card(HARD)
    listed = await office.reviews(user, "queue")
    assert sentence in listed.shown
    assert "Approve" not in listed.labels
    await home(office, user)
    await press_forged(office, user, at_home(office, user), "approve", f"{proposal.id} 1 0 -")
    assert "approve" not in (before(office, user).definition.get("private_metadata") or "")
    assert await office.status(proposal) is Status.PENDING
    assert [actor for actor, _ in await office.refusals(proposal)] == [user]


async def test_a_forged_answer_outside_a_card_opens_the_form(office: Office) -> None:
    proposal, _ = await office.submit_with_card(QUESTION | {"answers": ["Blue", "Green"]})
    await home(office, SENTA)
    await press_forged(office, SENTA, at_home(office, SENTA), "answer_1", f"{proposal.id} 1 0 -")
    assert before(office, SENTA).title == "Answer"
    assert await office.status(proposal) is Status.PENDING


async def test_the_requester_may_reject_in_the_queue(office: Office) -> None:
    proposal, _ = await office.submit_with_card(HARD)
    await office.click(ROSE, await office.reviews(ROSE, "queue"), "reject")
    await office.slack.submit(ROSE, {"comment": "I no longer need it."})
    assert await office.status(proposal) is Status.REJECTED


async def test_a_row_approval_whose_form_was_never_opened_is_refused(office: Office) -> None:
    """A submission is signed by Slack, but what a view returns proves nothing by itself."""
    proposal, _ = await office.submit_with_card(SOFT)
    await home(office, RITA)
    await office.slack.click_home(RITA, "reject")
    typed = {"values": {"comment": {"comment": {"type": "plain_text_input", "value": "Fine."}}}}
    answer = await submit_forged(office, RITA, private_metadata=f"approve {proposal.id} 1 0 -", state=typed)
    assert "go through all steps" in json.dumps(answer.body)
    assert await office.status(proposal) is Status.PENDING


@pytest.mark.parametrize("rendering", ["rnd_" + 32 * "0", "of version 1"])
async def test_a_rendering_that_was_not_shown_proves_nothing(office: Office, rendering: str) -> None:
    proposal, card = await office.submit_with_card(SOFT)
    shown = (await office.state(proposal)).shown
    assert shown is not None
    await office.version(proposal, {**SOFT, "action_parameters": {"record": "43"}})
    await home(office, RITA)
    await office.slack.click_home(RITA, "reject")
    typed = {"values": {"comment": {"comment": {"type": "plain_text_input", "value": "Fine."}}}}
    (details,) = [element for element in card.elements if element.action_id == "details"]
    named = details.data["value"].rpartition(" ")[2] if rendering == "of version 1" else rendering
    answer = await submit_forged(office, RITA, private_metadata=f"approve {proposal.id} 2 0 {named}", state=typed)
    assert "go through all steps" in json.dumps(answer.body)
    assert await office.status(proposal) is Status.PENDING


async def test_a_member_without_a_role_reads_details_that_offer_nothing_but_say_why(office: Office) -> None:
    _, card = await office.submit_with_card(HARD)
    view = await office.details(NOBODY, card)
    assert "You need the senior reviewer role to decide this." in view.shown
    assert [label for label in view.labels if not label.startswith("Page")] == []


async def test_someone_who_has_voted_is_told_that_another_person_is_needed(database_url: str, tmp_path: Path) -> None:
    async with open_office(database_url, tmp_path, SENIORS_FOR_ALL) as office:
        _, card = await office.submit_with_card(CRITICAL)
        await office.read_first(card, SUSI)
        await office.approve(SUSI, card)
        view = await office.details(SUSI, card)
        assert "Your decision already counts. Someone else must decide now." in view.shown
        assert "Approve" not in view.labels


async def test_home_asks_to_open_details_first_and_then_offers_approve(database_url: str, tmp_path: Path) -> None:
    async with open_office(database_url, tmp_path, SENIORS_FOR_ALL) as office:
        proposal, _ = await office.submit_with_card(CRITICAL)
        unread = await home(office, SUSI)
        assert "Open Details first" in unread.shown
        assert "Approve" not in unread.labels
        await office.slack.click_home(SUSI, "details")
        assert "Approve" in before(office, SUSI).labels
        await office.finish_background()
        await office.slack.close(SUSI)
        assert "Approve" in at_home(office, SUSI).labels
        await office.slack.click_home(SUSI, "approve")
        await office.slack.submit(SUSI, APPROVED)
        assert [vote.reviewer_id for vote in (await office.state(proposal)).votes] == [SUSI]


async def test_someone_elses_claim_takes_nothing_but_claim_away(office: Office) -> None:
    _, card = await office.submit_with_card(SOFT)
    await office.details(RITA, card)
    await office.slack.click_modal(RITA, "claim_task")
    labels = (await office.details("UROSS", card)).labels
    assert ("Claim" in labels, "Approve" in labels) == (False, True)


# The link to the card.


def links(shown: View | Message) -> list[str]:
    return [element["url"] for element in _objects(shown.blocks) if element.get("type") == "link"]


def _objects(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, dict):
        return [value, *(inner for item in value.values() for inner in _objects(item))]
    return [inner for item in value for inner in _objects(item)] if isinstance(value, list | tuple) else []


async def permalink(office: Office, card: Message) -> str:
    assert office.running.service.slack is not None
    web = office.running.service.slack.client.web
    answer = await web.chat_getPermalink(channel=card.channel, message_ts=card.ts)
    return str(answer["permalink"])


async def test_every_list_and_details_link_to_the_card_as_slack_does(office: Office) -> None:
    proposal, card = await office.submit_with_card(SOFT)
    expected = [await permalink(office, card)]
    assert links(await home(office, RITA)) == expected
    assert links(await office.reviews(RITA)) == expected
    assert links(await office.reviews(RITA, "queue")) == expected
    assert links(await office.reviews(RITA, f"show {proposal.id}")) == expected
    assert links(await office.details(RITA, card)) == expected


async def test_there_is_no_link_before_the_card_is_posted(office: Office) -> None:
    office.slack.faults.error("chat.postMessage", "internal_error", times=100)
    await office.submit(SOFT)
    view = await home(office, RITA)
    assert "Read the record" in view.shown
    assert links(view) == []


async def test_there_is_no_link_for_someone_who_is_not_in_the_channel(office: Office) -> None:
    office.slack.leave("UROSS", "C0REVIEWS")
    await office.submit_with_card(SOFT)
    assert links(await home(office, "UROSS")) == []
    assert len(links(await home(office, RITA))) == 1
