"""How Slack sends requests to the app, how the app recognises Slack, and where the stand-in can be mounted."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest
from slack_bolt.async_app import AsyncApp
from slack_sdk.signature import SignatureVerifier
from slack_sdk.web.async_client import AsyncWebClient

from playground.client.signing import signature_headers
from playground.model.workspace import Workspace
from playground.server import application
from playground.slack import NotPossibleError, Slack
from tests.playground.app import listening

Json = dict[str, Any]


async def test_an_event_comes_again_with_its_number(slack: Slack, app: AsyncApp) -> None:
    received: list[tuple[Json, Any]] = []

    @app.event("user_change")
    async def listen(body: Json, request: Any) -> None:
        received.append((body, request.headers.get("x-slack-retry-num")))

    slack.change_person("UANN", deleted=True)
    outcome = await slack.event(slack.person_event("UANN"))
    await slack.redeliver(outcome, retry=1, reason="http_timeout")
    await slack.event(slack.group_event("S1"))
    assert received == [(outcome.payload, None), (outcome.payload, ["1"])]
    assert outcome.payload["event"]["user"]["deleted"] is True


async def test_a_request_signed_with_another_secret_is_rejected(slack: Slack, app: AsyncApp) -> None:
    slack.client.delivery.signing_secret = "another"
    outcome = await slack.event({"type": "user_change"})
    assert (outcome.status, outcome.error) == (401, "dispatch_failed")


def test_the_signature_is_slacks() -> None:
    headers = signature_headers("secret", "payload=%7B%7D")
    assert SignatureVerifier("secret").is_valid_request("payload=%7B%7D", headers)
    assert not SignatureVerifier("secret").is_valid_request("payload=%7B%7d", headers)
    assert not SignatureVerifier("secret").is_valid_request("", signature_headers("secret", "", at=1_000_000))


async def test_the_stand_in_can_be_mounted_in_another_server(session: aiohttp.ClientSession) -> None:
    workspace = Workspace()
    async with listening(application(workspace)) as workspace.base_url:
        client = AsyncWebClient(
            workspace.bot_token, base_url=f"{workspace.base_url}/playground/api/", session=session, retry_handlers=[]
        )
        assert (await client.auth_test())["team_id"] == "T1"
        url = (await client.apps_connections_open(app_token=workspace.app_token))["url"]
        async with session.ws_connect(url) as socket:
            assert (await socket.receive_json())["type"] == "hello"


async def test_the_address_of_an_app_is_verified(slack: Slack, app: AsyncApp) -> None:
    url = slack.client.delivery.url or ""
    assert (await slack.connect(url)).status == 200
    with pytest.raises(NotPossibleError, match="did not answer the challenge"):
        await slack.connect(url + "/elsewhere")
