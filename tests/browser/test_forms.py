"""Every input that an app can ask for can be filled in, and reaches the app (a small Bolt app) as from Slack."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, expect
from slack_bolt.async_app import AsyncAck, AsyncApp

from playground.api.posting import Content, Place, post
from playground.slack import Slack, stand_in
from tests.browser.screen import Screen, window
from tests.playground.app import actions, bolt, button, field, modal, plain, section, serving

pytestmark = pytest.mark.asyncio(loop_scope="session")

CONFIRM = {
    "title": plain("Sure?"),
    "text": plain("It cannot be undone."),
    "confirm": plain("Do it"),
    "deny": plain("No"),
}
OPTIONS = [{"text": plain(word), "value": word.lower()} for word in ("One", "Two", "Three")]


@pytest_asyncio.fixture(loop_scope="session")
async def slack() -> AsyncIterator[Slack]:
    async with stand_in() as workspace:
        workspace.add_person("UANN", "ann", real_name="Ann")
        workspace.add_person("UBEN", "ben", real_name="Ben")
        workspace.add_channel("C1", "reviews", members=["UANN", "UBEN"])
        yield workspace


@pytest_asyncio.fixture(loop_scope="session")
async def app(slack: Slack) -> AsyncIterator[AsyncApp]:
    async with aiohttp.ClientSession() as session:
        app = bolt(slack, session)
        async with serving(app) as url:
            slack.app_at(url)
            yield app


@pytest_asyncio.fixture(loop_scope="session")
async def screen(slack: Slack, browser: Browser) -> AsyncIterator[Screen]:
    async with window(browser, f"{slack.page_url}?as=UANN#channel/C1") as opened_screen:
        yield opened_screen
        assert opened_screen.complaints == []


def write(slack: Slack, *blocks: Any) -> None:
    post(slack.workspace, Place(channel=slack.workspace.channels["C1"]), Content(text="Look.", blocks=list(blocks)))


Heard = asyncio.Queue[dict[str, Any]]


def heard(app: AsyncApp) -> Heard:
    """The actions that the app received."""
    actions: Heard = asyncio.Queue()

    @app.action({"block_id": "row"})
    async def hear(ack: AsyncAck, action: dict[str, Any]) -> None:
        actions.put_nowait(action)
        await ack()

    return actions


async def next_of(received: Heard) -> dict[str, Any]:
    async with asyncio.timeout(5):
        return await received.get()


def chooser(screen: Screen) -> Locator:
    return screen.page.locator("#messages")


async def test_a_button_with_a_confirmation_is_sent_only_after_yes(slack: Slack, app: AsyncApp, screen: Screen) -> None:
    received = heard(app)
    write(slack, actions(button("wipe", "Wipe", style="danger", confirm=CONFIRM)))
    wipe = screen.page.get_by_role("button", name="Wipe")
    for no in ("No", None):
        await wipe.click()
        await expect(screen.dialog).to_contain_text("It cannot be undone.")
        await (screen.submit(no) if no else screen.page.keyboard.press("Escape"))
        await expect(screen.dialog).to_be_hidden()
        await expect(wipe).to_be_focused()
    await wipe.click()
    await screen.submit("Do it")
    assert (await next_of(received))["action_id"] == "wipe"
    assert received.empty()


async def test_a_choice_in_a_message_is_sent_at_once(slack: Slack, app: AsyncApp, screen: Screen) -> None:
    received = heard(app)
    one: Any = {"type": "static_select", "action_id": "one", "options": OPTIONS, "placeholder": plain("Which")}
    who: Any = {"type": "users_select", "action_id": "who", "placeholder": plain("Who")}
    boxes: Any = {"type": "checkboxes", "action_id": "boxes", "options": OPTIONS}
    when: Any = {"type": "datepicker", "action_id": "when", "placeholder": plain("When")}
    write(slack, actions(one, who, boxes, when))
    await chooser(screen).get_by_label("Which").select_option(label="Two")
    assert (await next_of(received))["selected_option"]["value"] == "two"
    await chooser(screen).get_by_label("Who").select_option(label="Ben")
    assert (await next_of(received))["selected_user"] == "UBEN"
    await chooser(screen).get_by_role("checkbox", name="Three").check()
    assert [option["value"] for option in (await next_of(received))["selected_options"]] == ["three"]
    await chooser(screen).get_by_label("When").fill("2026-12-24")
    assert (await next_of(received))["selected_date"] == "2026-12-24"


async def test_every_input_of_a_form_reaches_the_app_unchanged(slack: Slack, app: AsyncApp, screen: Screen) -> None:
    sent: dict[str, Any] = {}

    @app.view("form")
    async def take(ack: AsyncAck, view: dict[str, Any]) -> None:
        sent.update(view["state"]["values"])
        await ack()

    kinds: dict[str, dict[str, Any]] = {
        "plain_text_input": {"multiline": True},
        "number_input": {"is_decimal_allowed": True},
        "email_text_input": {},
        "url_text_input": {},
        "static_select": {"options": OPTIONS},
        "multi_static_select": {"options": OPTIONS},
        "radio_buttons": {"options": OPTIONS},
        "multi_users_select": {},
        "timepicker": {},
        "datetimepicker": {},
    }
    blocks = [field(kind, kind, **more) for kind, more in kinds.items()]
    blocks += [field(kind, kind, optional=True) for kind in ("users_select", "datepicker")]  # which are left alone
    slack.workspace.views.open("UANN", "T1", modal(*blocks), None)
    within = {kind: screen.dialog.locator(f"[data-block={kind}]") for kind in kinds}
    await within["plain_text_input"].get_by_role("textbox").fill("Two\nlines")
    await within["number_input"].get_by_role("textbox").fill("2.5")
    await within["email_text_input"].get_by_role("textbox").fill("ann@example.org")
    await within["url_text_input"].get_by_role("textbox").fill("https://example.org/")
    await within["static_select"].get_by_role("combobox").select_option(label="Three")
    await within["multi_static_select"].get_by_role("checkbox", name="One").check()
    await within["multi_static_select"].get_by_role("checkbox", name="Two").check()
    await within["radio_buttons"].get_by_role("radio", name="Two").check()
    await within["multi_users_select"].get_by_role("checkbox", name="Ben").check()
    await within["timepicker"].locator("input").fill("09:30")
    await within["datetimepicker"].locator("input").fill("2026-12-24T18:00")
    await screen.submit("Send")
    await expect(screen.dialog).to_be_hidden()
    values = {kind: fields[f"{kind}_field"] for kind, fields in sent.items()}
    assert values["plain_text_input"]["value"] == "Two\nlines"
    assert values["number_input"]["value"] == "2.5"
    assert values["email_text_input"]["value"] == "ann@example.org"
    assert values["url_text_input"]["value"] == "https://example.org/"
    assert values["static_select"]["selected_option"]["value"] == "three"
    assert [option["value"] for option in values["multi_static_select"]["selected_options"]] == ["one", "two"]
    assert values["radio_buttons"]["selected_option"]["value"] == "two"
    assert values["multi_users_select"]["selected_users"] == ["UBEN"]
    assert values["timepicker"]["selected_time"] == "09:30"
    assert values["users_select"]["selected_user"] is None
    assert values["datepicker"]["selected_date"] is None
    assert values["datetimepicker"]["selected_date_time"] % 3600 == 0


async def test_forms_are_pushed_updated_and_cleared_without_losing_typed_values(
    slack: Slack, app: AsyncApp, screen: Screen
) -> None:
    answers: Iterator[dict[str, Any]] = iter(
        [
            {"response_action": "push", "view": modal(field("second"), title=plain("Pushed"))},
            {"response_action": "update", "view": modal(section("Now this."), title=plain("Updated"))},
            {"response_action": "clear"},
        ]
    )

    @app.view("form")
    async def answer(ack: AsyncAck) -> None:
        await ack(next(answers))

    slack.workspace.views.open("UANN", "T1", modal(field("first")), None)
    title = screen.dialog.get_by_role("heading")
    await screen.dialog.get_by_role("textbox").fill("Typed below.")
    await screen.submit("Send")
    await expect(title).to_have_text("Pushed")
    await screen.dialog.get_by_role("button", name="Back to the form below").click()
    await expect(screen.dialog.get_by_role("textbox")).to_have_value("Typed below.")
    await screen.submit("Send")
    await expect(title).to_have_text("Updated")
    await screen.submit("Send")
    await expect(screen.dialog).to_be_hidden()


async def test_a_form_that_the_app_updates_keeps_typed_values_and_focus(slack: Slack, screen: Screen) -> None:
    view = slack.workspace.views.open("UANN", "T1", modal(field("first")), None)
    box = screen.dialog.get_by_role("textbox")
    await box.fill("Half a sent")
    slack.workspace.views.update(view, modal(section("New."), field("first")))
    await expect(screen.dialog).to_contain_text("New.")
    await expect(box).to_be_focused()
    await expect(box).to_have_value("Half a sent")


async def test_the_apps_options_are_requested_while_typing(slack: Slack, app: AsyncApp, screen: Screen) -> None:
    @app.options("which_field")
    async def offer(ack: AsyncAck, payload: dict[str, Any]) -> None:
        await ack(options=[{"text": plain(f"{payload['value']}!"), "value": f"{payload['value']}-1"}])

    slack.workspace.views.open("UANN", "T1", modal(field("which", "external_select")), None)
    await screen.dialog.get_by_role("combobox").press_sequentially("ab")
    await expect(screen.dialog.locator("datalist option")).to_have_attribute("value", "ab-1")
