# ruff: noqa: INP001 - a folder of documents is no package
"""The moving picture of README: a card arrives, is read and approved, and the agent goes on."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.async_api import Locator, Page

GLANCE, READ = 900, 2600  # ms for which a frame is shown


class Film:
    """Screenshots of a page, each with the time for which it is shown."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._frames: list[tuple[bytes, int]] = []

    async def shoot(self, milliseconds: int) -> None:
        self._frames.append((await self._page.screenshot(), milliseconds))

    async def press(self, button: Locator) -> None:
        """Show the pointer on the button, then press it."""
        await button.hover()
        await self.shoot(GLANCE)
        await button.click()

    def save(self, path: Path) -> None:
        first, *others = [Image.open(BytesIO(image)).convert("RGB") for image, _ in self._frames]
        durations = [milliseconds for _, milliseconds in self._frames]
        first.save(path, save_all=True, append_images=others, duration=durations, loop=0, quality=75, method=6)
