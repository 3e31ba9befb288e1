"""Details: opened, paged, recorded as read only if Slack showed them, and acted from."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import update

from playground.client.interactions import Press
from playground.model.messages import Message
from playground.model.views import View
from rules.state.commands import Verb
from rules.state.model import Status
from store.packages.content import CONTENT
from tests.bot.service import HARD, Response
from tests.bot.slack.forms import before
from tests.bot.slack.office import (
    ADAM,
    CHANNEL,
    CRITICAL,
    GUEST,
    NOBODY,
    OWEN,
    RITA,
    SENTA,
    SOFT,
    STRANGER,
    SUSI,
    SVEN,
    Office,
)

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

WORDS = [f"word-{number:04}" for number in range(1_400)]
LONG = HARD | {
    "rationale": " ".join(WORDS[:700]),
    "action_parameters": {word: [word] * 3 for word in WORDS[700:]},
    "side_effect_preview": dict.fromkeys(WORDS[700:], 30 * "x"),
    "metadata": dict.fromkeys(WORDS[700:], 30 * "y"),
    "known_uncertainties": [f"doubt-{number:02} " + 40 * "hm " for number in range(50)],
    "alternatives": [f"way-{number:02} " + 40 * "so " for number in range(50)],
}


async def pages_read(office: Office, proposal: Response) -> list[tuple[str, int]]:
    return [(seen.reviewer_id, seen.page) for seen in (await office.state(proposal)).details]


async def turn(office: Office, page: int, user: str = SENTA) -> View:
    """Turn to the page that a button names."""
    button = next(element for element in before(office, user).elements if element.label == f"Page {page}")
    await office.slack.click_modal(user, "page", block_id=button.block_id)
    return before(office, user)


async def test_details_show_everything_and_opening_them_is_recorded(office: Office) -> None:
    proposal, card = await office.submit_with_card()
    view = await office.details(RITA, card)
    assert (view.callback_id, view.title) == ("details", "Details")
    assert "Read record 42." in view.shown
    assert "The customer asked for it." in view.shown
    assert [event["actor"] for event in await office.events(proposal, "package.details_opened")] == [RITA]
    assert await pages_read(office, proposal) == [(RITA, 1)]


async def test_every_page_can_be_reached_and_is_recorded_as_read(office: Office) -> None:
    proposal, card = await office.submit_with_card(LONG)
    first = await office.details(SENTA, card)
    last = int(first.shown.split("Page 1 of ")[1].split("\n")[0])
    assert last >= 3
    shown = [first.shown, *[(await turn(office, page)).shown for page in range(2, last + 1)]]
    whole = "\n".join(shown)
    assert [word for word in WORDS if word not in whole] == []
    assert [
        number for number in range(50) if f"doubt-{number:02}" not in whole or f"way-{number:02}" not in whole
    ] == []
    assert await pages_read(office, proposal) == [(SENTA, page) for page in range(1, last + 1)]
    assert f"Page {last - 1} of {last}" in (await turn(office, last - 1)).shown
    assert len(await office.events(proposal, "package.details_opened")) == last


async def test_a_page_that_slack_did_not_show_does_not_count_as_read(office: Office) -> None:
    proposal, card = await office.submit_with_card(CRITICAL)
    office.slack.faults.error("views.open", "expired_trigger_id")
    await office.click(SUSI, card, "details")
    await office.notes(SUSI)
    assert await pages_read(office, proposal) == []
    await office.click(SUSI, card, "approve")
    assert "Open Details first" in await office.refused(SUSI)


async def test_a_page_that_slack_could_not_show_does_not_count_as_read_and_the_reader_gets_a_note(
    office: Office,
) -> None:
    proposal, card = await office.submit_with_card(LONG)
    await office.details(SENTA, card)
    office.slack.faults.status(500, "views.update")
    await turn(office, 2)
    assert "did not show" in before(office).shown
    assert await pages_read(office, proposal) == [(SENTA, 1)]


async def test_turning_a_page_on_an_outdated_view_changes_and_records_nothing(office: Office) -> None:
    proposal, card = await office.submit_with_card(LONG)
    old = await office.details(SENTA, card)
    await office.slack.click_modal(SENTA, "claim_task")
    now = before(office)
    button = next(element for element in old.elements if element.label == "Page 2")
    await office.slack.client.click_view(SENTA, old, Press(action_id="page", block_id=button.block_id))
    assert office.slack.modals(SENTA) == [now]
    assert await pages_read(office, proposal) == [(SENTA, 1)]


# Who may read.


async def test_a_member_without_a_role_may_read_but_not_decide(office: Office) -> None:
    proposal, card = await office.submit_with_card()
    assert (await office.details(NOBODY, card)).callback_id == "details"
    await office.slack.close(NOBODY)
    await office.click(NOBODY, card, "approve")
    assert "role to decide this" in await office.refused(NOBODY)
    assert await office.status(proposal) is Status.PENDING


@pytest.mark.parametrize(
    ("user", "told_why"),
    [
        pytest.param(GUEST, "Guests cannot", id="a guest"),
        pytest.param(STRANGER, "belongs to another one", id="a stranger"),
        pytest.param("UNEWCOMER", "does not list", id="someone unknown"),
    ],
)
async def test_details_are_for_the_people_of_this_workspace(office: Office, user: str, told_why: str) -> None:
    proposal, card = await office.submit_with_card()
    office.slack.add_person("UNEWCOMER", name="Newcomer")
    office.slack.join("UNEWCOMER", CHANNEL)
    await office.click(user, card, "details")
    assert told_why in await office.refused(user)
    assert office.slack.modal(user) is None
    assert await pages_read(office, proposal) == []


async def test_a_reader_who_becomes_a_guest_cannot_turn_pages(office: Office) -> None:
    proposal, card = await office.submit_with_card(LONG)
    await office.details(SENTA, card)
    office.slack.change_person(SENTA, guest="multi")
    await office.slack.event(office.slack.person_event(SENTA))
    await turn(office, 2)
    assert "Guests cannot" in before(office).shown
    assert await pages_read(office, proposal) == [(SENTA, 1)]


# Actions in Details.


async def test_a_claim_is_shown_at_once_in_details_and_on_the_card(office: Office) -> None:
    proposal, card = await office.submit_with_card()
    await office.details(SENTA, card)
    await office.slack.click_modal(SENTA, "claim_task")
    assert "Claim" not in before(office).labels
    assert "Taken up" in before(office).shown
    assert (await office.state(proposal)).task.assigned_to == SENTA
    mention = json.dumps((await office.card(proposal)).blocks)
    assert f"<@{SENTA}>" in mention
    assert "subteam" not in mention


async def test_claiming_a_package_taken_by_someone_else_is_refused_on_top_of_details(office: Office) -> None:
    proposal, card = await office.submit_with_card()
    await office.details(SVEN, card)
    await office.details(SENTA, card)
    await office.slack.click_modal(SENTA, "claim_task")
    await office.slack.click_modal(SVEN, "claim_task")
    assert [view.callback_id for view in office.slack.modals(SVEN)] == ["details", "decision"]
    assert "has taken this up" in before(office, SVEN).shown
    assert SENTA in json.dumps(before(office, SVEN).blocks)
    assert (await office.state(proposal)).task.assigned_to == SENTA


async def test_a_comment_is_saved_and_shown_the_next_time(office: Office) -> None:
    proposal, card = await office.submit_with_card()
    await office.details(SENTA, card, Verb.COMMENT)
    await office.slack.submit(SENTA, {"comment": "I asked the customer."})
    assert "I asked the customer." in (await office.details(SVEN, await office.card(proposal))).shown
    assert await office.status(proposal) is Status.PENDING


async def test_the_buttons_in_details_of_a_decided_package_work(office: Office) -> None:
    proposal, card = await office.submit_with_card()
    await office.approve(SENTA, card)
    view = await office.details(SENTA, await office.card(proposal))
    assert "approved this" in view.shown
    assert {"Approve", "Claim", "Edit and approve", "Extend deadline"}.isdisjoint(view.labels)
    assert {"Comment", "Revoke"} <= set(view.labels)
    await office.slack.click_modal(SENTA, "revoke")
    assert (await office.slack.submit(SENTA, {"comment": "The wrong record after all."})).ok
    assert await office.status(proposal) is Status.REVOKED


async def test_details_opened_before_a_decision_refuse_a_late_action(office: Office) -> None:
    proposal, card = await office.submit_with_card()
    await office.details(OWEN, card)
    await office.approve(SENTA, card)
    await office.slack.click_modal(OWEN, "withdraw")
    assert "already approved by" in before(office, OWEN).shown
    assert await office.status(proposal) is Status.APPROVED


@pytest.mark.parametrize("error", ["expired_trigger_id", "push_limit_reached"])
async def test_a_form_that_cannot_be_pushed_is_reported_in_place_of_details(office: Office, error: str) -> None:
    _, card = await office.submit_with_card()
    await office.details(SENTA, card)
    office.slack.faults.error("views.push", error)
    await office.slack.click_modal(SENTA, "comment")
    assert "Please try again" in before(office).shown
    assert len(office.slack.modals(SENTA)) == 1


# Packages that are gone or never existed.


async def _delete_content(office: Office, proposal: Response) -> None:
    """Delete the content, as retention does."""
    words = update(CONTENT).where(CONTENT.c.package_id == proposal.id).values(words=None, salt=None)
    await office.world.write(lambda connection: connection.execute(words))


async def test_a_package_whose_content_was_deleted_keeps_its_record(office: Office) -> None:
    proposal, card = await office.submit_with_card()
    await office.approve(SENTA, card, "A secret reason.")
    await _delete_content(office, proposal)
    view = await office.details(SENTA, card)
    assert "was deleted under the policy's retention" in view.shown
    assert "Senta" in view.shown
    assert {"Read the record", "Read record 42.", "A secret reason."}.isdisjoint(view.shown.split("\n"))
    await office.slack.close(SENTA)
    shown = await office.slack.command(SENTA, "/reviews", f"show {proposal.id}")
    assert "content was deleted" in shown.notes[-1].shown


async def test_an_emptied_package_cannot_be_edited(office: Office) -> None:
    proposal, card = await office.submit_with_card()
    await _delete_content(office, proposal)
    await office.details(SENTA, card, Verb.APPROVE_WITH_EDITS)
    assert "no parameters to edit" in before(office).shown
    assert "Edit and approve" not in [element.label for element in before(office).elements]


def _retold(card: Message, value: str) -> Message:
    """The card with a button that names something else."""
    blocks: Any = json.loads(json.dumps(card.blocks))
    (details,) = [element for element in blocks[-2]["elements"] if element["action_id"] == "details"]
    details["value"] = value
    return Message(channel=card.channel, ts=card.ts, text=card.text, user=card.user, blocks=blocks)


@pytest.mark.parametrize(
    "value",
    ["", "pkg_1", "1 pkg_x 1 0 -", "pkg_' OR 1=1 1 0 -", 2_000 * "9"],
    ids=["nothing", "an id alone", "a page", "no id", "very much"],
)
async def test_an_unknown_button_says_so(office: Office, value: str) -> None:
    _, card = await office.submit_with_card()
    outcome = await office.slack.click(ADAM, _retold(card, value), "details", old_copy=True)
    assert outcome.ok
    assert "no longer in use" in await office.refused(ADAM)


async def test_a_button_for_a_package_that_does_not_exist_says_so(office: Office) -> None:
    _, card = await office.submit_with_card()
    await office.slack.click(ADAM, _retold(card, "pkg_nowhere 1 0 -"), "details", old_copy=True)
    assert "There is no package pkg_nowhere that you can see." in await office.refused(ADAM)


async def test_details_show_the_current_version(office: Office) -> None:
    proposal, old = await office.submit_with_card(SOFT)
    await office.version(proposal, SOFT | {"action_parameters": {"record": "43"}})
    await office.click(RITA, old, "details", old_copy=True)
    assert "What has changed since version 1" in before(office, RITA).shown
    (opened,) = await office.events(proposal, "package.details_opened")
    assert opened["package_version"] == 2
