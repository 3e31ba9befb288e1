"""The cards of the demo, and the one that README's agent asks for, fit one screen, on a wide screen and on a phone."""

from __future__ import annotations

import json
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from docs.picture import package
from rules.state.commands import Verb
from tests.bot.demo.visitor import Visitor, visiting
from tests.bot.slack.office import Office
from tests.browser.scene import CHANNEL, SENTA
from tests.browser.screen import PHONE, WIDE, Screen, window

pytestmark = pytest.mark.asyncio(loop_scope="session")

HIGHEST = 450  # pixels, of a waiting card on a wide screen
NOTICE = "Send enforcement notice"
CARDS = {
    "C0ENFORCE": [NOTICE, "Inspection plan", "Records of case", "Which address of Entity ABC", "Publish report"],
    "C0REVIEWS": ["Send e-mail", "Tell Quayside Fish"],
    "C0DATA": ["customer records"],
}


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
async def test_the_waiting_cards_of_the_demo_fit_one_screen(
    browser: Browser, tmp_path: Path, size: tuple[int, int]
) -> None:
    async with visiting(tmp_path / "demo") as visitor:
        for story in ("receipt", "report"):
            assert await visitor.begin(story) == 202
        for channel, titles in CARDS.items():
            async with _opened(visitor, browser, channel, size) as screen:
                assert [title for title in titles if not await _fits(screen, title)] == []


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
async def test_the_second_version_of_the_notice_fits_one_screen(
    browser: Browser, tmp_path: Path, size: tuple[int, int]
) -> None:
    async with visiting(tmp_path / "demo") as visitor:
        card = await visitor.card(NOTICE)
        await visitor.give("USENTA", card, Verb.REVISE, {"instructions": "Give them 21 days."})
        await visitor.card(NOTICE, "Version 2")
        async with _opened(visitor, browser, "C0ENFORCE", size) as screen:
            assert await _fits(screen, "Version 2")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
async def test_readmes_refund_fits_one_screen(office: Office, browser: Browser, size: tuple[int, int]) -> None:
    refund = json.loads(package())
    await office.submit_with_card(refund | {"requested_by": "UROSE"})
    async with window(browser, f"{office.slack.page_url}?as={SENTA}#channel/{CHANNEL}", size) as screen:
        assert await _fits(screen, refund["title"])


def _opened(
    visitor: Visitor, browser: Browser, channel: str, size: tuple[int, int]
) -> AbstractAsyncContextManager[Screen]:
    return window(browser, f"{visitor.demo.url}/playground?as=USENTA#channel/{channel}", size)


async def _fits(screen: Screen, title: str) -> bool:
    """The whole card on a wide screen; on a phone everything up to the end of its buttons."""
    card = screen.card(title)
    await expect(card.get_by_role("button", name="Details")).to_be_visible()
    extent = await screen.extent(card)
    wide = screen.page.viewport_size == {"width": WIDE[0], "height": WIDE[1]}
    return extent.height <= HIGHEST if wide else extent.buttons_end <= extent.room
