"""The page is usable with a screen reader: axe-core finds nothing against WCAG 2 A and AA, and headings are in order."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]
from playwright.async_api import Browser, expect

from tests.bot.demo.visitor import Visitor, visiting
from tests.browser.screen import PHONE, WIDE, Scheme, Screen, window

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.slow]

RULES = {
    "resultTypes": ["violations"],  # axe describes nothing else, which takes half of its time
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]},
    "rules": {"heading-order": {"enabled": True}, "region": {"enabled": True}},
}

CHANNELS = ("channel/C0REVIEWS", "channel/C0DATA")
PARTS = {
    WIDE: (*CHANNELS, "home", "mail"),
    PHONE: (*CHANNELS, "home", "agents", "list", "mail"),
}  # a wide window shows all at once


@pytest_asyncio.fixture(loop_scope="session")
async def visitor(tmp_path: Path) -> AsyncIterator[Visitor]:
    async with visiting(tmp_path / "demo") as visitor:
        yield visitor


async def barriers(screen: Screen) -> list[str]:
    """What axe-core finds: the rule, the element and what to mend."""
    results = await Axe().run(screen.page, options=RULES)
    return [
        f"{rule['id']}: {node['html'][:200]} {node['failureSummary']}"
        for rule in results.response["violations"]
        for node in rule["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
async def test_axe_finds_no_barrier_in_any_part_of_the_page(
    visitor: Visitor, browser: Browser, size: tuple[int, int], scheme: Scheme
) -> None:
    await visitor.begin("receipt")
    url = f"{visitor.demo.url}/playground?as=URITA#channel/"
    async with window(browser, f"{url}C0ENFORCE", size, scheme) as screen:
        page, card, plan = (
            screen.page,
            screen.card("Send enforcement notice").first,
            screen.card("Inspection plan").first,
        )
        await expect(screen.card("Records of case")).to_be_visible()
        assert await barriers(screen) == []
        await card.get_by_role("button", name="More").click()
        await expect(page.get_by_role("menu")).to_be_visible()
        assert await barriers(screen) == []
        await page.keyboard.press("Escape")
        await screen.box.press_sequentially("/")
        await expect(page.get_by_role("listbox", name="Commands")).to_be_visible()
        assert await barriers(screen) == []
        for words in ("/reviews queue", "/reviews stats"):
            await screen.write(words)
            await expect(screen.note.last).to_be_visible()
            assert await barriers(screen) == []
        await card.get_by_role("button", name="Reply in thread").click()
        await expect(screen.thread).to_be_visible()
        assert await barriers(screen) == []
        await page.keyboard.press("Escape")
        await screen.press(plan, "Reject")
        await screen.submit("Reject")
        assert await barriers(screen) == []
        await page.keyboard.press("Escape")
        await screen.press(plan, "Details")
        await expect(screen.dialog).to_be_visible()
        assert await barriers(screen) == []
        await page.keyboard.press("Escape")
        for place in PARTS[size]:
            await page.evaluate("place => location.hash = place", place)
            await expect(page.locator("body")).to_have_attribute("data-part", place.split("/")[0])
            assert await barriers(screen) == []
        await page.get_by_role("link", name="An agent asks you to take over").click()
        await expect(page.frame_locator("iframe").get_by_text("Where the agent stopped")).to_be_visible()
        assert await barriers(screen) == []
