"""The page's looks: nothing overlaps or is cut off, everything is legible, and everything works by keyboard."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, expect

from rules.state.model import Status
from tests.bot.slack.office import Office
from tests.browser.scene import CHANNEL, GRAVE, IN_BROWSER, SENTA, SOFT
from tests.browser.screen import PHONE, WIDE, Scheme, Screen, window

pytestmark = IN_BROWSER

TITLE = GRAVE["title"]
MAX_TABS = 60


async def sound(screen: Screen, name: str) -> None:
    """Problems are listed as text; the screenshot is saved for what a script cannot see."""
    await screen.picture(name)
    assert await screen.measure("wider") == []
    assert await screen.measure("overlaps") == []
    assert await screen.measure("faint") == []
    assert await screen.measure("small") == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
async def test_nothing_is_cut_overlaps_or_is_faint(
    office: Office, browser: Browser, size: tuple[int, int], scheme: Scheme
) -> None:
    proposal, card = await office.submit_with_card(GRAVE)
    await office.approve(SENTA, card)
    await office.card(proposal)
    await office.submit_with_card(SOFT)
    await office.slack.command(SENTA, "/reviews", "stats 7d", channel=CHANNEL)
    name = f"{'phone' if size == PHONE else 'wide'}_{scheme}"
    async with window(browser, f"{office.slack.page_url}?as={SENTA}#channel/{CHANNEL}", size, scheme) as screen:
        page, soft = screen.page, screen.card("goes ahead")
        await expect(screen.note).to_be_visible()
        await sound(screen, f"{name}_note")
        await soft.get_by_role("button", name="More").click()
        await expect(page.get_by_role("menu")).to_be_visible()
        await screen.picture(f"{name}_menu")
        await page.keyboard.press("Escape")
        await screen.card("· approved").scroll_into_view_if_needed()
        await sound(screen, f"{name}_card")
        await screen.press(soft, "Reject")
        await screen.submit("Reject")
        await sound(screen, f"{name}_reject")
        await page.keyboard.press("Escape")
        await screen.press(soft, "Details")
        await expect(screen.dialog).to_be_visible()
        await sound(screen, f"{name}_details")
        await page.keyboard.press("Escape")
        await screen.card("· approved").get_by_role("link", name="1 reply").click()
        await expect(screen.thread).to_be_visible()
        await sound(screen, f"{name}_thread")
        await page.goto(page.url.split("#")[0] + "#home")
        await expect(page.locator("#home").get_by_role("button", name="I am away")).to_be_visible()
        await sound(screen, f"{name}_home")
        await screen.slack_is("limited")
        await page.evaluate("location.hash = ''")
        await expect(page.get_by_text("s left")).to_be_visible()
        await sound(screen, f"{name}_list")
        assert screen.complaints == []


async def test_a_phone_shows_one_part_at_a_time_and_each_is_a_tap_away(office: Office, browser: Browser) -> None:
    await office.submit_with_card(GRAVE)
    async with window(browser, f"{office.slack.page_url}?as={SENTA}", PHONE) as screen:
        sidebar = screen.page.get_by_role("navigation", name="Channels and messages")
        await sidebar.get_by_role("link", name="reviews").tap()
        await expect(sidebar).to_be_hidden()
        await screen.card(TITLE).get_by_role("button", name="Reject").tap()
        await screen.dialog.get_by_role("button", name="Cancel").tap()
        await expect(screen.dialog).to_be_hidden()
        await screen.page.get_by_role("link", name="Back to the channels").tap()
        await expect(sidebar).to_be_visible()
        await screen.page.get_by_role("navigation", name="Parts of the page").get_by_role("link", name="Home").tap()
        await expect(screen.page.get_by_role("button", name="I am away")).to_be_visible()


async def tab_to(screen: Screen, name: str) -> None:
    """Press Tab until the element has the focus."""
    wanted = "(name) => (document.activeElement.ariaLabel ?? document.activeElement.textContent).startsWith(name)"
    for _ in range(MAX_TABS):
        await screen.page.keyboard.press("Tab")
        if await screen.page.evaluate(wanted, name):
            return
    pytest.fail(f"{MAX_TABS} tabs do not lead to {name!r}")


async def test_a_card_is_approved_by_keyboard_alone(office: Office, screen: Screen) -> None:
    proposal, _ = await office.submit_with_card(GRAVE)
    await expect(screen.card(TITLE)).to_be_visible()
    keyboard = screen.page.keyboard
    await tab_to(screen, "Approve")
    await keyboard.press("Enter")
    await expect(screen.dialog.get_by_role("checkbox")).to_be_focused()
    await keyboard.press("Space")
    await keyboard.press("Tab")
    await keyboard.type("Checked.")
    await tab_to(screen, "Approve")
    await keyboard.press("Enter")
    await expect(screen.dialog).to_be_hidden()
    await expect(screen.card(TITLE)).to_contain_text("approved this")
    await expect(screen.page.locator("body")).not_to_be_focused()
    assert await office.status(proposal) is Status.APPROVED


async def test_the_menu_is_operated_with_arrows_and_escape(office: Office, screen: Screen) -> None:
    await office.submit_with_card(GRAVE)
    more = screen.card(TITLE).get_by_role("button", name="More")
    await more.focus()
    keyboard = screen.page.keyboard
    await keyboard.press("Enter")
    await expect(screen.page.get_by_role("menuitem", name="Request evidence")).to_be_focused()
    await keyboard.press("ArrowDown")
    await expect(screen.page.get_by_role("menuitem", name="Defer")).to_be_focused()
    await keyboard.press("End")
    await expect(screen.page.get_by_role("menuitem", name="Recuse")).to_be_focused()
    await keyboard.press("Escape")
    await expect(more).to_be_focused()
    await expect(screen.page.get_by_role("menu")).to_be_hidden()


async def test_the_focus_stays_within_a_form_and_returns_to_where_it_was_opened(office: Office, screen: Screen) -> None:
    await office.submit_with_card(GRAVE)
    await screen.press(screen.card(TITLE), "Reject")
    within = "() => document.activeElement === document.body || Boolean(document.activeElement.closest('dialog'))"
    await expect(screen.dialog).to_be_visible()
    for _ in range(12):
        await screen.page.keyboard.press("Tab")
        assert await screen.page.evaluate(within)
    await screen.page.keyboard.press("Escape")
    await expect(screen.dialog).to_be_hidden()
    await expect(screen.card(TITLE).get_by_role("button", name="Reject")).to_be_focused()


async def test_a_new_message_outside_the_view_is_announced(office: Office, screen: Screen) -> None:
    await expect(screen.page.get_by_role("heading", name="# reviews")).to_be_visible()
    _, card = await office.submit_with_card(GRAVE)
    await expect(screen.page.locator("#live")).to_have_text(f"Countersign: {card.text}")


async def test_a_redrawn_card_keeps_the_focus(office: Office, screen: Screen) -> None:
    proposal, _ = await office.submit_with_card(GRAVE)
    await screen.card(TITLE).get_by_role("button", name="Details").focus()
    await office.cancel(proposal)
    await office.deliver()
    await expect(screen.card("Withdrawn")).to_be_visible()
    await expect(screen.card(TITLE).get_by_role("button", name="Details")).to_be_focused()
