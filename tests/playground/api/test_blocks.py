"""`blocks.validate`: anyone may ask whether Slack accepts a payload."""

from __future__ import annotations

import json
from typing import Any

import aiohttp
import pytest

from playground.slack import Slack
from tests.playground.app import modal, section

WIDE = {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3_001}}


async def validated(slack: Slack, session: aiohttp.ClientSession, **payload: Any) -> Any:
    form = {name: json.dumps(value) for name, value in payload.items()}
    async with session.post(f"{slack.api_url}blocks.validate", data=form) as response:
        return await response.json()


@pytest.mark.parametrize(
    "payload", [{"blocks": [section("Fine")]}, {"message": {"text": "Fine"}}, {"view": modal(section("Fine"))}]
)
async def test_a_payload_without_a_fault_needs_no_token(
    slack: Slack, session: aiohttp.ClientSession, payload: dict[str, Any]
) -> None:
    assert await validated(slack, session, **payload) == {"ok": True, "errors": []}


async def test_each_fault_has_its_code_and_its_place(slack: Slack, session: aiohttp.ClientSession) -> None:
    answer = await validated(slack, session, blocks=[section("Fine"), WIDE])
    assert [(error["code"], error["pointer"]) for error in answer["errors"]] == [
        ("invalid_blocks", "/blocks/1/text/text")
    ]


@pytest.mark.parametrize("payload", [{}, {"view": "x"}, {"blocks": [], "view": {}}])
async def test_a_call_without_one_payload_is_refused(
    slack: Slack, session: aiohttp.ClientSession, payload: dict[str, Any]
) -> None:
    assert (await validated(slack, session, **payload))["error"] == "invalid_arguments"
