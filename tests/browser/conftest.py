"""One browser for all tests, and for each test an office whose workspace is open in it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from tests.bot.slack.office import Office, open_office
from tests.browser.driver import executable, launch
from tests.browser.scene import CHANNEL, SENTA, scene
from tests.browser.screen import Screen, window
from tests.programs import terminal_printer


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(request: pytest.FixtureRequest) -> AsyncIterator[Browser]:
    async with launch(executable(terminal_printer(request.config))) as chromium:
        yield chromium


@pytest_asyncio.fixture(loop_scope="session")
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(database_url, tmp_path, scene=scene) as opened_office:
        yield opened_office


@pytest_asyncio.fixture(loop_scope="session")
async def screen(office: Office, browser: Browser) -> AsyncIterator[Screen]:
    """The senior reviewer's screen, in the channel where they are asked."""
    async with window(browser, f"{office.slack.page_url}?as={SENTA}#channel/{CHANNEL}") as opened_screen:
        await expect(opened_screen.page.get_by_label("Acting as")).to_have_value(SENTA)
        yield opened_screen
        assert opened_screen.complaints == []
