# ruff: noqa: INP001 - a folder of documents is no package
"""Takes the picture of a card from the demo's page: `python -m docs.picture`.

It shows the package that `agents.md` posts.
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
from tests.browser.driver import executable, launch

DOCS = Path(__file__).parent
CARD = DOCS / "pictures" / "card.png"
REVIEWER, CHANNEL, TITLE = "URITA", "C0REVIEWS", "Refund order 456"
SIZE: ViewportSize = {"width": 640, "height": 1600}


async def save_picture(path: Path) -> None:
    """Saves the card as its reviewer sees it, without the rest of the page."""
    with TemporaryDirectory() as place:
        folder = Folder(Path(place) / "demo")
        with folder.hold(), folder.log.open("a") as log:
            logs.set_up(LogFormat.TEXT, log)
            async with open_demo(folder, 0) as demo, launch(executable(_print_to_stderr)) as browser:
                await _post_package(demo)
                await _take_screenshot(browser, demo.url, path)


async def _post_package(demo: Demo) -> None:
    store = demo.service.store
    added = await store.write(lambda connection: agent_admin.add_agent(connection, "refunds", OWNER, store.clock()))
    headers = {"Authorization": f"Bearer {added.key}"}
    async with aiohttp.ClientSession(demo.url, headers=headers) as http:
        await http.post("/v1/packages", data=package(), raise_for_status=True)


def package() -> str:
    """The package that `agents.md` posts with curl."""
    (body,) = re.findall(r"-d '(\{\n.+?\n  \})'", (DOCS / "agents.md").read_text(), re.DOTALL)
    return str(body)


async def _take_screenshot(browser: Browser, url: str, path: Path) -> None:
    page = await browser.new_page(viewport=SIZE, device_scale_factor=1.5, timezone_id="UTC")
    await page.goto(f"{url}/playground?as={REVIEWER}#channel/{CHANNEL}")
    await page.locator("#messages > .message").filter(has_text=TITLE).screenshot(path=path)


def _print_to_stderr(sentence: str) -> None:
    sys.stderr.write(f"{sentence}\n")


if __name__ == "__main__":
    asyncio.run(save_picture(CARD))
