"""Messages in Slack: a comment says who reads it, and the agent's answer is a note in the card's thread."""

from __future__ import annotations

import pytest

from rules.state.commands import Verb
from tests.bot.service import Response
from tests.bot.slack.forms import before, press_unoffered, submit_forged
from tests.bot.slack.office import NOBODY, RITA, SENTA, SOFT, Office
from tests.rules.world import MINUTE

REVIEWERS_ONLY = "Reviewers only"


async def say(office: Office, proposal: Response, text: str) -> Response:
    sent = await office.post(f"/v1/packages/{proposal.id}/messages", {"text": text})
    assert sent.status == 201, sent
    return sent


async def notes(office: Office, proposal: Response) -> list[str]:
    return [note.shown for note in office.thread(await office.card(proposal))]


async def texts(office: Office, proposal: Response) -> list[str]:
    return [message["text"] for message in (await office.read(proposal)).body["messages"]]


async def test_a_comment_reaches_the_agent_by_default_and_its_note_says_so(office: Office) -> None:
    proposal, card = await office.submit_with_card()
    await office.give(SENTA, card, Verb.COMMENT, {"comment": "Which order is it?"})
    assert await texts(office, proposal) == ["Which order is it?"]
    [note] = await notes(office, proposal)
    assert "Senta writes to Clerk" in note
    assert "Which order is it?" in note


async def test_a_comment_for_reviewers_only_stays_with_them(office: Office) -> None:
    proposal, card = await office.submit_with_card()
    await office.give(SENTA, card, Verb.COMMENT, {"comment": "I know her.", "audience": REVIEWERS_ONLY})
    assert await texts(office, proposal) == []
    assert await notes(office, proposal) == []
    assert "I know her." in (await office.card(proposal)).shown


async def test_a_form_of_an_earlier_release_did_not_ask_who_reads_it(office: Office) -> None:
    """A form that was open during the upgrade comes back without the choice: its writer was promised no agent."""
    proposal, card = await office.submit_with_card()
    await office.details(SENTA, card, Verb.COMMENT)
    blocks = [block for block in before(office).blocks if block.get("block_id") != "audience"]
    values = {"comment": {"comment": {"type": "plain_text_input", "value": "I know her."}}}
    answer = await submit_forged(office, blocks=blocks, state={"values": values})
    assert (answer.status, answer.body) == (200, {"response_action": "clear"})
    assert await texts(office, proposal) == []
    assert len(await office.events(proposal, "human.commented")) == 1


async def test_the_form_names_the_agent_that_reads_it(office: Office) -> None:
    _, card = await office.submit_with_card()
    view = await office.details(SENTA, card, Verb.COMMENT)
    assert "Who reads it" in view.shown
    assert "Clerk gets these words as they are." in view.shown
    assert "Silence still counts" not in view.shown


async def test_a_comment_on_a_soft_package_says_that_silence_still_counts(office: Office) -> None:
    proposal, card = await office.submit_with_card(SOFT)
    view = await office.details(RITA, card, Verb.COMMENT)
    assert "Silence still counts: use Object to stop that." in view.shown
    await office.slack.submit(RITA, {"comment": "Which order is it?"})
    assert (await office.state(proposal)).soft


async def test_an_agents_message_is_a_note_in_the_thread_and_a_passage_in_details(office: Office) -> None:
    proposal, card = await office.submit_with_card()
    await say(office, proposal, "It is order 456.")
    [note] = await notes(office, proposal)
    assert "Clerk writes:" in note
    assert "It is order 456." in note
    view = await office.details(SENTA, card)
    assert "Messages" in view.shown
    assert "It is order 456." in view.shown


async def test_an_agents_message_after_the_decision_says_so(office: Office) -> None:
    proposal, card = await office.submit_with_card()
    await office.approve(SENTA, card)
    office.clock.passes(MINUTE)
    await say(office, proposal, "Thank you.")
    assert "Clerk writes after the decision:" in (await notes(office, proposal))[-1]


async def test_each_message_is_told_once(office: Office) -> None:
    proposal, _ = await office.submit_with_card()
    await say(office, proposal, "One.")
    assert len(await notes(office, proposal)) == 1
    await say(office, proposal, "Two.")
    first, second = await notes(office, proposal)
    assert ("One." in first, "One." in second, "Two." in second) == (True, False, True)


async def test_who_may_not_comment_cannot_write_to_the_agent(office: Office) -> None:
    proposal, card = await office.submit_with_card()
    view = await press_unoffered(office, NOBODY, card, Verb.COMMENT)
    assert "role to decide this" in view.shown
    assert await texts(office, proposal) == []


@pytest.mark.parametrize("reader", ["everyone", "", "AGENT"])
async def test_a_form_with_an_unknown_reader_sends_nothing(office: Office, reader: str) -> None:
    proposal, card = await office.submit_with_card()
    await office.details(SENTA, card, Verb.COMMENT)
    choice = {"type": "radio_buttons", "selected_option": {"value": reader}}
    values = {"comment": {"comment": {"type": "plain_text_input", "value": "Hello."}}, "audience": {"audience": choice}}
    answer = await submit_forged(office, state={"values": values})
    assert list(answer.body["errors"]) == ["audience"]
    assert await texts(office, proposal) == []
