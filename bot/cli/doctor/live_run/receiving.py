"""Receives from Slack as the service does: over Socket Mode if it is set up, and otherwise over HTTP.

The service's own socket and endpoint are used, so the run tests what `countersign serve` would use. What they report to
the service (clicks, proofs, metrics) goes nowhere here.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from aiohttp import web
from slack_bolt.async_app import AsyncApp

from bot.cli.common.command_error import CommandError
from bot.cli.doctor.live_run.results import error_word
from bot.metrics import Metrics
from bot.settings import Settings
from bot.slack.context.background_tasks import BackgroundTasks
from bot.slack.outgoing.client import SlackClient
from bot.slack.transport import endpoint
from bot.slack.transport.socket import OPENS_WITHIN, Socket
from scheduler.common.messenger import SlackError

T = TypeVar("T")


class NothingUnsettled:
    """The run decides nothing, so no click needs an outcome."""

    @contextmanager
    def in_progress(self) -> Iterator[None]:
        yield


class NothingProven:
    def request_served(self) -> None:
        """The run proves nothing to the rules."""


@dataclass(frozen=True, slots=True)
class Reception:
    """What the endpoint tells of each request; nobody reads it here."""

    clicks: NothingUnsettled = field(default_factory=NothingUnsettled)
    metrics: Metrics = field(default_factory=Metrics)
    transport: NothingProven = field(default_factory=NothingProven)


async def accepted(token: str, answer: Awaitable[T]) -> T:
    """The answer, unless Slack refuses the token."""
    try:
        return await answer
    except SlackError as fault:
        raise CommandError(f"{token}: Slack refuses it ({error_word(fault)})") from fault


@asynccontextmanager
async def receiving(settings: Settings, client: SlackClient, app: AsyncApp) -> AsyncIterator[Socket | None]:
    """The socket, or None over HTTP."""
    if settings.slack_app_token:
        socket = Socket(client, settings.slack_app_token.get_secret_value(), BackgroundTasks(), NothingUnsettled())
        await accepted("SLACK_APP_TOKEN", socket.ticket())
        async with socket.open(app):
            await _greeting(socket)
            yield socket
        return
    secret = settings.slack_signing_secret
    if not secret:
        raise CommandError("SLACK_SIGNING_SECRET: is not set, so no request from Slack could be told from another")
    async with _listening(settings, endpoint.SlackEndpoint(app, secret.get_secret_value(), Reception())):
        yield None


async def _greeting(socket: Socket) -> None:
    try:
        async with asyncio.timeout(OPENS_WITHIN):
            await socket.greeted.wait()
    except TimeoutError:
        why = f" ({socket.refusal})" if socket.refusal else ""
        raise CommandError(f"Slack opens no Socket Mode connection{why}; `countersign doctor` looks into it") from None


@asynccontextmanager
async def _listening(settings: Settings, handler: endpoint.SlackEndpoint) -> AsyncIterator[None]:
    app = web.Application(client_max_size=endpoint.MAX_BODY)
    app.router.add_post(endpoint.PATH, handler.handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, settings.host, settings.port).start()
        yield
    except OSError as fault:
        address = f"{settings.host}:{settings.port}"
        raise CommandError(f"cannot listen at {address} ({fault.strerror}); stop `countersign serve` first") from fault
    finally:
        await runner.cleanup()
