"""Floods of connections without a key: they keep out neither Slack nor agents, and none of them stays open for long."""

from __future__ import annotations

import asyncio
import resource
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, suppress
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import psutil  # type: ignore[import-untyped]
import pytest
from aiohttp import web

from bot.api import polls
from bot.metrics import Metrics
from bot.process import connections, descriptors
from bot.process.connections import Connection, Connections, Phase
from bot.process.peers import Peers
from playground.model.messages import Message
from tests.bot.process import wire
from tests.bot.process.serving import Process, serve_process
from tests.bot.service import POLICY, SOFT, AgentApi, open_api
from tests.bot.slack.office import CHANNEL, RITA

MANY = 1_100  # more than the limit of 1,024 descriptors that most systems give a process
LIMITS = (1024, 1024)
SHOWN = POLICY + f'\n[channels]\ndefault = "{CHANNEL}"\n'
NOW = f"X-Slack-Request-Timestamp: {time.time():.0f}"


def nothing() -> bytes:
    return b""


def half_a_head() -> bytes:
    return b"POST /slack/events HTTP/1.1\r\nHost: x\r\n"


def half_a_body() -> bytes:
    return wire.head("none", NOW, "Content-Length: 1000", request="POST /slack/events HTTP/1.1") + b"payload="


def half_a_package() -> bytes:
    return wire.head("csk_unknown", "Content-Length: 1000") + b"{"


CROWD = (nothing, half_a_head, half_a_body, half_a_package)


