"""Outages: Slack (by the page's own switch), the app, and the page's server. Each is reported, and recovery works."""

from __future__ import annotations

from playwright.async_api import expect

from rules.state.model import Status
from tests.bot.slack.office import Office
from tests.bot.slack.operator_view import deliver_later
from tests.browser.scene import GRAVE, IN_BROWSER, SOFT
from tests.browser.screen import Screen

pytestmark = IN_BROWSER

TITLE = GRAVE["title"]
NOWHERE = "http://127.0.0.1:9/slack/events"  # nothing listens there


async def wait_for_recovery(screen: Screen) -> None:
    """Wait until Slack has really recovered."""
    await screen.slack_is("well")
    await expect(screen.page.get_by_role("status")).to_be_empty()


async def test_the_card_is_correct_after_a_slack_outage(office: Office, screen: Screen) -> None:
    proposal, _ = await office.submit_with_card(GRAVE)
    card = screen.card(TITLE)
    await expect(card.get_by_role("button", name="Approve")).to_be_visible()
    await screen.slack_is("down")
    await expect(screen.page.get_by_role("status")).to_contain_text("Slack is down")
    await office.cancel(proposal)
    await office.deliver()
    await screen.press(card, "Approve")
    await expect(card.get_by_role("alert")).to_contain_text("Slack is down")
    await screen.picture("down")
    await wait_for_recovery(screen)
    await office.skip_pause()
    await expect(card).to_contain_text("withdrawn")
    await expect(card.get_by_role("button", name="Approve")).to_have_count(0)
    screen.complaints.clear()  # logged by the browser itself, about the failed response


async def test_while_slack_limits_the_app_a_decision_counts_and_is_shown_later(office: Office, screen: Screen) -> None:
    proposal, _ = await office.submit_with_card(SOFT)
    card = screen.card(SOFT["title"])
    await screen.slack_is("limited")
    await expect(screen.page.get_by_text("s left")).to_be_visible()
    await screen.press(card, "Approve")
    await office.slack.until(lambda: [call for call in office.slack.calls_to("chat.update") if call.error])
    await office.deliver()  # the refusal has been handled
    assert await office.status(proposal) is Status.APPROVED
    await expect(card).to_contain_text("goes ahead")
    await wait_for_recovery(screen)
    await deliver_later(office, 120)
    await expect(card).to_contain_text("approved this")


async def test_an_unreachable_app_is_reported_at_the_button_and_by_the_command(office: Office, screen: Screen) -> None:
    await office.submit_with_card(GRAVE)
    office.slack.app_at(NOWHERE)
    card = screen.card(TITLE)
    await screen.press(card, "Approve")
    await expect(card.get_by_role("alert")).to_contain_text("dispatch_failed")
    await screen.write("/reviews queue")
    await expect(screen.note).to_contain_text("/reviews failed with the error “dispatch_failed”")
    await screen.picture("dispatch_failed")


async def test_an_app_that_does_not_answer_in_time_is_reported_in_the_form(office: Office, screen: Screen) -> None:
    await office.submit_with_card(GRAVE)
    await screen.press(screen.card(TITLE), "Reject")
    await screen.dialog.get_by_label("Why you reject it").fill("No.")
    office.slack.ack_within = 0.0
    await screen.submit("Reject")
    await expect(screen.dialog.get_by_role("alert").last).to_contain_text("operation_timeout")
    await expect(screen.dialog.get_by_label("Why you reject it")).to_have_value("No.")
