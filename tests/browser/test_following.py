"""The page follows its server, and reconnects to a new server at the same address."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, expect
from yarl import URL

from playground.slack import Slack, stand_in
from tests.browser.screen import window

SEEN = """(how) => {
    Object.defineProperty(document, "hidden", { configurable: true, get: () => how === "hidden" });
    document.dispatchEvent(new Event("visibilitychange"));
}"""
pytestmark = pytest.mark.asyncio(loop_scope="session")


def furnish(slack: Slack, text: str) -> None:
    slack.add_person("UANN", "ann")
    slack.add_channel("C1", name="reviews", members=["UANN"])
    slack.say("UANN", "C1", text)


async def test_the_page_reconnects_to_a_new_server_and_shows_its_state(browser: Browser) -> None:
    async with stand_in() as first, window(browser, first.page_url) as screen:
        furnish(first, "From before.")
        await expect(screen.card("From before.")).to_be_visible()
        await first.end()
        await expect(screen.page.get_by_role("status")).to_contain_text("does not answer")
        async with stand_in(port=URL(first.page_url).port or 0) as second:
            furnish(second, "From after.")
            await expect(screen.card("From after.")).to_be_visible()
            await expect(screen.card("From before.")).to_have_count(0)
            await expect(screen.page.get_by_role("status")).to_be_empty()
            second.say("UANN", "C1", "And on.")
            await expect(screen.card("And on.")).to_be_visible()


async def test_a_hidden_window_holds_no_connection_and_catches_up_when_shown(browser: Browser) -> None:
    async with stand_in() as slack, window(browser, slack.page_url) as screen:
        furnish(slack, "From before.")
        await expect(screen.card("From before.")).to_be_visible()
        async with screen.page.expect_event("requestfailed", lambda request: "/stream" in request.url):
            await screen.page.evaluate(SEEN, "hidden")
        slack.say("UANN", "C1", "Said meanwhile.")
        await screen.page.evaluate(SEEN, "seen")
        await expect(screen.card("Said meanwhile.")).to_be_visible()
        await expect(screen.page.get_by_role("status")).to_be_empty()
