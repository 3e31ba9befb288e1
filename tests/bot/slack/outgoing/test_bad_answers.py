"""Malformed answers from Slack: each counts as "no answer", whatever its body, and never as an error of ours."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from blocks.kit.message import Message
from bot.metrics import Metrics
from bot.settings import Settings
from bot.slack.outgoing.client import SlackClient, web_client
from playground.slack import Slack, stand_in
from rules.state.model import Status
from scheduler.common.messenger import BusyError, SlackError, UnreachableError
from tests.bot.slack.office import CHANNEL, NOBODY, RITA, SENTA, SOFT, Office, open_office
from tests.bot.slack.operator_view import deliver_later, read_posture, submit_packages

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

POST, UPDATE = "chat.postMessage", "chat.update"
JSON, PLAIN = "application/json", "text/plain"
BODIES = [
    pytest.param(503, {"page": "", "content_type": PLAIN}, id="5xx, empty"),
    pytest.param(503, {"page": "upstream connect error", "content_type": PLAIN}, id="5xx, plain text"),
    pytest.param(502, {"page": "<h1>Bad Gateway</h1>"}, id="5xx, a page"),
    pytest.param(500, {"page": "", "content_type": JSON}, id="5xx, empty, with the JSON content type"),
    pytest.param(500, {"page": "{not JSON", "content_type": JSON}, id="5xx, broken JSON"),
    pytest.param(500, {"page": '["no object"]', "content_type": JSON}, id="5xx, a list"),
    pytest.param(500, {"page": "[" * 100_000, "content_type": JSON}, id="5xx, JSON too deep to read"),
    pytest.param(404, {"page": "no such host", "content_type": PLAIN}, id="4xx, plain text"),
    pytest.param(200, {"page": "", "content_type": PLAIN}, id="200, empty"),
    pytest.param(200, {"page": "ok", "content_type": PLAIN}, id="200, plain text"),
    pytest.param(200, {"page": "<h1>Sign in to the Wi-Fi</h1>"}, id="200, a page"),
    pytest.param(200, {"page": "null", "content_type": JSON}, id="200, null"),
    pytest.param(200, {"page": '"ok"', "content_type": JSON}, id="200, a string"),
    pytest.param(200, {"page": "", "content_type": "application/gzip"}, id="200, with a false gzip header"),
    pytest.param(200, {"page": '{"ok": true}', "content_type": JSON}, id="200, without the expected field"),
    pytest.param(200, {"broken_off": True, "content_type": JSON}, id="200, cut in its middle"),
    pytest.param(503, {"broken_off": True, "content_type": PLAIN}, id="5xx, cut in its middle"),
]


@pytest.fixture
async def slack() -> AsyncIterator[Slack]:
    async with stand_in() as slack:
        slack.add_channel("C1")
        yield slack


@pytest.fixture
async def client(slack: Slack) -> AsyncIterator[SlackClient]:
    settings = Settings(slack_bot_token=SecretStr(slack.bot_token), slack_api_url=slack.api_url)
    async with web_client(settings) as web:
        yield SlackClient(web, Metrics())


@pytest.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(database_url, tmp_path) as office:
        yield office


@pytest.mark.parametrize(("status", "body"), BODIES)
async def test_an_empty_answer_is_not_accepted(
    client: SlackClient, slack: Slack, status: int, body: dict[str, Any]
) -> None:
    slack.faults.status(status, times=None, **body)
    for call in (lambda: client.post("C1", Message("Text", ())), lambda: client.members("C1", ""), client.installation):
        with pytest.raises(UnreachableError):
            await call()
        assert client.trouble is not None
        assert client.trouble.startswith("unreachable: ")


@pytest.mark.parametrize(
    ("status", "page", "kind"),
    [(429, "", BusyError), (503, "", UnreachableError), (404, "used_url", SlackError)],
)
async def test_errors_of_a_response_url_are_distinguished_like_those_of_other_calls(
    client: SlackClient, slack: Slack, status: int, page: str, kind: type[SlackError]
) -> None:
    slack.faults.status(status, "response_url", page=page, content_type=PLAIN)
    with pytest.raises(SlackError) as raised:
        await client.respond(f"{slack.workspace.base_url}/playground/response/of-a-click", Message("Text", ()))
    assert type(raised.value) is kind


@on_sqlite
async def test_a_decided_card_loses_its_buttons_as_soon_as_slack_answers_again(office: Office) -> None:
    proposal, card = await office.submit_with_card(SOFT)
    office.slack.faults.status(503, UPDATE, page="", content_type=PLAIN)
    assert (await office.click(RITA, card, "approve")).ok
    await submit_packages(office)
    office.slack.faults.status(503, POST, page="upstream connect error", content_type=PLAIN)
    await office.deliver()
    assert (await read_posture(office))["slack"].startswith("unreachable: ")
    await deliver_later(office, 6)
    assert await office.status(proposal) is Status.APPROVED
    assert "Approve" not in office.slack.message(CHANNEL, card.ts).labels
    assert len(office.cards()) == 2
    assert (await read_posture(office))["slack"] == "ok"


@on_sqlite
async def test_a_form_that_slack_does_not_open_is_not_reported_as_our_fault(office: Office) -> None:
    _, card = await office.submit_with_card()
    office.slack.faults.status(503, "views.open", page="", content_type=PLAIN)
    await office.click(SENTA, card, "approve")
    assert "Please try again" in await office.notes(SENTA)
    office.slack.faults.status(503, "views.open", page="{not JSON", content_type=JSON)
    await office.click(NOBODY, card, "details")
    assert "Please try again" in await office.notes(NOBODY)


@on_sqlite
async def test_the_heartbeat_continues_while_slack_answers_nonsense(office: Office) -> None:
    assert office.running.service.slack is not None
    heart = office.running.service.slack.clockwork.heart
    office.slack.faults.status(503, "auth.test", times=None, page="", content_type=PLAIN)
    await heart.tick()
    assert (await read_posture(office))["slack"].startswith("unreachable: HTTP 503")
    office.slack.faults.clear()
    await heart.tick()
    assert heart.hears_clicks
