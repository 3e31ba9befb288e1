"""After a failure: who is told, and what they can press."""

from __future__ import annotations

from pathlib import Path

import pytest

from playground.model.messages import Message
from playground.model.refusals import NotPossibleError
from rules.reasons import Reason
from rules.state.commands import Verb
from tests.bot.service import Response
from tests.bot.slack.forms import before
from tests.bot.slack.office import CONFIRMED, HARD, OWEN, POLICY, ROSE, SENTA, SVEN, Office, open_office
from tests.rules.world import HOUR

BUTTONS = ["Allow a retry", "Ask for rollback", "Close"]


async def carried_out(office: Office, outcome: str | None) -> tuple[Response, Message]:
    """An approved action with this outcome, and its card. None: no outcome in time."""
    proposal, card = await office.submit_with_card()
    await office.approve(SENTA, card)
    await office.claim(proposal, "clm_1")
    if outcome is None:
        await office.passes(2 * HOUR)
    else:
        await office.report(proposal, outcome, "clm_1", detail="The table is locked.")
    return proposal, await office.card(proposal)


def last_note(office: Office, card: Message) -> Message:
    return office.thread(card)[-1]


async def recovery(office: Office, proposal: Response) -> str | None:
    document: dict[str, str] | None = (await office.read(proposal)).body["recovery"]
    return document["decision"] if document else None


@pytest.mark.parametrize(
    ("outcome", "sentence"),
    [("failed", "Approved, but it failed"), ("rolled_back", "then rolled back"), (None, "It may have happened")],
)
async def test_a_failure_is_told_to_who_approved_and_to_the_owner(
    office: Office, outcome: str | None, sentence: str
) -> None:
    _, card = await carried_out(office, outcome)
    note = last_note(office, card)
    assert sentence in note.shown
    assert note.mentioned == {SENTA, OWEN}
    assert [label for label in note.labels if label in BUTTONS] == [
        button for button in BUTTONS if outcome != "rolled_back" or button != "Ask for rollback"
    ]


async def test_the_agents_words_about_a_failure_are_framed_and_the_card_has_the_answers(office: Office) -> None:
    _, card = await carried_out(office, "failed")
    note = last_note(office, card).shown
    assert ("The table is locked." in note, "reports that this failed" in note) == (True, False)
    assert "The table is locked." in card.shown
    assert [label for label in card.labels if label in BUTTONS] == BUTTONS


async def test_a_success_updates_the_card_and_is_not_said_by_default(office: Office) -> None:
    _, card = await carried_out(office, "succeeded")
    assert "carried out" in card.shown
    assert [note.shown for note in office.thread(card) if "reports that this was carried out" in note.shown] == []
    assert not set(card.labels) & set(BUTTONS)


async def test_the_policy_can_ask_for_a_note_about_each_success(database_url: str, tmp_path: Path) -> None:
    async with open_office(database_url, tmp_path, f"{POLICY}\n[outcomes]\nsay_success = true\n") as office:
        _, card = await carried_out(office, "succeeded")
        note = last_note(office, card)
        assert "Clerk reports that this was carried out." in note.shown
        assert note.mentioned == frozenset()


async def test_a_retry_is_allowed_in_the_form_that_shows_the_action(office: Office) -> None:
    proposal, card = await carried_out(office, "failed")
    await office.click(SVEN, card, "allow_retry")
    assert "42" in before(office, SVEN).shown
    await office.slack.submit(SVEN, {"comment": "It is free now.", "confirmed": [CONFIRMED]})
    assert await recovery(office, proposal) == "retry"
    settled = await office.card(proposal)
    assert "Sven" in last_note(office, settled).shown
    assert "Sven allowed Clerk to try once more." in settled.shown
    assert "Allow a retry" not in settled.labels


async def test_the_buttons_of_the_note_work_and_do_not_count_as_a_second_card(office: Office) -> None:
    proposal, card = await carried_out(office, "failed")
    note = last_note(office, card)
    await office.click(OWEN, note, "ask_rollback")
    await office.slack.submit(OWEN, {"comment": "Restore the backup."})
    assert await recovery(office, proposal) == "rollback"
    assert [private.shown for private in office.slack.private_notes(OWEN)] == []
    assert (await office.card(proposal)).ts == card.ts


def failure_note(office: Office, card: Message) -> Message:
    """The first note that asked what to do."""
    return next(note for note in office.thread(card) if "reports that this failed" in note.text)


@pytest.mark.parametrize(
    ("verb", "decided"),
    [
        (Verb.ALLOW_RETRY, "Senta allowed Clerk to try once more."),
        (Verb.ASK_ROLLBACK, "Senta asked Clerk to undo it."),
        (Verb.CLOSE, "Senta closed it: it stays as it is."),
    ],
)
async def test_an_answered_failure_note_loses_its_buttons_and_says_what_was_decided(
    office: Office, verb: Verb, decided: str
) -> None:
    proposal, card = await carried_out(office, "failed")
    tick = {"confirmed": [CONFIRMED]} if verb is Verb.ALLOW_RETRY else {}
    await office.give(SENTA, card, verb, {"comment": "Go on.", **tick})
    settled = await office.card(proposal)
    note = failure_note(office, settled)
    assert note.labels == []
    assert decided in note.shown
    assert "Clerk reports that this failed." in note.shown


