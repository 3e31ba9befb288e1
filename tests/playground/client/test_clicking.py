"""Messages with buttons, and the results of pressing them."""

from __future__ import annotations

from typing import Any

import pytest
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from playground.slack import Message, NotPossibleError, Slack
from tests.playground.app import actions, button, error_of, modal, section
from tests.playground.manual_clock import ManualClock

Json = dict[str, Any]
CONFIRM = {
    "title": {"type": "plain_text", "text": "Sure?"},
    "text": {"type": "plain_text", "text": "It cannot be undone."},
    "confirm": {"type": "plain_text", "text": "Yes"},
    "deny": {"type": "plain_text", "text": "No"},
}
OPTIONS = [{"text": {"type": "plain_text", "text": name.title()}, "value": name} for name in ("defer", "recuse")]
CARD = [
    section("*Pay* the invoice?"),
    actions(
        button("approve", "Approve", "pkg_1"),
        button("reject", "Reject", "pkg_1", confirm=CONFIRM),
        {"type": "overflow", "action_id": "more", "options": OPTIONS},
    ),
]


async def card(client: AsyncWebClient, slack: Slack, channel: str = "C1") -> Message:
    await client.chat_postMessage(channel=channel, text="Pay the invoice?", blocks=CARD)
    return slack.messages(channel)[-1]


@pytest.fixture
def received_clicks(app: AsyncApp) -> list[Json]:
    """The click payloads that the app received. Each is acknowledged at once."""
    received_clicks: list[Json] = []

    async def listen(ack: Any, body: Json) -> None:
        await ack()
        received_clicks.append(body)

    for name in ("approve", "reject", "more"):
        app.action(name)(listen)
    return received_clicks


async def test_a_click_payload_matches_slacks_field_for_field(
    client: AsyncWebClient, slack: Slack, received_clicks: list[Json]
) -> None:
    message = await card(client, slack)
    outcome = await slack.click("UANN", message, "approve")
    assert (outcome.status, outcome.error, outcome.body) == (200, None, "")
    (payload,) = received_clicks
    assert payload == outcome.payload
    assert payload["type"] == "block_actions"
    assert payload["user"] == {"id": "UANN", "username": "ann", "name": "ann", "team_id": "T1"}
    assert payload["team"] == {"id": "T1", "domain": "stand-in"}
    assert payload["channel"] == {"id": "C1", "name": "general"}
    assert payload["container"] == {
        "type": "message",
        "message_ts": message.ts,
        "channel_id": "C1",
        "is_ephemeral": False,
    }
    assert payload["message"]["ts"] == message.ts
    assert payload["message"]["blocks"] == message.blocks
    (action,) = payload["actions"]
    assert action.pop("action_ts") > message.ts
    assert action == {
        "action_id": "approve",
        "block_id": "row",
        "type": "button",
        "value": "pkg_1",
        "text": {"type": "plain_text", "text": "Approve"},
    }


async def test_a_double_click_is_sent_twice_with_different_triggers(
    client: AsyncWebClient, slack: Slack, received_clicks: list[Json]
) -> None:
    await slack.double_click("UANN", await card(client, slack), "approve")
    assert len(received_clicks) == 2
    assert len({payload["trigger_id"] for payload in received_clicks}) == 2
    assert len({payload["actions"][0]["action_ts"] for payload in received_clicks}) == 2


async def test_the_same_payload_can_be_sent_again(
    client: AsyncWebClient, slack: Slack, received_clicks: list[Json]
) -> None:
    outcome = await slack.click("UANN", await card(client, slack), "approve")
    again = await slack.redeliver(outcome)
    assert again.status == 200
    assert received_clicks[0] == received_clicks[1]


async def test_a_menu_sends_the_chosen_option(
    client: AsyncWebClient, slack: Slack, received_clicks: list[Json]
) -> None:
    await slack.click("UANN", await card(client, slack), "more", option="defer")
    assert received_clicks[0]["actions"][0]["selected_option"] == OPTIONS[0]


