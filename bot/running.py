"""The composition root: puts the parts together, serves, and lets them go in order."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass

import structlog
from aiohttp import web

from bot.api.service import Clock, Service, real_clock
from bot.callback_wiring import callback_side
from bot.logs import request_log
from bot.metrics import Metrics
from bot.process.connections import Connection, Connections
from bot.process.descriptors import for_connections, raised
from bot.process.draining import UNDER_WAY
from bot.process.garbage import seldom_collected
from bot.process.peers import Peers
from bot.process.restore_guard import guarded
from bot.process.server_lock import only_server
from bot.settings import Settings, SettingsError
from bot.slack.wiring import slack_side
from bot.web import Side, application
from rules.policy.parse import read_policy
from rules.policy.summary import warnings
from store.migrations.migrate import migrate
from store.store import Store

log = structlog.get_logger()

DRAIN = 10.0  # for what is under way
LINGER = 2.0  # for the last answers on their way out
AT_ONCE = 64  # connections accepted in one go, before anything is known of them


@dataclass(frozen=True, slots=True)
class Running:
    """A service that takes requests at `url`, and those of agents at a port of their own if the settings name one."""

    service: Service
    url: str
    agents_url: str


@asynccontextmanager
async def running(settings: Settings, clock: Clock = real_clock, *, ticks: bool = True) -> AsyncIterator[Running]:
    """Works, and takes requests; drains at the end: who waits is answered, what was begun is finished, all is closed.

    Whoever moves the business clock by hand may also want to say when what is due is looked for.
    """
    async with (
        working(settings, clock, ticks=ticks) as service,
        _listening(service) as (url, agents_url),
    ):
        if service.slack:
            await service.slack.clockwork.heart.tick()
        yield Running(service, url, agents_url)


@asynccontextmanager
async def working(
    settings: Settings, clock: Clock = real_clock, *, ticks: bool = True, again: bool = False
) -> AsyncIterator[Service]:
    """Migrates, opens the store and meets Slack: all but the door for requests.

    With `again` the file is put in force even if it was replaced before: for a process that owns its installation.
    """
    text = _policy_text(settings)
    policy = read_policy(text)
    await asyncio.to_thread(migrate, settings.migrates_at, clock())
    store = await Store.open(settings.database_url, policy, text.decode(), clock, again=again)
    try:
        metrics = Metrics()
        # The API alone, without Slack, is for tests and benches; `countersign serve` asks for the token.
        slack_or_none = slack_side(settings, store, metrics, ticks=ticks) if settings.slack_bot_token else nullcontext()
        async with guarded(settings, store), slack_or_none as slack, callback_side(settings, store, metrics):
            with seldom_collected():
                yield Service(settings, store, metrics, slack)
    finally:
        await store.close()


@asynccontextmanager
async def _listening(service: Service) -> AsyncIterator[tuple[str, str]]:
    """The addresses for Slack and operators, and for agents: one and the same, if agents have no port of their own."""
    settings = service.settings
    connections = Connections(for_connections(raised()), Peers(settings.trusted_proxies), service.metrics)
    async with connections.watched():
        if settings.agents_port is None:
            async with _serving(application(service), service, connections, settings.port) as url:
                yield url, url
            return
        operators, agents = application(service, Side.OPERATORS), application(service, Side.AGENTS)
        async with (
            _serving(operators, service, connections, settings.port) as url,
            _serving(agents, service, connections, settings.agents_port) as agents_url,
        ):
            yield url, agents_url


@asynccontextmanager
async def _serving(app: web.Application, service: Service, connections: Connections, port: int) -> AsyncIterator[str]:
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=LINGER, logger=request_log())
    await runner.setup()
    try:
        async with _accepting(connections.factory(runner), service.settings.host, port) as url:
            yield url
        await drained(app, service.store)
    finally:
        await runner.cleanup()


@asynccontextmanager
async def _accepting(factory: Callable[[], Connection], host: str, port: int) -> AsyncIterator[str]:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(factory, host, port, backlog=AT_ONCE)
    try:
        bound = server.sockets[0].getsockname()
        yield f"http://{bound[0]}:{bound[1]}"
    finally:
        server.close()


async def drained(app: web.Application, store: Store) -> None:
    """Who waits is answered now, and what was begun is finished."""
    store.release()
    await app[UNDER_WAY].finished(DRAIN)


def _policy_text(settings: Settings) -> bytes:
    try:
        return settings.policy.read_bytes()
    except OSError as fault:
        raise SettingsError(f"COUNTERSIGN_POLICY: {settings.policy} cannot be read ({fault.strerror})") from fault


async def serve(settings: Settings) -> None:
    """Until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signum, stop.set)
    async with only_server(settings.database_url), running(settings) as its:
        policy = its.service.store.house.policy
        log.info("service.ready", url=its.url, agents=its.agents_url, policy=policy.full_version)
        for warning in warnings(policy):
            log.warning("policy.incomplete", because=warning)
        if its.service.slack and its.service.slack.unproven:
            log.warning("silence.unproven", because=its.service.slack.unproven)
        await stop.wait()
        log.info("service.draining")
    log.info("service.stopped")
