"""The composer lists commands while one types their name, as Slack's does, and is operated by keyboard."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, expect

from playground.slack import Command, Slack, stand_in
from tests.browser.screen import Screen, window

pytestmark = pytest.mark.asyncio(loop_scope="session")

COMMANDS = (
    Command("/remind", "[@someone] [what] [when]", "Sets a reminder"),
    Command("/reviews", "[queue | mine]", "Lists what waits for you or for others"),
    Command("/shrug", "", "Appends a shrug"),
)


@pytest_asyncio.fixture(loop_scope="session")
async def slack() -> AsyncIterator[Slack]:
    async with stand_in(commands=COMMANDS) as workspace:
        workspace.add_person("UANN", "ann", real_name="Ann")
        workspace.add_channel("C1", "reviews", members=["UANN"])
        yield workspace


@pytest_asyncio.fixture(loop_scope="session")
async def screen(slack: Slack, browser: Browser) -> AsyncIterator[Screen]:
    async with window(browser, f"{slack.page_url}#channel/C1") as opened_screen:
        await expect(opened_screen.page.get_by_role("heading", name="# reviews")).to_be_visible()
        yield opened_screen
        assert opened_screen.complaints == []


def commands(screen: Screen) -> Locator:
    return screen.page.get_by_role("listbox", name="Commands").get_by_role("option")


async def test_typing_a_slash_lists_the_commands_with_what_they_do(screen: Screen) -> None:
    await screen.box.press_sequentially("/")
    await expect(commands(screen)).to_have_count(3)
    await expect(commands(screen).nth(1)).to_have_text("/reviews [queue | mine]Lists what waits for you or for others")
    await screen.picture("commands")
    await screen.box.press_sequentially("re")
    await expect(commands(screen)).to_have_count(2)
    await screen.box.press_sequentially("vx")
    await expect(commands(screen)).to_have_count(0)


@pytest.mark.parametrize("key", ["Tab", "Enter"])
async def test_arrows_choose_a_command_and_tab_or_enter_takes_it(screen: Screen, key: str) -> None:
    await screen.box.press_sequentially("/")
    await screen.box.press("ArrowDown")
    await expect(commands(screen).nth(1)).to_have_attribute("aria-selected", "true")
    await screen.box.press("ArrowUp")
    await screen.box.press("ArrowUp")
    await expect(commands(screen).nth(2)).to_have_attribute("aria-selected", "true")
    chosen = await commands(screen).nth(2).get_attribute("id")
    await expect(screen.box).to_have_attribute("aria-activedescendant", str(chosen))
    await screen.box.press(key)
    await expect(screen.box).to_have_value("/shrug ")
    await expect(screen.box).to_be_focused()
    await expect(commands(screen)).to_have_count(0)


async def test_a_click_takes_a_command(screen: Screen) -> None:
    await screen.box.press_sequentially("/")
    await commands(screen).nth(0).click()
    await expect(screen.box).to_have_value("/remind ")
    await expect(screen.box).to_be_focused()


async def test_escape_closes_the_list_and_keeps_the_text(screen: Screen) -> None:
    await screen.box.press_sequentially("/rev")
    await screen.box.press("Escape")
    await expect(commands(screen)).to_have_count(0)
    await expect(screen.box).to_have_value("/rev")


async def test_enter_after_a_whole_name_sends_the_command(slack: Slack, screen: Screen) -> None:
    await screen.box.press_sequentially("/reviews")
    await expect(commands(screen)).to_have_count(1)
    await screen.box.press("Enter")
    await expect(screen.note).to_contain_text("/reviews failed")  # no app is connected
    await expect(commands(screen)).to_have_count(0)
