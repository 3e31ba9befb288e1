# ruff: noqa: INP001 - a folder of documents is no package
"""Takes the pictures of README from the demo's page: `python -m docs.picture`.

The still one shows the card of the package that `agents.md` posts. The moving one shows its way: the card arrives, is
read and approved, and the agent goes on.

Beside the pictures is a digest of the blocks of these cards. A test compares it with the cards of today, and so notices
that the pictures show how cards looked before.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp
from playwright.async_api import Browser, Locator, Page, ViewportSize, expect

from blocks.card.card import card
from blocks.kit.message import Message
from bot import logs
from bot.demo.assembly import Demo, open_demo
from bot.demo.folder import Folder
from bot.demo.workspace import OWNER
from bot.settings import LogFormat
from docs.film import GLANCE, READ, Film
from rules.package.model import DecisionPackage
from rules.state import agent_commands, commands
from store.agents import agent_admin
from tests.blocks.story import Story
from tests.browser.driver import executable, launch
from tests.rules.world import SENTA

DOCS = Path(__file__).parent
CARDS = DOCS / "pictures" / "cards.sha256"
CARD, APPROVAL = DOCS / "pictures" / "card.png", DOCS / "pictures" / "approval.webp"
REVIEWER, CHANNEL, TITLE = "URITA", "C0REVIEWS", "Refund order 456"
STILL: ViewportSize = {"width": 640, "height": 1600}
MOVING: ViewportSize = {"width": 1080, "height": 640}
APPROVED, CARRIED_OUT = re.compile(r"approved", re.IGNORECASE), re.compile(r"(?<!not )carried out", re.IGNORECASE)


def digest_of_cards() -> str:
    """Of what the pictures show, as it would look now."""
    drawn = [message.blocks for message in _cards_shown()]
    return sha256(json.dumps(drawn, sort_keys=True).encode()).hexdigest()


def _cards_shown() -> Iterator[Message]:
    """The card as it waits, approved, and carried out."""
    story = Story(DecisionPackage.model_validate_json(package()))
    yield card(story.dossier())
    story.then(commands.Approve, SENTA)
    yield card(story.dossier())
    claim = {"claim_id": "worker-1", "action_digest": story.state.action_digest}
    story.agent(agent_commands.ClaimExecution, **claim)
    story.agent(agent_commands.ReportExecution, claim_id="worker-1", outcome="succeeded", detail="Refunded.")
    yield card(story.dossier())


async def save_pictures() -> None:
    with TemporaryDirectory() as place:
        folder = Folder(Path(place) / "demo")
        with folder.hold(), folder.log.open("a") as log:
            logs.set_up(LogFormat.TEXT, log)
            async with (
                open_demo(folder, 0) as demo,
                launch(executable(_print_to_stderr)) as browser,
                _agent(demo) as http,
            ):
                await _film_approval(browser, demo.url, http)
                await _take_still(browser, demo.url, http)
    CARDS.write_text(f"{digest_of_cards()}\n")


@asynccontextmanager
async def _agent(demo: Demo) -> AsyncIterator[aiohttp.ClientSession]:
    store = demo.service.store
    added = await store.write(lambda connection: agent_admin.add_agent(connection, "refunds", OWNER, store.clock()))
    headers = {"Authorization": f"Bearer {added.key}"}
    async with aiohttp.ClientSession(demo.url, headers=headers, raise_for_status=True) as http:
        yield http


async def _post_package(http: aiohttp.ClientSession) -> dict[str, Any]:
    async with http.post("/v1/packages", data=package()) as answer:
        document: dict[str, Any] = await answer.json()
        return document


def package() -> str:
    """The package that `agents.md` posts with curl."""
    (body,) = re.findall(r"-d '(\{\n.+?\n  \})'", (DOCS / "agents.md").read_text(), re.DOTALL)
    return str(body)


async def _open_channel(browser: Browser, url: str, size: ViewportSize) -> Page:
    page = await browser.new_page(viewport=size, device_scale_factor=1.5, timezone_id="UTC")
    await page.goto(f"{url}/playground?as={REVIEWER}#channel/{CHANNEL}")
    await expect(page.get_by_label("Acting as")).to_have_value(REVIEWER)
    return page


def _card(page: Page) -> Locator:
    return page.locator("#messages > .message").filter(has_text=TITLE).last


async def _take_still(browser: Browser, url: str, http: aiohttp.ClientSession) -> None:
    """The card as its reviewer sees it, without the rest of the page."""
    page = await _open_channel(browser, url, STILL)
    await _post_package(http)
    await expect(_card(page).get_by_role("button", name="Approve")).to_be_visible()
    await _card(page).screenshot(path=CARD)


async def _film_approval(browser: Browser, url: str, http: aiohttp.ClientSession) -> None:
    page = await _open_channel(browser, url, MOVING)
    film, dialog = Film(page), page.get_by_role("dialog")
    await expect(page.get_by_role("complementary", name="Try it")).to_be_visible()
    await page.evaluate("document.getElementById('agents').hidden = true")  # only what is in Slack too
    await film.shoot(GLANCE)
    document = await _post_package(http)
    await expect(_card(page).get_by_role("button", name="Approve")).to_be_in_viewport()
    await film.shoot(READ)
    await film.press(_card(page).get_by_role("button", name="Details"))
    await expect(dialog).to_be_visible()
    await film.shoot(READ)
    await page.keyboard.press("Escape")
    await film.press(_card(page).get_by_role("button", name="Approve"))
    await page.mouse.move(0, 0)
    await expect(_card(page)).to_contain_text(APPROVED)
    await film.shoot(READ)
    await _carry_out(http, document)
    await expect(_card(page)).to_contain_text(CARRIED_OUT)
    await film.shoot(READ)
    film.save(APPROVAL)


async def _carry_out(http: aiohttp.ClientSession, document: dict[str, Any]) -> None:
    """As the agent does once it has the permission."""
    path = f"/v1/packages/{document['decision_package_id']}"
    claim = {"state": "claimed", "claim_id": "worker-1", "action_digest": document["action_digest"]}
    await http.post(f"{path}/execution", json=claim)
    await http.post(f"{path}/execution", json={"state": "succeeded", "claim_id": "worker-1", "detail": "Refunded."})


def _print_to_stderr(sentence: str) -> None:
    sys.stderr.write(f"{sentence}\n")


if __name__ == "__main__":
    asyncio.run(save_pictures())
