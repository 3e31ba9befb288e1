"""Callbacks of a whole service without Slack: when they are sent, and what health, metrics and the log show of them."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import structlog
from sqlalchemy import text

from bot.api.description.callback_shapes import CallbackBody
from bot.api.description.openapi import openapi_document
from rules.state.commands import Approve, Comment, Escalate
from tests.bot.service import HARD, SOFT, AgentApi, open_api
from tests.rules.world import RITA, SENTA, SUSI
from tests.scheduler.callbacks.receiver import Receiver

ALLOWED = {"COUNTERSIGN_CALLBACK_ALLOW": "127.0.0.0/8"}


@pytest.fixture
async def api(database_url: str, tmp_path: Path) -> AsyncIterator[AgentApi]:
    async with open_api(database_url, tmp_path, **ALLOWED) as api:
        yield api


async def _until(api: AgentApi, holds: Callable[[dict[str, Any]], bool]) -> None:
    """Poll /readyz until the counts of callbacks are as expected."""
    async with asyncio.timeout(30):
        while not holds((await api.get("/readyz")).body["posture"]["callbacks"]):
            pass


async def test_a_decision_is_sent_at_once_even_without_slack(api: AgentApi, receiver: Receiver) -> None:
    response = await api.submit(SOFT | {"callback_url": receiver.url()})
    await api.decide(Approve, response, by=RITA)
    await receiver.wait_for(1)
    assert receiver.got[0].payload["data"] == (await api.read(response)).body


async def test_a_waiting_callback_is_sent_once_the_one_before_it_is_delivered(
    api: AgentApi, receiver: Receiver
) -> None:
    response = await api.submit(HARD | {"callback_url": receiver.url()})
    await api.decide(Escalate, response, by=SENTA)
    await api.decide(Approve, response, by=SUSI)
    await receiver.wait_for(2)
    assert receiver.event_types(response.id) == ["package.escalated", "package.approved"]


async def test_each_message_is_a_callback(api: AgentApi, receiver: Receiver) -> None:
    response = await api.submit(HARD | {"callback_url": receiver.url()})
    await api.decide(Comment, response, by=SENTA, comment="Which order?", audience="agent")
    await api.post(f"/v1/packages/{response.id}/messages", {"text": "Order 456."})
    await api.decide(Comment, response, by=SENTA, comment="Between us.")
    await api.decide(Approve, response, by=SENTA)
    await receiver.wait_for(3)
    assert receiver.event_types(response.id) == ["package.message", "package.message", "package.approved"]
    texts = [[message["text"] for message in got.payload["data"]["messages"]] for got in receiver.got]
    assert texts == [["Which order?"], ["Which order?", "Order 456."], ["Which order?", "Order 456."]]


async def test_readyz_and_metrics_count_undelivered_callbacks(api: AgentApi, receiver: Receiver) -> None:
    receiver.answers(500, path="/ill")
    receiver.answers(410, path="/gone")
    for path in ("/well", "/ill", "/gone"):
        response = await api.submit(HARD | {"callback_url": receiver.url(path)})
        await api.decide(Escalate, response, by=SENTA)
        await api.decide(Approve, response, by=SUSI)
    await receiver.wait_for(4)
    await _until(api, lambda counts: counts == {"due": 1, "waiting": 1, "dead": 2, "closed_addresses": 1})
    page = (await api.get("/metrics")).text
    for line in (
        'countersign_callbacks_undelivered{state="due"} 1.0',
        'countersign_callbacks_undelivered{state="waiting"} 1.0',
        'countersign_callbacks_undelivered{state="dead"} 2.0',
        'countersign_callbacks_total{outcome="delivered"} 2.0',
        'countersign_callbacks_total{outcome="failed"} 1.0',
        'countersign_callbacks_total{outcome="dead"} 2.0',
    ):
        assert line in page


async def test_the_log_holds_ids_and_no_addresses_texts_or_secrets(api: AgentApi, receiver: Receiver) -> None:
    receiver.answers(500, 410)
    with structlog.testing.capture_logs() as told_of_all:
        for _ in range(3):
            response = await api.submit(SOFT | {"callback_url": receiver.url("/hook?token=a-token")})
            await api.decide(Approve, response, by=RITA)
        await _until(api, lambda counts: counts["dead"] > 0)
    lines = [line for line in told_of_all if line["event"].startswith("callback.")]
    query = text("SELECT secret FROM callback_secrets")
    (secret,) = await api.world.read(lambda connection: connection.execute(query).scalars().all())
    assert {line["event"] for line in lines} >= {"callback.failed", "callback.dead"}
    assert {"callback", "package", "agent", "type", "attempt"} <= lines[0].keys()
    for secrecy in ("a-token", "/hook", secret, "whsec_", SOFT["proposed_action"], "v1,"):
        assert secrecy not in json.dumps(lines)


async def test_a_callback_matches_the_api_description(api: AgentApi, receiver: Receiver) -> None:
    response = await api.submit(SOFT | {"callback_url": receiver.url()})
    await api.decide(Approve, response, by=RITA)
    await receiver.wait_for(1)
    (got,) = receiver.got
    CallbackBody.model_validate_json(got.body)
    promised = openapi_document()["webhooks"]["package"]["post"]["parameters"]
    for header in promised:
        assert re.search(header["schema"]["pattern"], got.headers[header["name"]])
