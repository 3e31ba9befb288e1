"""The page has the sizes of Slack's client, so that a card measured here is as high as there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, expect

from playground.api.posting import Content, Place, post
from playground.slack import Slack, stand_in
from tests.browser.screen import PHONE, WIDE, window
from tests.playground.app import actions, button, plain, section

pytestmark = pytest.mark.asyncio(loop_scope="session")

WORDS = "The parcel came back unopened, and the customer asks for the money. " * 4
BLOCKS: list[dict[str, Any]] = [
    {"type": "header", "text": plain("A header")},
    section(WORDS),
    {"type": "context", "elements": [plain("In context")]},
    actions(button("approve", "Approve"), button("reject", "Reject")),
]
STYLE = "(node, name) => getComputedStyle(node)[name]"


@pytest_asyncio.fixture(loop_scope="session")
async def slack() -> AsyncIterator[Slack]:
    async with stand_in() as workspace:
        workspace.add_person("UANN", "ann", real_name="Ann")
        workspace.add_channel("C1", "reviews", members=["UANN"])
        content = Content(text="A card.", blocks=BLOCKS)
        post(workspace.workspace, Place(channel=workspace.workspace.channels["C1"]), content)
        yield workspace


async def font(node: Locator) -> tuple[str, str]:
    """Its size, and the height of its lines."""
    return await node.evaluate(STYLE, "fontSize"), await node.evaluate(STYLE, "lineHeight")


async def test_texts_are_as_large_as_in_slack(slack: Slack, browser: Browser) -> None:
    async with window(browser, f"{slack.page_url}#channel/C1") as screen:
        card = screen.card("A header")
        assert await font(card.locator(".block-section")) == ("15px", "22px")
        assert await font(card.locator(".block-header")) == ("18px", "24px")
        assert await font(card.locator(".block-context")) == ("13px", "18px")
        assert await screen.measure("small") == []


async def test_blocks_are_at_most_600_px_wide(slack: Slack, browser: Browser) -> None:
    async with window(browser, f"{slack.page_url}#channel/C1") as screen:
        box = await screen.card("A header").locator(".blocks").bounding_box()
        assert box is not None
        assert box["width"] == 600


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
async def test_a_message_is_measured_with_the_end_of_its_buttons(
    slack: Slack, browser: Browser, size: tuple[int, int]
) -> None:
    async with window(browser, f"{slack.page_url}#channel/C1", size) as screen:
        card = screen.card("A header")
        await expect(card).to_be_visible()
        extent = await screen.extent(card)
        assert 0 < extent.buttons_end < extent.height < extent.room < size[1]
        assert await _end_of(card.get_by_role("button", name="Reject"), card) == extent.buttons_end


async def _end_of(button: Locator, card: Locator) -> float:
    inner, outer = await button.bounding_box(), await card.bounding_box()
    assert inner is not None
    assert outer is not None
    return inner["y"] + inner["height"] - outer["y"]


async def test_a_long_message_is_shown_whole(slack: Slack, browser: Browser) -> None:
    place = Place(channel=slack.workspace.channels["C1"])
    post(slack.workspace, place, Content(text="Long.", blocks=[section(f"{line}. {WORDS}") for line in range(40)]))
    async with window(browser, f"{slack.page_url}#channel/C1") as screen:
        card = screen.card("39. The parcel")
        await expect(card.get_by_role("button", name="more")).to_have_count(0)
        assert (await screen.extent(card)).height > 40 * 22