async def test_a_dialog_is_declined_and_nothing_is_sent(
    client: AsyncWebClient, slack: Slack, received_clicks: list[Json]
) -> None:
    outcome = await slack.click("UANN", await card(client, slack), "reject", confirm=False)
    assert (outcome.sent, outcome.confirmation, received_clicks) == (False, CONFIRM, [])


async def test_a_dialog_is_confirmed(client: AsyncWebClient, slack: Slack, received_clicks: list[Json]) -> None:
    outcome = await slack.click("UANN", await card(client, slack), "reject")
    assert outcome.confirmation == CONFIRM
    assert len(received_clicks) == 1


async def test_only_elements_on_the_card_can_be_pressed(client: AsyncWebClient, slack: Slack, app: AsyncApp) -> None:
    message = await card(client, slack)
    with pytest.raises(NotPossibleError, match="'approve', 'reject', 'more'"):
        await slack.click("UANN", message, "override")
    with pytest.raises(NotPossibleError, match="offers"):
        await slack.click("UANN", message, "more", option="approve")


async def test_a_button_with_a_prompt_sends_nothing_to_the_app(
    client: AsyncWebClient, slack: Slack, received_clicks: list[Json]
) -> None:
    await client.chat_postMessage(channel="C1", text="x", blocks=[actions(button("approve", agent_prompt="Do it"))])
    with pytest.raises(NotPossibleError, match="opens Slackbot"):
        await slack.click("UANN", slack.messages("C1")[0], "approve")


async def test_elements_in_a_container_can_be_pressed(
    client: AsyncWebClient, slack: Slack, received_clicks: list[Json]
) -> None:
    row = actions(button("approve"), block_id="inner")
    inside = {"type": "container", "title": {"type": "plain_text", "text": "More"}, "child_blocks": [row]}
    await client.chat_postMessage(channel="C1", text="x", blocks=[inside])
    await slack.click("UANN", slack.messages("C1")[0], "approve")
    assert received_clicks[0]["actions"][0]["block_id"] == "inner"


async def test_only_members_of_the_channel_can_press(client: AsyncWebClient, slack: Slack, app: AsyncApp) -> None:
    message = await card(client, slack)
    with pytest.raises(NotPossibleError, match="UEVE is not in C1"):
        await slack.click(slack.add_person("UEVE").id, message, "approve")
    with pytest.raises(NotPossibleError, match="bots press nothing"):
        await slack.click(slack.bot_user, message, "approve")


async def test_a_phone_can_press_a_button_of_its_old_copy(
    client: AsyncWebClient, slack: Slack, received_clicks: list[Json]
) -> None:
    message = await card(client, slack)
    await client.chat_update(channel="C1", ts=message.ts, text="Settled.")
    with pytest.raises(NotPossibleError, match="0 elements"):
        await slack.click("UANN", message, "approve")
    await slack.click("UANN", message, "approve", old_copy=True)
    assert received_clicks[0]["actions"][0]["value"] == "pkg_1"
    assert received_clicks[0]["message"]["text"] == "Settled."


@pytest.mark.parametrize("user", ["UGUS", "UANN"])
async def test_guests_and_deactivated_people_can_press_too(
    user: str, client: AsyncWebClient, slack: Slack, received_clicks: list[Json]
) -> None:
    message = await card(client, slack)
    slack.change_person(user, deleted=True)
    await slack.click(user, message, "approve")
    assert received_clicks[0]["user"]["id"] == user


async def test_a_strangers_click_names_their_workspace(
    client: AsyncWebClient, slack: Slack, received_clicks: list[Json]
) -> None:
    await slack.click("USTR", await card(client, slack, "CEXT"), "approve")
    assert received_clicks[0]["user"]["team_id"] == "TFOREIGN"
    assert received_clicks[0]["team"]["id"] == "T1"