@pytest.fixture(autouse=True)
def room_for_both_ends() -> None:
    """Raise the limit of this process, which holds the other ends of all connections."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


@asynccontextmanager
async def crowd(url: str) -> AsyncIterator[None]:
    """Open many connections; each sends a part of a request and stops. The service may close any of them."""
    with ExitStack() as stack:
        await asyncio.to_thread(_gather, stack, url)
        yield


def _gather(stack: ExitStack, url: str) -> None:
    where = urlsplit(url)
    for number in range(MANY):
        connection = stack.enter_context(socket.create_connection((where.hostname, where.port), timeout=20))
        with suppress(ConnectionError):
            connection.sendall(CROWD[number % len(CROWD)]())


async def soft(process: Process, http: aiohttp.ClientSession) -> tuple[str, Message]:
    """Submit a soft-approval package, and return its path and its card."""
    async with http.post("/v1/packages", json=SOFT) as posted:
        package = await posted.json()
    assert package["level"] == "soft_approval", package
    await process.slack.until(lambda: process.slack.messages(CHANNEL))
    return f"/v1/packages/{package['decision_package_id']}", process.slack.messages(CHANNEL)[0]


async def level(process: Process, path: str) -> str:
    """Read the level over a new connection."""
    async with aiohttp.ClientSession(process.url, headers=process.headers) as http, http.get(path) as response:
        return str((await response.json())["level"])


ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@ON_SQLITE
@pytest.mark.parametrize("in_socket_mode", [False, True], ids=["http", "socket"])
async def test_an_objection_gets_through_a_flood_of_keyless_connections(
    database_url: str, tmp_path: Path, *, in_socket_mode: bool
) -> None:
    async with AsyncExitStack() as stack:
        serving = serve_process(database_url, tmp_path, LIMITS, policy=SHOWN, **slack_over(socket=in_socket_mode))
        process = await stack.enter_async_context(serving)
        http = await stack.enter_async_context(aiohttp.ClientSession(process.url, headers=process.headers))
        path, card = await soft(process, http)
        logged = asyncio.create_task(process.read_log(until="http.connections_closed"))
        await stack.enter_async_context(crowd(process.url))
        async with asyncio.timeout(30):
            objected = await process.slack.click(RITA, card, "object")
            assert (objected.status, objected.error) == (200, None)
            assert await level(process, path) == "hard_approval"
            assert (await logged)["crowded"] > 1  # one line for many


def slack_over(*, socket: bool) -> dict[str, str]:
    return {"SLACK_APP_TOKEN": "xapp-stand-in"} if socket else {}


# ---- one connection


@pytest.fixture
async def api(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[AgentApi]:
    """A service with short time limits for connections."""
    short = {Phase.HEAD: 0.2, Phase.AGENT_IDLE: 0.2, Phase.KEYLESS: 2.0}
    monkeypatch.setattr(connections, "PHASE_LIMITS", {**connections.PHASE_LIMITS, **short})
    monkeypatch.setattr(connections, "HEAD_WITHIN", 0.2)
    monkeypatch.setattr(connections, "CHECK_INTERVAL", 0.05)
    async with open_api(database_url, tmp_path) as api:
        yield api


@ON_SQLITE
@pytest.mark.parametrize("says", CROWD)
async def test_a_connection_that_stops_sending_is_closed(api: AgentApi, says: Callable[[], bytes]) -> None:
    reader, writer = await wire.connect(api.url)
    writer.write(says())
    await until_closed(reader)
    writer.close()


@ON_SQLITE
async def test_a_head_sent_byte_by_byte_gets_no_more_time(api: AgentApi) -> None:
    """Another client makes a whole request between two bytes."""
    reader, writer = await wire.connect(api.url)
    async with asyncio.timeout(30):
        while not reader.at_eof() and not writer.transport.is_closing():
            writer.write(b"X")
            await api.get("/healthz")
    writer.close()


@ON_SQLITE
async def test_an_idle_connection_of_an_agent_is_closed(api: AgentApi) -> None:
    reader, writer = await wire.connect(api.url)
    writer.write(wire.head(api.key, request="GET /v1/packages HTTP/1.1"))
    assert (await wire.read_answer(reader)).status == 200
    await until_closed(reader)
    writer.close()
    assert 'countersign_connections_closed_total{reason="idle"} 1.0' in (await api.get("/metrics")).text


async def until_closed(reader: asyncio.StreamReader) -> None:
    async with asyncio.timeout(30):
        with suppress(ConnectionError):
            await reader.read()


# ---- shares and descriptors


async def test_agents_that_fill_their_share_lose_their_oldest_connections_and_slack_none() -> None:
    room = Connections(16, Peers(()), Metrics())
    slack = proven_in(room, Phase.SLACK)
    agents = [proven_in(room, Phase.AGENT) for _ in range(16)]
    assert [agent.transport is not None for agent in agents] == [False] * 8 + [True] * 8
    assert slack.transport is not None


async def test_a_request_without_a_key_over_a_connection_of_an_agent_counts_as_keyless() -> None:
    room = Connections(16, Peers(()), Metrics())
    agents = [proven_in(room, Phase.AGENT, f"192.0.2.{number}") for number in range(6)]
    for agent in agents:
        room.move(agent, Phase.KEYLESS)
    assert [agent.transport is not None for agent in agents] == [False] * 2 + [True] * 4


async def test_one_address_holds_at_most_half_of_a_keyless_share() -> None:
    room = Connections(64, Peers(()), Metrics())
    other = opened_in(room, "198.51.100.7")
    crowd = [opened_in(room) for _ in range(40)]
    assert sum(member.transport is not None for member in crowd) == 4
    assert other.transport is not None


async def test_keyless_requests_from_many_addresses_do_not_keep_a_new_connection_out() -> None:
    room = Connections(64, Peers(()), Metrics())
    for number in range(40):
        room.move(opened_in(room, f"192.0.2.{number}"), Phase.KEYLESS)
    newcomer = opened_in(room, "198.51.100.7")
    assert newcomer.transport is not None
    room.move(newcomer, Phase.KEYLESS)
    assert newcomer.transport is not None


async def test_silent_connections_do_not_push_out_requests() -> None:
    """A signature can be checked only once the body has arrived, so requests must not be pushed out before."""
    room = Connections(64, Peers(()), Metrics())
    request = opened_in(room, "198.51.100.7")
    room.move(request, Phase.KEYLESS)
    for number in range(40):
        opened_in(room, f"192.0.2.{number}")
    assert request.transport is not None


def opened_in(room: Connections, address: str = "192.0.2.1") -> Connection:
    """A connection as the registry sees it, without a socket."""
    connection = Connection(room, web.Server(_never_called))
    connection.transport = _Wire()
    room.add(connection, (address, 1))
    return connection


def proven_in(room: Connections, phase: Phase, address: str = "192.0.2.1") -> Connection:
    connection = opened_in(room, address)
    room.mark_proven(connection, phase)
    return connection


class _Wire(asyncio.Transport):
    """A transport without a socket."""

    def close(self) -> None:
        pass

    abort = close


async def _never_called(_: web.BaseRequest) -> web.StreamResponse:
    raise AssertionError


PROXIES = Peers([ip_network("10.0.0.0/8")])
FORWARDED = [
    pytest.param("192.0.2.1", "198.51.100.7", "192.0.2.1", id="a direct peer that sends the header"),
    pytest.param("10.0.0.1", "198.51.100.7", "198.51.100.7", id="a proxy of ours"),
    pytest.param("10.0.0.1", "203.0.113.9, 198.51.100.7, 10.0.0.2", "198.51.100.7", id="two proxies of ours"),
    pytest.param("::ffff:10.0.0.1", "198.51.100.7", "198.51.100.7", id="a proxy by IPv6"),
    pytest.param("10.0.0.1", "2001:db8:1:2:3::4", "2001:db8:1:2::/64", id="an IPv6 network counts as one caller"),
    pytest.param("10.0.0.1", "nonsense", None, id="an invalid address"),
    pytest.param("10.0.0.1", "", None, id="no header"),
]


@pytest.mark.parametrize(("peer", "forwarded", "name"), FORWARDED)
def test_only_a_trusted_proxy_can_name_the_client(peer: str, forwarded: str, name: str | None) -> None:
    assert PROXIES.of_request((peer, 1), {"X-Forwarded-For": forwarded}) == name


@ON_SQLITE
async def test_the_soft_limit_of_descriptors_is_raised_at_the_start(database_url: str, tmp_path: Path) -> None:
    async with serve_process(database_url, tmp_path, (300, resource.getrlimit(resource.RLIMIT_NOFILE)[1])) as process:
        soft, hard = psutil.Process(process.program.pid).rlimit(psutil.RLIMIT_NOFILE)
    assert soft == min(hard, descriptors.WANTED)


# ---- long polls


@ON_SQLITE
async def test_an_agent_over_its_limit_of_long_polls_gets_a_429(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polls.Polls.__init__, "__defaults__", (1,))
    async with open_api(database_url, tmp_path) as api:
        response, other = await api.submit(), await api.hire("Scribe")
        seen = {"If-None-Match": response.headers["ETag"]}
        waiting = asyncio.create_task(api.read(response, params={"wait": 30}, headers=seen))
        while "countersign_long_polls 1.0" not in (await api.get("/metrics")).text:
            pass
        refused = await api.read(response, params={"wait": 30}, headers=seen)
        assert (refused.problem, refused.headers["Retry-After"]) == ((429, "rate-limited"), "5")
        assert (await api.read(response)).status == 200
        assert (await api.get(f"/v1/packages/{response.id}?wait=1", key=other)).status == 404
        await api.cancel(response)
        assert (await waiting).body["status"] == "cancelled"
        assert (await api.read(response, params={"wait": 1})).status == 200
