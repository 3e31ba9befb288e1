"""Troubles are reported in the log, in /readyz, as a gauge, and in Slack to the admins that the policy names."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from blocks.home.troubles import APP_GONE, SOCKET_OFF
from bot.slack.transport import socket
from playground.slack import Slack
from store.installation import presence
from tests.bot.slack.office import ADAM, CHANNEL, POLICY, SOFT, Office, furnish, open_office
from tests.bot.slack.operator_view import deliver_later, read_metric, read_posture, submit_packages

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

ADMINS, TICKET = "C0ADMINS", "apps.connections.open"
TOLD = POLICY.replace("[channels]", f'[channels]\nadmins = "{ADMINS}"')
UNTOLD = POLICY.replace(f'admins = ["{ADAM}"]', "admins = []")


def with_a_channel_for_admins(slack: Slack) -> None:
    furnish(slack)
    slack.add_channel(ADMINS, name="countersign-admins", members=[ADAM])


@pytest.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(database_url, tmp_path, TOLD, scene=with_a_channel_for_admins) as opened:
        yield opened


@pytest.fixture
async def over_a_socket(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Office]:
    monkeypatch.setattr(socket, "PAUSE", 0.001)
    monkeypatch.setattr(socket, "MAX_PAUSE", 0.01)
    async with open_office(database_url, tmp_path, TOLD, socket=True, scene=with_a_channel_for_admins) as opened:
        await opened.slack.until(lambda: opened.slack.sockets.connected)
        yield opened


def heart(office: Office) -> Any:
    assert office.running.service.slack is not None
    return office.running.service.slack.clockwork.heart


async def trouble(office: Office, kind: str) -> float:
    return await read_metric(office, f'countersign_slack_troubles{{kind="{kind}"}}')


def texts(office: Office, place: str) -> list[str]:
    return [message.text for message in office.slack.messages(place)]


def errors(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [line for line in "".join(capsys.readouterr()).splitlines() if "slack.refuses" in line]


async def test_a_refused_channel_and_its_recovery_are_reported_to_admins_and_their_channel(
    office: Office,
) -> None:
    await office.submit_with_card(SOFT)
    office.slack.change_channel(CHANNEL, archived=True)
    for _ in range(3):
        await office.slack.event({"type": "channel_archive", "channel": CHANNEL})
        await office.deliver()
    begun = f"Countersign cannot show anything in {CHANNEL}: Slack says is_archived."
    assert [text.startswith(begun) for text in texts(office, ADMINS)] == [True]
    assert texts(office, ADAM) == texts(office, ADMINS)
    assert await trouble(office, "places") == 1
    office.slack.change_channel(CHANNEL, archived=False)
    await office.slack.event({"type": "channel_unarchive", "channel": CHANNEL})
    await office.deliver()
    assert len(texts(office, ADMINS)) == 1
    await deliver_later(office, 61)
    assert texts(office, ADMINS)[1:] == [f"Countersign can post in {CHANNEL} again."]
    assert await trouble(office, "places") == 0


async def test_a_revoked_token_is_logged_once_counted_shown_in_readyz_and_its_end_reported(
    office: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    await office.slack.event({"type": "tokens_revoked", "tokens": {"bot": ["UBOT"]}})
    office.slack.workspace.token_error = "token_revoked"
    for _ in range(3):
        await heart(office).tick()
    lines = errors(capsys)
    assert [("tokens_revoked" in line, "token_revoked" in line) for line in lines] == [(True, False), (False, True)]
    assert all("error" in line and "what=slack" in line for line in lines)
    assert (await read_posture(office))["slack"] == f"refuses the token: token_revoked. {APP_GONE}"
    assert await trouble(office, "token") == 1
    office.slack.workspace.token_error = None
    await heart(office).tick()
    await deliver_later(office, 61)
    assert (await read_posture(office))["slack"] == "ok"
    assert await trouble(office, "token") == 0
    for place in (ADMINS, ADAM):
        [alert] = texts(office, place)
        assert alert.startswith("Slack lets Countersign work again. It refused everything since ")


async def test_a_disabled_socket_mode_is_reported_while_messages_can_still_be_posted(
    over_a_socket: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    office = over_a_socket
    office.slack.faults.error(TICKET, "socket_mode_disabled", times=None)
    await office.slack.sockets.disconnect("link_disabled")
    before = len(office.slack.calls_to(TICKET))
    await office.slack.until(lambda: len(office.slack.calls_to(TICKET)) > before + 1)
    for _ in range(3):
        await heart(office).tick()
        await office.deliver()
    assert len(errors(capsys)) == 1
    sentences = await read_posture(office)
    assert sentences["socket_trouble"] == f"Slack refuses the connection: socket_mode_disabled. {SOCKET_OFF}"
    assert sentences["slack"] == "ok"
    assert await trouble(office, "socket") == 1
    [begun] = texts(office, ADMINS)
    assert begun.startswith("Clicks in Slack do not reach Countersign")
    office.slack.faults.clear()
    await office.slack.until(lambda: office.slack.sockets.connected)
    assert (await office.slack.event({"type": "app_home_opened", "tab": "messages", "user": ADAM})).ok  # after hello
    await heart(office).tick()
    await deliver_later(office, 61)
    sentences = await read_posture(office)
    assert (sentences["socket"], "socket_trouble" in sentences) == ("connected", False)
    assert texts(office, ADMINS)[1:] == ["Socket Mode is connected again: clicks in Slack reach Countersign."]
    assert await trouble(office, "socket") == 0


async def test_a_refused_socket_is_not_reported_while_another_process_is_connected(
    over_a_socket: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    office = over_a_socket
    other = presence.SignOfLife(office.store.installation.tenant_id, "another", office.clock(), None, 1)
    await office.store.write(lambda connection: presence.record_sign_of_life(connection, other))
    office.slack.faults.error(TICKET, "socket_mode_disabled", times=None)
    await office.slack.sockets.disconnect("link_disabled")
    before = len(office.slack.calls_to(TICKET))
    await office.slack.until(lambda: len(office.slack.calls_to(TICKET)) > before + 1)
    await heart(office).tick()
    await office.deliver()
    assert (errors(capsys), texts(office, ADMINS)) == ([], [])
    await office.store.write(
        lambda connection: presence.mark_gone(connection, other.tenant, other.process, office.clock())
    )
    await heart(office).tick()
    await office.deliver()
    assert len(errors(capsys)) == 1


async def test_a_trouble_that_comes_and_goes_is_reported_once(office: Office) -> None:
    for _ in range(3):
        await office.slack.event({"type": "channel_archive", "channel": CHANNEL})
        await office.deliver()
        await office.slack.event({"type": "channel_unarchive", "channel": CHANNEL})
        await office.deliver()
    assert len(texts(office, ADMINS)) == 1
    await deliver_later(office, 61)
    assert len(texts(office, ADMINS)) == 2


async def test_an_alert_that_slack_refuses_for_everybody_is_repeated_later(office: Office) -> None:
    office.slack.change_channel(CHANNEL, archived=True)
    office.slack.change_channel(ADMINS, archived=True)
    office.slack.faults.error("chat.postMessage", "messages_tab_disabled", times=2)
    await submit_packages(office, SOFT)
    await office.deliver()
    assert texts(office, ADAM) == []
    await deliver_later(office, 301)
    assert len([text for text in texts(office, ADAM) if "cannot show anything" in text]) == 1
