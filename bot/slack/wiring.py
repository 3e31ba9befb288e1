"""Assembles the Slack side of the service, starts it and stops it.

The start fails if Slack refuses a token, and waits a moment for the list of people. If Slack does not answer, the
service starts all the same. The end: take no more clicks, stop the ticks of the clock, finish background tasks and the
cards that are being posted, and record that this process has left.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Coroutine
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, TypeVar

import structlog
from slack_bolt.async_app import AsyncApp

from bot.metrics import Metrics
from bot.settings import Settings, SettingsError
from bot.slack.app import bolt_app
from bot.slack.context.background_tasks import BackgroundTasks
from bot.slack.context.listener_context import ListenerContext
from bot.slack.context.lookups import Lookups
from bot.slack.outgoing.client import SlackClient, web_client
from bot.slack.transport.endpoint import SlackEndpoint
from bot.slack.transport.http_transport import HttpTransport
from bot.slack.transport.probe import Prober
from bot.slack.transport.socket import Socket
from bot.slack.transport.socket_transport import SocketTransport
from bot.slack.transport.watch import Watch
from scheduler.cards.reconciler import Reconciler
from scheduler.cards.response_urls import ResponseUrls
from scheduler.clockwork import Clockwork
from scheduler.common.messenger import BusyError, SlackError, UnreachableError
from scheduler.ticks import ticking
from scheduler.time.clicks import UnsettledClicks
from scheduler.time.directory import DirectoryKeeper
from store.installation.tenancy import read_workspace_url, save_workspace_url
from store.store import Store
from store.waiters import cancel_task

log = structlog.get_logger()

T = TypeVar("T")

KEEPS_DIRECTORY_EVERY = 10.0  # seconds
READS_FIRST = 10.0  # seconds that the start waits for the list of people
FINISHES_WITHIN = 5.0  # seconds for cards that are being posted


@dataclass(frozen=True, slots=True)
class SlackSide:
    """`endpoint` is set if Slack calls us over HTTP, `socket` if we connect in Socket Mode."""

    client: SlackClient
    app: AsyncApp
    lookups: Lookups
    context: ListenerContext
    reconciler: Reconciler
    directory: DirectoryKeeper
    endpoint: SlackEndpoint | None
    socket: Socket | None
    clockwork: Clockwork

    @property
    def unproven(self) -> str | None:
        """Why silence does not count now, because objections might not arrive, and what to do. None if it counts."""
        return self.context.transport.trouble


@asynccontextmanager
async def slack_side(settings: Settings, store: Store, metrics: Metrics, *, ticks: bool) -> AsyncIterator[SlackSide]:
    """Run the Slack side. Cards that were left undelivered go out first."""
    async with web_client(settings) as web:
        side = _assemble(settings, store, SlackClient(web, metrics), metrics)
        await _check_tokens(side)
        async with _beside(side.directory.tick()) as reading:
            # A large workspace can take longer: the rest is then read while the service runs.
            await asyncio.wait({reading}, timeout=READS_FIRST)
            store.on_change.append(side.reconciler.notice)
            side.reconciler.notice()
            async with _running(side, ticks=ticks):
                yield side


@asynccontextmanager
async def _running(side: SlackSide, *, ticks: bool) -> AsyncIterator[None]:
    """Deliver cards, run the ticks and take clicks. At the end, finish what was begun."""
    jobs = {"directory": (side.directory.tick, KEEPS_DIRECTORY_EVERY), **(side.clockwork.ticks if ticks else {})}
    try:
        async with _beside(side.reconciler.run_for_ever()):
            try:
                async with ticking(jobs), side.socket.open(side.app) if side.socket else nullcontext():
                    yield
            finally:
                await side.context.background.finish()
                await side.reconciler.drain(FINISHES_WITHIN)
    finally:
        await side.clockwork.heart.stop()


@asynccontextmanager
async def _beside(work: Coroutine[Any, Any, None]) -> AsyncIterator[asyncio.Task[None]]:
    """Do the work in a task of its own, which is cancelled at the end, also if the start is cancelled."""
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        await cancel_task(task)


def _assemble(settings: Settings, store: Store, client: SlackClient, metrics: Metrics) -> SlackSide:
    directory = DirectoryKeeper(store, client)
    response_urls = ResponseUrls()
    reconciler = Reconciler(store, client, response_urls)
    clicks, secret, token = UnsettledClicks(store), settings.slack_signing_secret, settings.slack_app_token
    background = BackgroundTasks()
    socket = Socket(client, token.get_secret_value(), background, clicks) if token else None
    transport = SocketTransport(store, socket) if socket else HttpTransport(store, _prober(settings))
    context = ListenerContext(
        store, client, background, metrics, directory.invalidate, response_urls, reconciler.notice, clicks, transport
    )
    app = bolt_app(context)
    return SlackSide(
        client=client,
        app=app,
        lookups=Lookups(store, client),
        context=context,
        reconciler=reconciler,
        directory=directory,
        endpoint=SlackEndpoint(app, secret.get_secret_value(), context) if secret else None,
        socket=socket,
        clockwork=Clockwork.of(store, Watch(store, client, socket).look, transport, clicks, reconciler),
    )


def _prober(settings: Settings) -> Prober | None:
    secret = settings.slack_signing_secret
    return Prober(settings.public_url, secret.get_secret_value()) if settings.public_url and secret else None


async def _check_tokens(side: SlackSide) -> None:
    store = side.context.store
    if ours := await _require_accepted("SLACK_BOT_TOKEN", side.client.installation()):
        log.info("slack.installed", team=ours.team_id, bot=ours.bot_user_id)
        await store.write(lambda connection: save_workspace_url(connection, ours.url))
    else:
        side.client.workspace_url = await store.read(read_workspace_url)
    if side.socket:
        await _require_accepted("SLACK_APP_TOKEN", side.socket.ticket())


async def _require_accepted(token: str, answer: Awaitable[T]) -> T | None:
    """A token that Slack refuses stops the start. A Slack that does not answer does not stop it."""
    try:
        return await answer
    except (UnreachableError, BusyError) as fault:
        log.warning("slack.unreachable", error=fault.error)
        return None
    except SlackError as fault:
        raise SettingsError(f"{token}: Slack refuses it ({fault.error})") from fault
