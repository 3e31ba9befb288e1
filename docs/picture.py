# ruff: noqa: INP001 - a folder of documents is no package
"""Takes the README's picture of a card from the demo's own page: `python -m docs.picture`.

The card is the one of the package that README posts.
"""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import aiohttp
from playwright.async_api import Browser, ViewportSize

from bot import logs
from bot.demo.folder import Folder
from bot.demo.opening import Demo, open_demo
from bot.demo.workspace import OWNER
from bot.settings import LogFormat
from store.agents import agent_admin
from tests.browser.driver import executable, launched

DOCS = Path(__file__).parent
CARD = DOCS / "pictures" / "card.png"
WHO, WHERE, WHAT = "URITA", "C0REVIEWS", "Refund order 456"
SIZE: ViewportSize = {"width": 640, "height": 1600}


async def taken(path: Path) -> None:
    """As the reviewer sees it who is asked; without the rest of the page."""
    with TemporaryDirectory() as place:
        folder = Folder(Path(place) / "demo")
        with folder.hold(), folder.log.open("a") as log:
            logs.set_up(LogFormat.TEXT, log)
            async with open_demo(folder, 0) as demo, launched(executable(_say)) as browser:
                await _posted(demo)
                await _photographed(browser, demo.url, path)


async def _posted(demo: Demo) -> None:
    store = demo.service.store
    made = await store.write(lambda connection: agent_admin.add_agent(connection, "refunds", OWNER, store.clock()))
    headers = {"Authorization": f"Bearer {made.key}"}
    async with aiohttp.ClientSession(demo.url, headers=headers) as http:
        await http.post("/v1/packages", data=package(), raise_for_status=True)


def package() -> str:
    """What README posts with curl."""
    (found,) = re.findall(r"-d '(\{\n.+?\n  \})'", (DOCS.parent / "README.md").read_text(), re.DOTALL)
    return str(found)


async def _photographed(browser: Browser, url: str, path: Path) -> None:
    page = await browser.new_page(viewport=SIZE, device_scale_factor=1.5, timezone_id="UTC")
    await page.goto(f"{url}/playground?as={WHO}#channel/{WHERE}")
    await page.locator("#messages > .message").filter(has_text=WHAT).screenshot(path=path)


def _say(sentence: str) -> None:
    sys.stderr.write(f"{sentence}\n")


if __name__ == "__main__":
    asyncio.run(taken(CARD))
