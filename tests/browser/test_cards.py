"""The cards of the demo, and the one that README's agent asks for, fit one screen."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from docs.picture import package
from tests.bot.demo.visitor import visiting
from tests.bot.slack.office import Office
from tests.browser.scene import CHANNEL, SENTA
from tests.browser.screen import PHONE, WIDE, window

pytestmark = pytest.mark.asyncio(loop_scope="session")

HIGHEST = 450  # pixels, of a waiting card on a wide screen
CARDS = {
    "C0ENFORCE": ["Send enforcement notice", "Inspection plan", "Records of case", "Which address of Entity ABC"],
    "C0REVIEWS": ["Send e-mail"],
    "C0DATA": ["customer records"],
}


async def test_the_waiting_cards_of_the_demo_fit_one_screen(browser: Browser, tmp_path: Path) -> None:
    async with visiting(tmp_path / "demo") as visitor:
        for channel, titles in CARDS.items():
            page = f"{visitor.demo.url}/playground?as=USENTA#channel/{channel}"
            async with window(browser, page) as screen:
                for title in titles:
                    card = screen.card(title)
                    await expect(card.get_by_role("button", name="Details")).to_be_visible()
                    assert (await screen.extent(card)).height <= HIGHEST, title


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
async def test_the_buttons_of_readmes_refund_are_within_one_screen(
    office: Office, browser: Browser, size: tuple[int, int]
) -> None:
    refund = json.loads(package())
    await office.submit_with_card(refund | {"requested_by": "UROSE"})
    async with window(browser, f"{office.slack.page_url}?as={SENTA}#channel/{CHANNEL}", size) as screen:
        card = screen.card(refund["title"])
        await expect(card.get_by_role("button", name="Details")).to_be_visible()
        extent = await screen.extent(card)
        assert extent.height <= HIGHEST or size == PHONE
        assert extent.buttons_end <= size[1]
