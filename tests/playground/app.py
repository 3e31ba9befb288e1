"""A small ordinary app: Bolt, served over HTTP on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from playground.slack import Slack


def bolt(slack: Slack, session: aiohttp.ClientSession) -> AsyncApp:
    client = AsyncWebClient(slack.bot_token, base_url=slack.api_url, session=session, retry_handlers=[])
    return AsyncApp(client=client, signing_secret=slack.signing_secret)


@asynccontextmanager
async def serving(app: AsyncApp) -> AsyncIterator[str]:
    """Serve the app, and return its address."""

    async def entry(request: web.Request) -> web.StreamResponse:
        return await to_aiohttp_response(await app.async_dispatch(await to_bolt_request(request)))

    plain = web.Application()
    plain.add_routes([web.post("/slack/events", entry)])
    async with listening(plain) as url:
        yield f"{url}/slack/events"


@asynccontextmanager
async def listening(app: web.Application) -> AsyncIterator[str]:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def refusal_of(call: Awaitable[AsyncSlackResponse]) -> AsyncSlackResponse:
    with pytest.raises(SlackApiError) as refused:
        await call
    answer: AsyncSlackResponse = refused.value.response
    return answer


async def error_of(call: Awaitable[AsyncSlackResponse]) -> str:
    return str((await refusal_of(call))["error"])


def button(action_id: str, label: str = "Press", value: str = "1", **more: object) -> dict[str, object]:
    return {
        "type": "button",
        "action_id": action_id,
        "value": value,
        "text": {"type": "plain_text", "text": label},
        **more,
    }


def actions(*elements: dict[str, object], block_id: str = "row") -> dict[str, object]:
    return {"type": "actions", "block_id": block_id, "elements": list(elements)}


def section(text: str, **more: object) -> dict[str, object]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}, **more}


def plain(text: str) -> dict[str, object]:
    return {"type": "plain_text", "text": text}


def modal(*blocks: dict[str, object], **more: object) -> dict[str, object]:
    return {
        "type": "modal",
        "callback_id": "form",
        "title": plain("A form"),
        "submit": plain("Send"),
        "blocks": list(blocks),
        **more,
    }


def field(
    block_id: str, kind: str = "plain_text_input", *, optional: bool = False, **more: object
) -> dict[str, object]:
    element = {"type": kind, "action_id": f"{block_id}_field", **more}
    return {"type": "input", "block_id": block_id, "label": plain("Field"), "optional": optional, "element": element}
