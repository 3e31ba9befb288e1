"""A reviewer decides in the browser as in Slack: with the card, its menu, its forms and Details."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from rules.state.model import Status
from tests.bot.slack.office import Office
from tests.browser.scene import GRAVE, IN_BROWSER, RITA, ROSE, SOFT
from tests.browser.screen import Screen

pytestmark = IN_BROWSER

TITLE = GRAVE["title"]


async def test_a_card_is_approved_with_a_comment_and_a_confirmation_and_says_who_did(
    office: Office, screen: Screen
) -> None:
    proposal, _ = await office.submit_with_card(GRAVE)
    card = screen.card(TITLE)
    await screen.press(card, "Approve")
    await screen.dialog.get_by_role("checkbox").check()
    await screen.dialog.get_by_label("Why you approve").fill("Checked against the file.")
    await screen.picture("approve")
    await screen.submit("Approve")
    await expect(screen.dialog).to_be_hidden()
    await expect(card).to_contain_text("Senta (senior reviewer) approved this")
    await expect(card.get_by_role("button", name="Approve")).to_have_count(0)
    await expect(card).to_contain_text("updated")
    assert await office.status(proposal) is Status.APPROVED


async def test_the_requester_is_refused_in_a_window(office: Office, screen: Screen) -> None:
    proposal, _ = await office.submit_with_card(GRAVE)
    await screen.become(ROSE)
    await screen.press(screen.card(TITLE), "Approve")
    await expect(screen.dialog).to_contain_text("You asked for this, so someone else must approve it.")
    assert await office.status(proposal) is Status.PENDING
    await screen.picture("refused")
    await screen.page.keyboard.press("Escape")
    await expect(screen.dialog).to_be_hidden()


async def test_a_private_note_is_seen_by_one_person_and_can_be_dismissed(office: Office, screen: Screen) -> None:
    await screen.become(ROSE)
    await screen.write("/reviews help")
    await expect(screen.note).to_have_count(1)
    await screen.become(RITA)
    await expect(screen.note).to_have_count(0)
    await screen.become(ROSE)
    await screen.note.get_by_role("button", name="Dismiss message").click()
    await expect(screen.note).to_have_count(0)


async def test_a_rejection_without_a_reason_is_marked_at_its_field_and_then_works(
    office: Office, screen: Screen
) -> None:
    proposal, _ = await office.submit_with_card(GRAVE)
    await screen.press(screen.card(TITLE), "Reject")
    reason = screen.dialog.get_by_label("Why you reject it")
    await expect(reason).to_be_focused()
    await screen.submit("Reject")
    await expect(screen.dialog).to_contain_text("Please complete this required field.")
    await expect(reason).to_have_attribute("aria-invalid", "true")
    await reason.fill("   ")
    await screen.submit("Reject")
    await expect(screen.dialog).to_contain_text("blanks alone do not count")
    await screen.picture("field_error")
    await reason.fill("The May record is missing.")
    await screen.submit("Reject")
    await expect(screen.dialog).to_be_hidden()
    await expect(screen.card(TITLE)).to_contain_text("rejected")
    assert await office.status(proposal) is Status.REJECTED


async def test_details_open_over_the_card_and_a_form_over_details(office: Office, screen: Screen) -> None:
    proposal, _ = await office.submit_with_card(GRAVE)
    await screen.press(screen.card(TITLE), "Details")
    await expect(screen.dialog.get_by_role("heading", name="Details")).to_be_focused()
    await screen.picture("details")
    await screen.press(screen.dialog, "Edit and approve")
    await screen.dialog.get_by_label("to", exact=True).fill("board@acme.example")
    await screen.dialog.get_by_label("Why").fill("The board has to have it.")
    await screen.dialog.get_by_role("button", name="Back to the form below").click()
    await expect(screen.dialog.get_by_role("heading", name="Details")).to_be_visible()
    await screen.page.keyboard.press("Escape")
    await expect(screen.dialog).to_be_hidden()
    assert await office.status(proposal) is Status.PENDING


async def test_an_edit_shows_what_it_changes_before_it_counts(office: Office, screen: Screen) -> None:
    proposal, _ = await office.submit_with_card(GRAVE)
    await screen.press(screen.card(TITLE), "Details")
    await screen.press(screen.dialog, "Edit and approve")
    await screen.dialog.get_by_label("to", exact=True).fill("board@acme.example")
    await screen.dialog.get_by_label("Why").fill("The board has to have it.")
    await screen.dialog.locator("[type=submit]").click()
    await expect(screen.dialog.get_by_role("checkbox")).to_be_visible()
    await expect(screen.dialog).to_contain_text("board@acme.example")
    await screen.picture("edited")
    await screen.dialog.get_by_role("checkbox").check()
    await screen.dialog.locator("[type=submit]").click()
    await expect(screen.dialog).to_be_hidden()
    await expect(screen.card(TITLE)).to_contain_text("Senta")
    state = await office.state(proposal)
    assert state.version == 2


async def test_an_objection_makes_a_soft_approval_require_explicit_approval(office: Office, screen: Screen) -> None:
    proposal, _ = await office.submit_with_card(SOFT)
    await screen.become(RITA)
    card = screen.card(SOFT["title"])
    await expect(card).to_contain_text("goes ahead")
    await screen.press(card, "Object")
    await expect(card).not_to_contain_text("goes ahead")
    assert (await office.state(proposal)).status is Status.PENDING


@pytest.mark.parametrize("verb", ["Request evidence", "Defer", "Override", "Take over", "Recuse"])
async def test_a_menu_item_opens_its_form(office: Office, screen: Screen, verb: str) -> None:
    await office.submit_with_card(GRAVE)
    await screen.press(screen.card(TITLE), "More")
    await screen.page.get_by_role("menuitem", name=verb).click()
    await expect(screen.dialog).to_be_visible()
    await expect(screen.dialog.get_by_role("heading").first).not_to_be_empty()
    await screen.picture(f"menu_{verb.replace(' ', '_').lower()}")


async def test_the_note_of_a_decision_is_in_the_thread_of_its_card(office: Office, screen: Screen) -> None:
    proposal, card = await office.submit_with_card(GRAVE)
    await office.approve("USENTA", card)
    await office.card(proposal)
    link = screen.card(TITLE).get_by_role("link", name="1 reply")
    await link.click()
    await expect(screen.thread).to_contain_text("Senta (senior reviewer) approved this")
    box = screen.thread.get_by_role("textbox", name="Reply in the thread")
    await box.fill("Thank you, @Rita <3")
    await box.press("Enter")
    await expect(screen.thread).to_contain_text("Thank you, @Rita <3")
    await expect(screen.card(TITLE).get_by_role("link", name="2 replies")).to_be_visible()
    await screen.picture("thread")
    await screen.thread.get_by_role("link", name="Close the thread").click()
    await expect(screen.thread).to_be_hidden()
    await expect(screen.card(TITLE).get_by_role("link", name="2 replies")).to_be_focused()