async def test_a_click_opens_a_modal(client: AsyncWebClient, slack: Slack, app: AsyncApp) -> None:
    @app.action("approve")
    async def listen(ack: Any, body: Json, client: AsyncWebClient) -> None:
        await client.views_open(trigger_id=body["trigger_id"], view=modal(section("Why?"), private_metadata="m"))
        await ack()

    outcome = await slack.click("UANN", await card(client, slack), "approve")
    (view,) = outcome.views
    assert slack.modal("UANN") == view
    assert (view.title, view.shown, view.private_metadata) == ("A form", "Why?", "m")
    assert slack.modal("UBEN") is None


async def test_an_ephemeral_message_is_seen_by_one_person(client: AsyncWebClient, slack: Slack, app: AsyncApp) -> None:
    @app.action("approve")
    async def listen(ack: Any, respond: Any) -> None:
        await ack()
        await respond("Not you.")

    outcome = await slack.click("UANN", await card(client, slack), "approve")
    (note,) = await slack.until(lambda: outcome.notes)
    assert (note.text, note.channel, note.seen_by) == ("Not you.", "C1", "UANN")
    assert slack.private_notes("UBEN") == []
    assert len(slack.messages("C1")) == 1


async def test_an_app_that_fails_is_shown_to_the_person(client: AsyncWebClient, slack: Slack, app: AsyncApp) -> None:
    @app.action("approve")
    async def listen() -> None:
        raise RuntimeError("a fault of the app's own")

    message = await card(client, slack)
    failing = await slack.click("UANN", message, "approve")
    assert (failing.status, failing.error) == (500, "dispatch_failed")
    unheard = await slack.click("UANN", message, "reject")
    assert (unheard.status, unheard.error) == (404, "dispatch_failed")


async def test_an_app_that_does_not_answer_in_time_is_given_up(
    client: AsyncWebClient, slack: Slack, app: AsyncApp
) -> None:
    gate = slack.faults.hold("auth.test", times=None)
    slack.ack_within = 0.05
    outcome = await slack.click("UANN", await card(client, slack), "approve")
    assert (outcome.status, outcome.error) == (None, "operation_timeout")
    gate.open()


async def test_an_unreachable_app_is_shown_to_the_person(client: AsyncWebClient, slack: Slack) -> None:
    outcome = await slack.click("UANN", await card(client, slack), "approve")
    assert outcome.error == "dispatch_failed"


async def test_a_person_who_left_the_channel_cannot_press(
    client: AsyncWebClient, slack: Slack, received_clicks: list[Json]
) -> None:
    message = await card(client, slack)
    slack.leave("UBEN", "C1")
    with pytest.raises(NotPossibleError, match="UBEN is not in C1"):
        await slack.click("UBEN", message, "approve")
    slack.join("UBEN", "C1")
    assert (await slack.click("UBEN", message, "approve")).ok
    await client.chat_delete(channel="C1", ts=message.ts)
    with pytest.raises(NotPossibleError, match="not there any more"):
        await slack.click("UBEN", message, "approve")
    assert (await slack.click("UBEN", message, "approve", old_copy=True)).ok


async def test_a_trigger_opens_one_view_within_three_seconds(
    client: AsyncWebClient, slack: Slack, received_clicks: list[Json], clock: ManualClock
) -> None:
    message = await card(client, slack)
    first = await slack.click("UANN", message, "approve")
    clock.advance(3)
    await client.views_open(trigger_id=first.trigger_id, view=modal(section("Why?")))
    assert await open_error(client, first.trigger_id) == "exchanged_trigger_id"
    late = await slack.click("UANN", message, "approve")
    clock.advance(3.1)
    assert await open_error(client, late.trigger_id) == "expired_trigger_id"
    assert await open_error(client, "1.2.made-up") == "invalid_trigger_id"


async def open_error(client: AsyncWebClient, trigger_id: str) -> str:
    return await error_of(client.views_open(trigger_id=trigger_id, view=modal(section("Why?"))))
