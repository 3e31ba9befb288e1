"""The composition root: builds the service, listens for requests and shuts down in order.

`open_service` migrates the database, opens the store and connects to Slack and to the agents' callbacks. `run_service`
also listens on HTTP. `serve_until_stopped` is `countersign serve`: it ends on SIGTERM or SIGINT. At the end, long polls
are answered, requests in progress get `DRAIN_WITHIN` seconds, and then everything is closed in reverse order.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass

import structlog
from aiohttp import web

from bot.api.service import Service, real_clock
from bot.callback_wiring import callback_sender
from bot.feed_wiring import operators_feed
from bot.logs import request_log
from bot.metrics import Metrics
from bot.process.connections import Connection, Connections
from bot.process.descriptors import connection_limit, raise_descriptor_limit
from bot.process.draining import ACTIVE_REQUESTS
from bot.process.garbage import rare_collection
from bot.process.peers import Peers
from bot.process.restore_guard import restore_guard
from bot.process.server_lock import hold_server_lock
from bot.settings import Settings, SettingsError
from bot.slack.wiring import slack_side
from bot.tracing.opening import open_tracing
from bot.web import Audience, application
from rules.policy.parse import read_policy
from rules.policy.summary import warnings
from store.commands.policies import PolicyFile
from store.migrations.migrate import migrate
from store.store import Clock, Store

log = structlog.get_logger()

DRAIN_WITHIN = 10.0  # seconds for requests in progress
SEND_WITHIN = 2.0  # seconds to send the last answers
BACKLOG = 64  # connections that asyncio accepts in one go, before `Connections` can close any


@dataclass(frozen=True, slots=True)
class RunningService:
    """A service that listens at `url`. `agents_url` differs if agents have a port of their own."""

    service: Service
    url: str
    agents_url: str


@asynccontextmanager
async def run_service(
    settings: Settings, clock: Clock = real_clock, *, ticks: bool = True
) -> AsyncIterator[RunningService]:
    """Open the service and listen for requests; drain at the end.

    `ticks=False` switches off the periodic jobs: tests that move the clock run them themselves.
    """
    async with (
        open_service(settings, clock, ticks=ticks) as service,
        _listen(service) as (url, agents_url),
    ):
        if service.slack:
            await service.slack.clockwork.heart.tick()
        yield RunningService(service, url, agents_url)


@asynccontextmanager
async def open_service(
    settings: Settings, clock: Clock = real_clock, *, ticks: bool = True, again: bool = False
) -> AsyncIterator[Service]:
    """Migrate the database, open the store and connect to Slack, without listening for requests.

    With `again`, the policy file is applied even if it was in force before and has been replaced. Only a process that
    owns its installation, such as the demo, may do that.
    """
    text = _read_policy_file(settings)
    file = PolicyFile(read_policy(text), text.decode())
    await asyncio.to_thread(migrate, settings.migration_database_url, clock())
    store = await Store.open(settings.database_url, file, clock, again=again, clicks_provable=settings.can_prove_clicks)
    try:
        metrics = Metrics()
        # The API alone, without Slack, is for tests and benchmarks; `countersign serve` requires the token.
        slack_or_none = slack_side(settings, store, metrics, ticks=ticks) if settings.slack_bot_token else nullcontext()
        async with (
            restore_guard(settings, store),
            open_tracing(os.environ) as tracing,
            slack_or_none as slack,
            callback_sender(settings, store, metrics, slack, tracing),
            operators_feed(settings, store, metrics),
        ):
            if tracing.is_on:
                store.observers.append(tracing.observe)
            with rare_collection():
                yield Service(settings, store, metrics, slack, tracing)
    finally:
        await store.close()


@asynccontextmanager
async def _listen(service: Service) -> AsyncIterator[tuple[str, str]]:
    """Yield the URL for Slack and operators, and the one for agents: the same without COUNTERSIGN_AGENTS_PORT."""
    settings = service.settings
    connections = Connections(
        connection_limit(raise_descriptor_limit()), Peers(settings.trusted_proxies), service.metrics
    )
    async with connections.watch():
        if settings.agents_port is None:
            async with _serve_app(application(service), service, connections, settings.port) as url:
                yield url, url
            return
        operators, agents = application(service, Audience.OPERATORS), application(service, Audience.AGENTS)
        async with (
            _serve_app(operators, service, connections, settings.port) as url,
            _serve_app(agents, service, connections, settings.agents_port) as agents_url,
        ):
            yield url, agents_url


@asynccontextmanager
async def _serve_app(app: web.Application, service: Service, connections: Connections, port: int) -> AsyncIterator[str]:
    runner = web.AppRunner(
        app, access_log=None, handle_signals=False, shutdown_timeout=SEND_WITHIN, logger=request_log()
    )
    await runner.setup()
    try:
        async with _accept_connections(connections.factory(runner), service.settings.host, port) as url:
            yield url
        await drain(app, service.store)
    finally:
        await runner.cleanup()


@asynccontextmanager
async def _accept_connections(factory: Callable[[], Connection], host: str, port: int) -> AsyncIterator[str]:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(factory, host, port, backlog=BACKLOG)
    try:
        bound = server.sockets[0].getsockname()
        yield f"http://{bound[0]}:{bound[1]}"
    finally:
        server.close()


async def drain(app: web.Application, store: Store) -> None:
    """Answer long polls now, and wait for requests in progress."""
    store.waiters.release()
    await app[ACTIVE_REQUESTS].drain(DRAIN_WITHIN)


def _read_policy_file(settings: Settings) -> bytes:
    try:
        return settings.policy.read_bytes()
    except OSError as fault:
        raise SettingsError(f"COUNTERSIGN_POLICY: {settings.policy} cannot be read ({fault.strerror})") from fault


async def serve_until_stopped(settings: Settings) -> None:
    """Run the service until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signum, stop.set)
    async with hold_server_lock(settings.database_url), run_service(settings) as running:
        policy = running.service.store.installation.policy
        log.info("service.ready", url=running.url, agents=running.agents_url, policy=policy.full_version)
        log.info("mail.on" if settings.mail else "mail.off", **_mail_facts(settings))
        for warning in warnings(policy):
            log.warning("policy.incomplete", because=warning)
        if running.service.slack and running.service.slack.unproven:
            log.warning("silence.unproven", because=running.service.slack.unproven)
        await stop.wait()
        log.info("service.draining")
    log.info("service.stopped")


def _mail_facts(settings: Settings) -> dict[str, str]:
    if settings.mail is None:
        return {"fix": "set COUNTERSIGN_SMTP_URL and COUNTERSIGN_EMAIL_FROM to reach people when Slack is away"}
    server, sender = settings.mail
    return {"server": str(server), "sender": sender.addr_spec}