async def test_one_vote_for_a_retry_is_no_answer_so_the_note_keeps_its_buttons(
    database_url: str, tmp_path: Path
) -> None:
    two = POLICY.replace("[tiers.high]", "[tiers.high]\nquorum = 2", 1)
    async with open_office(database_url, tmp_path, two) as office:
        proposal, card = await office.submit_with_card()
        await office.approve(SENTA, card)
        await office.approve(SVEN, await office.card(proposal))
        await office.claim(proposal, "clm_1")
        await office.report(proposal, "failed", "clm_1", detail="The table is locked.")
        values = {"comment": "It is free now.", "confirmed": [CONFIRMED]}
        await office.give(SENTA, await office.card(proposal), Verb.ALLOW_RETRY, values)
        assert failure_note(office, await office.card(proposal)).labels == BUTTONS
        await office.give(SVEN, await office.card(proposal), Verb.ALLOW_RETRY, values)
        assert failure_note(office, await office.card(proposal)).labels == []


async def test_after_a_failed_retry_only_the_new_note_asks(office: Office) -> None:
    proposal, card = await carried_out(office, "failed")
    values = {"comment": "It is free now.", "confirmed": [CONFIRMED]}
    await office.give(SENTA, card, Verb.ALLOW_RETRY, values)
    await office.claim(proposal, "clm_2")
    await office.report(proposal, "failed", "clm_2", detail="The disk is full.")
    settled = await office.card(proposal)
    assert failure_note(office, settled).labels == []
    assert "Senta allowed Clerk to try once more." in failure_note(office, settled).shown
    assert ("The disk is full." in last_note(office, settled).shown, last_note(office, settled).labels) == (
        True,
        BUTTONS,
    )


async def test_a_later_report_of_the_agent_answers_the_note(office: Office) -> None:
    proposal, _ = await carried_out(office, None)
    await office.report(proposal, "succeeded", "clm_1")
    (note,) = [note for note in office.thread(await office.card(proposal)) if "It may have happened" in note.shown]
    assert note.labels == []
    assert "Clerk reported another outcome later: succeeded." in note.shown


async def test_if_the_note_was_deleted_the_card_is_still_delivered(office: Office) -> None:
    proposal, card = await carried_out(office, "failed")
    office.slack.delete(failure_note(office, card))
    await office.give(SENTA, card, Verb.CLOSE, {"comment": "No longer needed."})
    settled = await office.card(proposal)
    assert "Senta closed it" in settled.shown
    assert "No longer needed." in last_note(office, settled).shown


async def test_after_an_unknown_outcome_the_form_asks_for_a_tick_and_a_sentence(office: Office) -> None:
    proposal, card = await carried_out(office, None)
    await office.click(SVEN, card, "allow_retry")
    assert "Nobody knows whether the action happened." in before(office, SVEN).shown
    with pytest.raises(NotPossibleError, match="'confirmed' must be filled in"):
        await office.slack.submit(SVEN, {"comment": "The log shows no call."})
    tick = {"confirmed": ["The action may have happened already"]}
    await office.slack.submit(SVEN, {"comment": "The log shows no call.", **tick})
    assert await recovery(office, proposal) == "retry"


async def test_the_requester_cannot_allow_a_retry_and_may_close(office: Office) -> None:
    proposal, card = await carried_out(office, "failed")
    await office.click(ROSE, card, "allow_retry")
    assert await recovery(office, proposal) is None
    assert (ROSE, Reason.IS_REQUESTER) in await office.refusals(proposal)
    await office.slack.close(ROSE)
    await office.give(ROSE, card, Verb.CLOSE, {"comment": "No longer needed."})
    assert await recovery(office, proposal) == "abandon"


async def test_who_answers_second_is_told_what_was_decided(office: Office) -> None:
    proposal, card = await carried_out(office, "failed")
    await office.click(SVEN, card, "allow_retry")
    await office.give(SENTA, card, Verb.CLOSE, {"comment": "Leave it."})
    await office.slack.submit(SVEN, {"comment": "Again.", "confirmed": [CONFIRMED]})
    assert "already decided this: abandon" in before(office, SVEN).shown
    assert await recovery(office, proposal) == "abandon"


async def test_a_package_about_a_failure_has_the_answers_instead_of_approve(office: Office) -> None:
    proposal, card = await office.submit_with_card(HARD | {"interrupt_type": "error_recovery"})
    assert [label for label in card.labels if label in (*BUTTONS, "Approve")] == BUTTONS
    await office.click(SENTA, card, "allow_retry")
    await office.slack.submit(SENTA, {"comment": "Try again.", "confirmed": [CONFIRMED]})
    assert (await office.read(proposal)).body["may_proceed"] is True
