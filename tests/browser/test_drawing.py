"""Everything that apps send is drawn: unknown parts are reported, and hostile text stays text."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from playground.api.posting import Content, Place, post
from playground.model.messages import Message
from playground.slack import Slack, stand_in
from tests.browser.screen import PHONE, WIDE, Screen, window

pytestmark = pytest.mark.asyncio(loop_scope="session")

GOLDENS = Path(__file__).parents[1] / "blocks" / "goldens"
HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>\"'><svg onload=alert(3)>"


@pytest_asyncio.fixture(loop_scope="session")
async def slack() -> AsyncIterator[Slack]:
    async with stand_in() as workspace:
        workspace.add_person("UANN", "ann", real_name="Ann")
        workspace.add_channel("C1", "reviews", members=["UANN"])
        yield workspace


@pytest_asyncio.fixture(loop_scope="session")
async def screen(slack: Slack, browser: Browser) -> AsyncIterator[Screen]:
    async with window(browser, f"{slack.page_url}#channel/C1") as opened_screen:
        yield opened_screen
        assert opened_screen.complaints == []


def write(slack: Slack, *blocks: Any, text: str = "In short.") -> Message:
    """Post as an app, bypassing validation: the page has to cope with unknown blocks."""
    place = Place(channel=slack.workspace.channels["C1"])
    return post(slack.workspace, place, Content(text=text, blocks=list(blocks)))


def goldens(*kinds: str) -> dict[str, Any]:
    paths = [path for kind in kinds for path in sorted(GOLDENS.glob(f"{kind}_*.json"))]
    return {path.stem: json.loads(path.read_text()) for path in paths}


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
async def test_every_message_of_the_service_is_drawn_completely(
    slack: Slack, browser: Browser, size: tuple[int, int]
) -> None:
    messages = goldens("card", "note", "reviews")
    for golden in messages.values():
        write(slack, *golden["blocks"], text=golden["text"])
    async with window(browser, f"{slack.page_url}#channel/C1", size) as screen:
        await expect(screen.page.locator("#messages > .message")).to_have_count(len(messages))
        await expect(screen.page.locator(".unknown")).to_have_count(0)
        assert await screen.measure("wider") == []
        assert screen.complaints == []


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
@pytest.mark.parametrize("kind", ["details", "form", "home"])
async def test_every_view_of_the_service_is_drawn_completely(
    slack: Slack, browser: Browser, kind: str, size: tuple[int, int]
) -> None:
    async with window(browser, f"{slack.page_url}#{'home' if kind == 'home' else 'channel/C1'}", size) as screen:
        for name, golden in goldens(kind).items():
            open_view(slack, golden)
            blocks = screen.page.locator("#home .block" if kind == "home" else "dialog[open] .block")
            await expect(blocks, name).to_have_count(len(golden["blocks"]))
            await expect(screen.page.locator(".unknown"), name).to_have_count(0)
            assert (name, await screen.measure("wider"), await screen.measure("overlaps")) == (name, [], [])


def open_view(slack: Slack, golden: Any) -> None:
    views, person = slack.workspace.views, slack.workspace.people["UANN"]
    if golden["type"] == "home":
        views.publish(person.id, person.team_id, golden, None)
    else:
        views.open(person.id, person.team_id, golden, None)


@pytest.mark.parametrize(
    ("block", "text"),
    [
        ({"type": "hologram"}, "cannot draw this block: hologram"),
        ({"type": "constructor"}, "cannot draw this block: constructor"),
        ({"type": "actions", "elements": [{"type": "lever", "action_id": "a"}]}, "cannot draw this element: lever"),
        (
            {"type": "section", "text": {"type": "plain_text", "text": "a"}, "accessory": {"type": "orb"}},
            "element: orb",
        ),
        ({"type": "rich_text", "elements": [{"type": "rich_text_song"}]}, "rich text: rich_text_song"),
        (
            {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [{"type": "note"}]}]},
            "rich text: note",
        ),
        ({"type": "actions"}, "cannot draw this block, which is not as it should be: actions"),
        ({"type": "table", "rows": [[{"type": "hole"}]]}, "cannot draw this cell: hole"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_unknown_blocks_are_reported_and_the_rest_is_drawn(
    slack: Slack, screen: Screen, block: dict[str, Any], text: str
) -> None:
    write(slack, block, {"type": "section", "text": {"type": "plain_text", "text": "The rest."}})
    message = screen.card("The rest.")
    await expect(message.locator(".unknown")).to_contain_text(text)


async def test_hostile_text_stays_text_everywhere(slack: Slack, screen: Screen) -> None:
    plain = {"type": "plain_text", "text": HOSTILE, "emoji": False}
    option = {"text": plain, "value": HOSTILE}
    slack.change_person("UANN", real_name=HOSTILE, title=HOSTILE)
    slack.change_channel("C1", name=HOSTILE)
    slack.say("UANN", "C1", HOSTILE)
    write(
        slack,
        {"type": "header", "text": plain},
        {"type": "section", "text": {"type": "mrkdwn", "text": f"*{HOSTILE}* `{HOSTILE}` <javascript:alert(4)|press>"}},
        {"type": "markdown", "text": f"**{HOSTILE}** [press](javascript:alert(5))"},
        {
            "type": "rich_text",
            "elements": [
                {
                    "type": "rich_text_section",
                    "elements": [
                        {"type": "text", "text": HOSTILE},
                        {"type": "link", "url": "javascript:alert(6)", "text": "press"},
                        {"type": "user", "user_id": HOSTILE},
                    ],
                }
            ],
        },
        {
            "type": "actions",
            "elements": [
                {"type": "button", "action_id": HOSTILE, "text": plain, "accessibility_label": HOSTILE},
                {"type": "static_select", "action_id": "s", "options": [option], "placeholder": plain},
                {"type": "overflow", "action_id": "o", "options": [option]},
            ],
        },
        {"type": "image", "image_url": "http://127.0.0.1:9/x.png", "alt_text": HOSTILE},
        text=HOSTILE,
    )
    await expect(screen.page.locator("#messages > .message")).to_have_count(2)
    await expect(screen.card(HOSTILE).last).to_contain_text(HOSTILE)
    assert await screen.page.locator("main :is(script, img:not(.avatar), [onerror], [onload])").count() == 0
    links = await screen.page.locator("a").evaluate_all("links => links.map(each => each.href)")
    assert [link for link in links if link.startswith("javascript:")] == []
    await screen.picture("hostile")


async def test_slacks_own_formats_are_rendered(slack: Slack, screen: Screen) -> None:
    slack.add_group("S1", ["UANN"], handle="seniors")
    text = (
        "*bold* _italic_ ~gone~ `code *not bold*` <https://example.org/a|a page> <@UANN> <!subteam^S1> <#C1> <!here> "
        ":white_check_mark: :no_such: 2*3*4 a_b_c &lt;b&gt; <!date^0^{date_num}|never>\n&gt; a quote"
    )
    write(slack, {"type": "section", "text": {"type": "mrkdwn", "text": text}})
    message = screen.card("a quote")
    await expect(message.locator("strong", has_text="bold")).to_have_count(1)
    await expect(message.locator("em")).to_have_text("italic")
    await expect(message.locator("s")).to_have_text("gone")
    await expect(message.locator("code")).to_have_text("code *not bold*")
    await expect(message.locator("blockquote")).to_have_text("a quote")
    await expect(message.get_by_role("link", name="a page")).to_have_attribute("href", "https://example.org/a")
    await expect(message.locator(".mention.mine")).to_have_text(["@ann", "@seniors", "@here"])
    await expect(message).to_contain_text("✅ :no_such: 2*3*4 a_b_c <b>")
    await expect(message.locator(".block time")).to_have_attribute("datetime", "1970-01-01T00:00:00.000Z")
