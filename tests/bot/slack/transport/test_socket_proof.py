"""Silence in Socket Mode counts only while all connections of the app are ours: another program would take some clicks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.slack.transport import socket, socket_transport
from playground.slack import Slack, stand_in
from rules.scales import HITLLevel
from rules.state.model import Status
from tests.bot.slack.context.test_failed_clicks import beats
from tests.bot.slack.office import SECRET, SOFT, Office, beside, furnish
from tests.bot.slack.transport.test_proof import HARD_NOW, STILL_SOFT, silence, stands
from tests.rules.world import MINUTE

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "PAUSE", 0.001)


@pytest.fixture
async def slack() -> AsyncIterator[Slack]:
    async with stand_in(signing_secret=SECRET) as slack:
        furnish(slack)
        yield slack


@asynccontextmanager
async def another_program(slack: Slack) -> AsyncIterator[None]:
    """A program with the same app token and a connection of its own."""
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {slack.app_token}"}) as http:
        async with http.post(f"{slack.api_url}apps.connections.open") as answer:
            address = (await answer.json())["url"]
        async with http.ws_connect(address) as ws:
            await ws.receive()
            yield


async def wait_until_connected(office: Office, count: int) -> None:
    await office.slack.until(lambda: office.slack.sockets.connected == count)
    side: Any = office.running.service.slack
    await office.slack.until(lambda: bool(side.socket.connected))


async def test_silence_does_not_count_while_another_program_is_connected_and_the_package_becomes_hard(
    slack: Slack, database_url: str, tmp_path: Path
) -> None:
    async with another_program(slack), beside(slack, database_url, tmp_path, socket=True) as office:
        office.key = await office.hire("Clerk")
        await wait_until_connected(office, 2)
        proposal, _ = await office.submit_with_card(SOFT)
        await beats(office)
        await office.passes(9 * MINUTE)
        assert await stands(office, proposal) == STILL_SOFT
        assert "1 of the app's connections belong to another program" in await silence(office)
        await office.passes(2 * MINUTE)
        assert await stands(office, proposal) == HARD_NOW


async def test_silence_counts_again_after_the_other_program_has_disconnected(
    slack: Slack, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket_transport, "DOUBTED_EVERY", 0.0)
    async with beside(slack, database_url, tmp_path, socket=True) as office:
        office.key = await office.hire("Clerk")
        await wait_until_connected(office, 1)
        async with another_program(slack):
            assert await beats(office)
            side: Any = office.running.service.slack
            side.socket.renew(0.0)
            await office.slack.until(lambda: side.socket.others == 1)
            proposal, _ = await office.submit_with_card(SOFT)
            assert not await beats(office)
        await wait_until_connected(office, 1)
        await beats(office)
        await office.slack.until(lambda: side.socket.others == 0)
        await beats(office)
        await office.passes(5 * MINUTE)
        assert await office.status(proposal) is Status.CONSENTED


async def test_connections_of_other_replicas_are_ours(slack: Slack, database_url: str, tmp_path: Path) -> None:
    async with beside(slack, database_url, tmp_path, socket=True) as one:
        one.key = await one.hire("Clerk")
        await wait_until_connected(one, 1)
        await beats(one)
        async with beside(slack, database_url, tmp_path, clock=one.clock, socket=True) as other:
            await wait_until_connected(other, 2)
            assert await beats(other)
            proposal, _ = await one.submit_with_card(SOFT)
            one.clock.passes(5 * MINUTE)
            for office in (one, other):
                assert office.running.service.slack is not None
                await office.running.service.slack.clockwork.heart.time_skipped()
            await one.passes(MINUTE / 60)
            state = await one.state(proposal)
            assert (state.status, state.level) == (Status.CONSENTED, HITLLevel.SOFT_APPROVAL)


async def test_replacing_a_connection_does_not_stop_the_silence_clock(
    slack: Slack, database_url: str, tmp_path: Path
) -> None:
    async with beside(slack, database_url, tmp_path, socket=True) as office:
        office.key = await office.hire("Clerk")
        await wait_until_connected(office, 1)
        await beats(office)
        proposal, _ = await office.submit_with_card(SOFT)
        await office.slack.sockets.disconnect("warning")
        await wait_until_connected(office, 2)
        assert await beats(office)
        await office.passes(5 * MINUTE)
        assert await office.status(proposal) is Status.CONSENTED


async def test_a_replica_that_hangs_stops_the_clock_for_as_long_as_it_keeps_its_connection(
    slack: Slack, database_url: str, tmp_path: Path
) -> None:
    """Slack still sends it clicks after its lease has expired."""
    async with beside(slack, database_url, tmp_path, socket=True) as one:
        one.key = await one.hire("Clerk")
        side: Any = one.running.service.slack
        async with beside(slack, database_url, tmp_path, clock=one.clock, socket=True) as hanging:
            await wait_until_connected(hanging, 2)
            await beats(hanging)
            side.socket.renew(0.0)
            await slack.until(lambda: side.socket.others == 1)
            assert await beats(one)
            proposal, _ = await one.submit_with_card(SOFT)
            for _ in range(4):
                await one.passes(2 * MINUTE)
            assert await stands(one, proposal) == STILL_SOFT
            assert "to a replica that hangs" in await silence(one)
        side.socket.renew(0.0)
        await slack.until(lambda: side.socket.others == 0)
        assert await beats(one)
