"""Around a message: its toolbar, links to it, its thread, and where the unread messages begin."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from playground.api.posting import Content, Place, post
from playground.model.messages import Message
from playground.slack import Slack, stand_in
from tests.browser.screen import PHONE, Screen, window
from tests.playground.app import section

pytestmark = pytest.mark.asyncio(loop_scope="session")

MANY = 30


@pytest_asyncio.fixture(loop_scope="session")
async def slack() -> AsyncIterator[Slack]:
    async with stand_in() as workspace:
        workspace.add_person("UANN", "ann", real_name="Ann")
        workspace.add_person("UBEN", "ben", real_name="Ben")
        workspace.add_channel("C1", "reviews", members=["UANN", "UBEN"])
        workspace.add_channel("C2", "general", members=["UANN", "UBEN"])
        yield workspace


@pytest_asyncio.fixture(loop_scope="session")
async def screen(slack: Slack, browser: Browser) -> AsyncIterator[Screen]:
    async with window(browser, f"{slack.page_url}?as=UANN#channel/C1") as opened_screen:
        await expect(opened_screen.page.get_by_role("heading", name="# reviews")).to_be_visible()
        yield opened_screen
        assert opened_screen.complaints == []


def write(slack: Slack, text: str, channel: str = "C1") -> Message:
    return post(
        slack.workspace, Place(channel=slack.workspace.channels[channel]), Content(text=text, blocks=[section(text)])
    )


def permalink(message: Message) -> str:
    return f"https://stand-in.slack.com/archives/{message.channel}/p{message.ts.replace('.', '')}"


async def test_the_toolbar_opens_the_thread_and_the_focus_returns_to_it(slack: Slack, screen: Screen) -> None:
    write(slack, "A card.")
    reply = screen.card("A card.").get_by_role("button", name="Reply in thread")
    await expect(reply.locator("..")).to_have_css("opacity", "0")
    await screen.card("A card.").hover()
    await expect(reply.locator("..")).to_have_css("opacity", "1")
    await screen.picture("toolbar")
    await reply.click()
    box = screen.thread.get_by_role("textbox", name="Reply in the thread")
    await expect(box).to_be_visible()
    await screen.page.keyboard.press("Escape")
    await expect(screen.thread).to_be_hidden()
    await expect(reply).to_be_focused()


async def test_a_card_with_replies_says_how_many_and_when_the_last_came(slack: Slack, screen: Screen) -> None:
    card = write(slack, "A card.")
    slack.say("UBEN", "C1", "Why?", card.ts)
    slack.say("UANN", "C1", "Read on.", card.ts)
    link = screen.card("A card.").get_by_role("link", name="2 replies")
    await expect(link).to_contain_text("Last reply today at")
    await expect(link.locator(".avatar")).to_have_count(2)
    await screen.picture("replies")


async def test_a_copied_link_leads_to_the_message(slack: Slack, browser: Browser) -> None:
    cards = [write(slack, f"Card {number}.") for number in range(MANY)]
    async with window(browser, f"{slack.page_url}?as=UANN#channel/C1") as screen:
        await screen.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        await screen.card("Card 3.").get_by_role("button", name="Copy link").click()
        await expect(screen.page.locator("#live")).to_have_text("Link copied")
        copied = await screen.page.evaluate("navigator.clipboard.readText()")
        assert copied == f"{slack.page_url}#message/C1/{cards[3].ts}"
        await screen.page.goto("about:blank")
        await screen.page.goto(copied)
        await expect(screen.card("Card 3.")).to_be_in_viewport()
        await expect(screen.card("Card 3.")).to_be_focused()


async def test_a_permalink_leads_to_its_message_in_the_page(slack: Slack, screen: Screen) -> None:
    card = write(slack, "The card itself.")
    for number in range(MANY):
        write(slack, f"Later {number}.")
    elsewhere = "https://example.org/archives/C1/p1795262400000000"
    write(slack, f"<{permalink(card)}|Open the card> <{elsewhere}|Elsewhere>", "C2")
    await screen.page.get_by_role("link", name="general").click()
    link = screen.page.get_by_role("link", name="Elsewhere")
    await expect(link).to_have_attribute("href", elsewhere)
    await expect(screen.card("The card itself.")).to_have_count(0)
    await screen.page.get_by_role("link", name="Open the card").click()
    await expect(screen.card("The card itself.")).to_be_in_viewport()
    await expect(screen.card("The card itself.")).to_be_focused()


async def test_a_permalink_to_a_reply_opens_its_thread(slack: Slack, screen: Screen) -> None:
    card = write(slack, "A card.")
    reply = slack.say("UBEN", "C1", "Why?", card.ts)
    write(slack, f"<{permalink(reply)}|Open the reply>")
    await screen.page.get_by_role("link", name="Open the reply").click()
    await expect(screen.thread).to_contain_text("Why?")


async def test_a_line_marks_where_the_unread_messages_begin(slack: Slack, screen: Screen) -> None:
    write(slack, "Read before.")
    await expect(screen.card("Read before.")).to_be_visible()
    await screen.page.get_by_role("link", name="general").click()
    write(slack, "Came meanwhile.")
    await expect(screen.page.get_by_role("link", name="reviews unread")).to_be_visible()
    await screen.page.get_by_role("link", name="reviews").click()
    lines = screen.page.locator("#messages > li:not(.day)")
    await expect(lines).to_have_count(3)
    await expect(lines.nth(1)).to_have_text("New")
    await screen.picture("unread")
    await screen.page.get_by_role("link", name="general").click()
    await screen.page.get_by_role("link", name="reviews").click()
    await expect(lines).to_have_count(2)


async def test_the_toolbar_is_always_there_on_a_touch_screen(slack: Slack, browser: Browser) -> None:
    write(slack, "A card.")
    async with window(browser, f"{slack.page_url}#channel/C1", PHONE) as screen:
        toolbar = screen.card("A card.").get_by_role("group", name="Message actions")
        await expect(toolbar).to_have_css("opacity", "1")
        await screen.picture("toolbar_phone")
        assert await screen.measure("overlaps") == []
        await toolbar.get_by_role("button", name="Reply in thread").tap()
        await expect(screen.thread).to_be_visible()
