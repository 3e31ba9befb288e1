"""Socket Mode: the app connects to Slack, and nothing is sent to its address any more."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.web.async_client import AsyncWebClient

from playground.slack import Slack
from tests.playground.app import actions, bolt, button, error_of, field, modal

Json = dict[str, Any]


@asynccontextmanager
async def connect(slack: Slack, app: AsyncApp) -> AsyncIterator[SocketModeClient]:
    handler = AsyncSocketModeHandler(app, slack.app_token, ping_interval=0.05)
    await handler.connect_async()  # type: ignore[no-untyped-call] # of slack_bolt
    try:
        await slack.until(lambda: slack.sockets.connected)
        yield handler.client
    finally:
        await handler.client.close()  # type: ignore[no-untyped-call] # of slack_sdk


@pytest.fixture
def app(slack: Slack, session: aiohttp.ClientSession) -> AsyncApp:
    return bolt(slack, session)


async def ticket(slack: Slack, session: aiohttp.ClientSession) -> str:
    client = AsyncWebClient(slack.bot_token, base_url=slack.api_url, session=session, retry_handlers=[])
    return str((await client.apps_connections_open(app_token=slack.app_token))["url"])


async def test_clicks_commands_and_events_come_over_the_socket(
    client: AsyncWebClient, slack: Slack, app: AsyncApp
) -> None:
    received: list[str] = []

    @app.action("go")
    async def on_click(ack: Any, body: Json, client: AsyncWebClient) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=modal(field("why")))

    @app.view("form")
    async def on_submission(ack: Any) -> None:
        await ack(response_action="errors", errors={"why": "Say more."})

    @app.command("/reviews")
    async def on_command(ack: Any) -> None:
        await ack("Nothing waits.")

    @app.event("user_change")
    async def on_event(body: Json) -> None:
        received.append(body["event_id"])

    # Nothing listens at this address: a request to it would fail.
    slack.app_at("http://127.0.0.1:1/slack/events")
    async with connect(slack, app):
        await client.chat_postMessage(channel="C1", text="Card", blocks=[actions(button("go"))])
        click = await slack.click("UANN", slack.messages("C1")[0], "go")
        assert (click.status, click.error) == (200, None)
        await slack.until(lambda: slack.modal("UANN"))
        assert (await slack.submit("UANN", {"why": "No."})).errors == {"why": "Say more."}
        assert [note.text for note in (await slack.command("UANN", "/reviews")).notes] == ["Nothing waits."]
        event = await slack.event(slack.person_event("UANN"))
        assert received == [event.payload["event_id"]]
    assert (await slack.event(slack.person_event("UANN"))).error == "dispatch_failed"


async def test_a_ticket_works_once(slack: Slack, session: aiohttp.ClientSession) -> None:
    url = await ticket(slack, session)
    async with session.ws_connect(url) as socket:
        hello = await socket.receive_json()
        assert (hello["type"], hello["num_connections"]) == ("hello", 1)
        assert hello["debug_info"]["approximate_connection_time"] > 0
        assert hello["connection_info"] == {"app_id": "A1"}
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(url)


async def test_socket_mode_requires_an_app_token(client: AsyncWebClient, slack: Slack) -> None:
    assert await error_of(client.apps_connections_open(app_token=slack.bot_token)) == "not_allowed_token_type"


async def test_an_envelope_that_is_not_acknowledged_in_time_is_given_up(
    slack: Slack, session: aiohttp.ClientSession
) -> None:
    slack.ack_within = 0.05
    async with session.ws_connect(await ticket(slack, session)) as socket:
        await socket.receive_json()
        outcome = await slack.command("UANN", "/reviews")
        assert outcome.error == "operation_timeout"
        envelope = await socket.receive_json()
        assert (envelope["type"], envelope["accepts_response_payload"]) == ("slash_commands", True)
        assert envelope["payload"] == outcome.payload


async def test_an_eleventh_socket_is_one_too_many(slack: Slack, session: aiohttp.ClientSession) -> None:
    sockets = [await session.ws_connect(await ticket(slack, session)) for _ in range(10)]
    await slack.until(lambda: slack.sockets.connected == 10)
    async with session.ws_connect(await ticket(slack, session)) as socket:
        disconnect = await socket.receive_json()
        assert (disconnect["type"], disconnect["reason"]) == ("disconnect", "too_many_websockets")
        assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE
    assert [socket.closed for socket in sockets] == [False] * 10


async def test_each_payload_goes_to_one_socket_or_another(slack: Slack, session: aiohttp.ClientSession) -> None:
    sockets = [await session.ws_connect(await ticket(slack, session)) for _ in range(2)]
    for socket in sockets:
        await socket.receive_json()
    slack.ack_within = 0.05
    for _ in range(2):
        await slack.event({"type": "user_change"})
    envelopes = [await socket.receive_json() for socket in sockets]
    assert len({envelope["payload"]["event_id"] for envelope in envelopes}) == 2


async def test_a_warning_leaves_the_socket_open_and_a_refresh_closes_it(
    slack: Slack, session: aiohttp.ClientSession
) -> None:
    async with session.ws_connect(await ticket(slack, session)) as socket:
        await socket.receive_json()
        await slack.sockets.disconnect("warning")
        assert (await socket.receive_json())["reason"] == "warning"
        assert slack.sockets.connected == 1
        await slack.sockets.disconnect("refresh_requested")
        assert (await socket.receive_json())["reason"] == "refresh_requested"
        assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE
        assert slack.sockets.connected == 0


async def test_the_sdk_comes_back_after_a_refresh(slack: Slack, app: AsyncApp) -> None:
    async with connect(slack, app):
        before = len(slack.calls_to("apps.connections.open"))
        await slack.sockets.disconnect("refresh_requested")
        await slack.until(lambda: slack.sockets.connected == 1)
        assert len(slack.calls_to("apps.connections.open")) == before + 1


async def test_a_socket_can_break_silently(
    slack: Slack, session: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    async with session.ws_connect(await ticket(slack, session)) as socket:
        await socket.receive_json()
        slack.sockets.drop()
        message = await socket.receive()
        assert message.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)
        assert slack.sockets.connected == 0
