"""The encodings of a call, and the errors for calls that cannot be read."""

from __future__ import annotations

import json
from typing import Any

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from playground.slack import Slack
from tests.playground.app import error_of, section

Json = dict[str, Any]


async def test_a_form_encoded_call_carries_structures_as_json(client: AsyncWebClient, slack: Slack) -> None:
    form = {"channel": "C1", "text": "Hello", "blocks": json.dumps([section("Hello")]), "unfurl_links": "false"}
    await client.api_call("chat.postMessage", data=form)
    (message,) = slack.messages("C1")
    assert (message.shown, message.unfurl_links, message.unfurl_media) == ("Hello", False, True)


async def test_a_token_may_be_sent_in_the_form_and_is_not_recorded(
    slack: Slack, session: aiohttp.ClientSession
) -> None:
    async with session.post(f"{slack.api_url}auth.test", data={"token": slack.bot_token}) as answer:
        assert (await answer.json())["ok"]
    assert slack.bot_token not in str(slack.calls)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"blocks": "[{"}, "invalid_blocks_format"),
        ({"blocks": "{}"}, "invalid_blocks_format"),
        ({"attachments": "x"}, "invalid_attachments"),
        ({"metadata": "[]"}, "invalid_metadata_format"),
        ({"metadata": "{"}, "invalid_metadata_format"),
        ({"blocks": "", "text": ""}, "no_text"),
        ({"username": "Boss"}, "missing_scope"),
    ],
)
async def test_malformed_structures_are_refused(
    arguments: Json, error: str, client: AsyncWebClient, slack: Slack
) -> None:
    form = {"channel": "C1", "text": "Hello", **arguments}
    assert await error_of(client.api_call("chat.postMessage", data=form)) == error
    assert slack.messages("C1") == []


@pytest.mark.parametrize(("body", "error"), [("{", "invalid_json"), ("[]", "json_not_object")])
async def test_a_json_body_must_be_an_object(
    body: str, error: str, slack: Slack, session: aiohttp.ClientSession
) -> None:
    headers = {"Authorization": f"Bearer {slack.bot_token}", "Content-Type": "application/json"}
    async with session.post(f"{slack.api_url}auth.test", data=body, headers=headers) as answer:
        assert (await answer.json())["error"] == error


async def test_a_missing_argument_is_named(client: AsyncWebClient) -> None:
    assert await error_of(client.api_call("views.open", json={"view": {}})) == "invalid_arguments"
    assert await error_of(client.api_call("views.publish", json={"user_id": "UANN"})) == "invalid_arguments"
    assert await error_of(client.api_call("users.list", params={"limit": "many"})) == "invalid_limit"
    assert await error_of(client.api_call("conversations.open", json={})) == "missing_scope"
