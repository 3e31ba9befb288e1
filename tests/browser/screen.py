"""A browser window with the playground's page, and what a person does in it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from playwright.async_api import Browser, ConsoleMessage, Locator, Page, expect

PICTURES = Path(__file__).with_name("pictures")
MEASURES = Path(__file__).with_name("measures.js").read_text()
WIDE, PHONE = (1280, 800), (390, 844)
NO_DEMO = "/playground/demo/state"  # requested by the page, but missing
PATIENCE = 20_000  # ms, generous for machines with shared cores
expect.set_options(timeout=PATIENCE)
Scheme = Literal["light", "dark"]


@dataclass(frozen=True, slots=True)
class Extent:
    """How much of the screen a message takes, in px. `buttons_end` is measured from the top of the message."""

    height: float
    buttons_end: float
    room: float  # the height of the part of the page that shows messages


class Screen:
    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on("console", self._hear)
        page.on("pageerror", lambda fault: self.complaints.append(str(fault)))
        page.on("dialog", lambda dialog: self.complaints.append(f"a dialog of the browser: {dialog.message}"))

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and NO_DEMO not in str(message.location):
            self.complaints.append(message.text)

    def card(self, words: str) -> Locator:
        """A message in the channel, found by its text."""
        return self.page.locator("#messages > .message").filter(has_text=words)

    @property
    def dialog(self) -> Locator:
        return self.page.get_by_role("dialog")

    @property
    def thread(self) -> Locator:
        return self.page.get_by_role("complementary", name="Thread")

    @property
    def box(self) -> Locator:
        return self.page.get_by_role("textbox", name="Message, or a command")

    @property
    def note(self) -> Locator:
        """The private note."""
        return self.page.locator("#messages > .message").filter(has_text="Only visible to you")

    async def become(self, user: str) -> None:
        await self.page.get_by_label("Acting as").select_option(user)
        await expect(self.page.get_by_label("Acting as")).to_have_value(user)

    async def slack_is(self, how: str) -> None:
        await self.page.get_by_label("Slack is").select_option(how)

    async def press(self, card: Locator, name: str) -> None:
        await card.get_by_role("button", name=name).click()

    async def submit(self, name: str) -> None:
        await self.dialog.get_by_role("button", name=name, exact=True).click()

    async def write(self, words: str) -> None:
        await self.box.fill(words)
        await self.box.press("Enter")

    async def picture(self, name: str) -> None:
        """Save a screenshot for people to look at."""
        PICTURES.mkdir(exist_ok=True)
        await self.page.screenshot(path=PICTURES / f"{name}.png")

    async def measure(self, what: str) -> Any:
        """What a function of measures.js finds wrong with the page's layout."""
        return await self.page.evaluate(f"() => {{ {MEASURES}; return {what}(); }}")

    async def extent(self, message: Locator) -> Extent:
        return Extent(**await message.evaluate(f"message => {{ {MEASURES}; return extent(message); }}"))


@asynccontextmanager
async def window(
    browser: Browser, url: str, size: tuple[int, int] = WIDE, scheme: Scheme = "light"
) -> AsyncIterator[Screen]:
    context = await browser.new_context(
        viewport={"width": size[0], "height": size[1]}, color_scheme=scheme, has_touch=size == PHONE
    )
    context.set_default_timeout(PATIENCE)
    screen = Screen(await context.new_page())
    await screen.page.goto(url)
    yield screen
    await context.close()
