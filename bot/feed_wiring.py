"""Starts the operators' feed: a sender for the webhook and one for the file, if the settings name them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager

import structlog

from bot.callbacks.client import CallbackClient, callback_client
from bot.feed.file import FeedFile
from bot.feed.target import ALLOW_FEED, EXPOSED, USE_HTTPS
from bot.metrics import Metrics
from bot.settings import Settings
from scheduler.feed.receiver import FeedReceiver
from scheduler.feed.sender import FeedSender
from scheduler.feed.webhook import FeedWebhook
from scheduler.ticks import ticking
from store.feed.chains import FeedKind
from store.store import Store

log = structlog.get_logger()

LOOK_EVERY = 1.0  # seconds
DRAIN_WITHIN = 10.0  # seconds at the end for what is being sent


@asynccontextmanager
async def operators_feed(settings: Settings, store: Store, metrics: Metrics) -> AsyncIterator[None]:
    """Run the senders. They begin with what was left unsent; at the end, they finish what they are sending."""
    async with AsyncExitStack() as stack:
        receivers: dict[FeedKind, FeedReceiver] = {}
        if target := settings.feed_target:
            if target.is_exposed:
                log.warning("feed.exposed", address=target.shown, because=EXPOSED, fix=USE_HTTPS)
            client = await stack.enter_async_context(feed_client(settings))
            receivers[FeedKind.WEBHOOK] = FeedWebhook(client, target.url, target.secrets)
        if settings.feed_file:
            file = FeedFile(settings.feed_file)
            stack.callback(file.close)
            receivers[FeedKind.FILE] = file
        senders = [_sender(store, kind, receiver, metrics) for kind, receiver in receivers.items()]
        for sender in senders:
            stack.push_async_callback(sender.drain, DRAIN_WITHIN)
        ticks = {f"feed to the {sender.key.feed}": (sender.tick, LOOK_EVERY) for sender in senders}
        if ticks:
            await stack.enter_async_context(ticking(ticks))
        yield


def feed_client(settings: Settings) -> AbstractAsyncContextManager[CallbackClient]:
    return callback_client(settings.feed_allow, setting=ALLOW_FEED, keeps_connections=True)


def _sender(store: Store, kind: FeedKind, receiver: FeedReceiver, metrics: Metrics) -> FeedSender:
    return FeedSender(store, kind, receiver, lambda outcome: metrics.feed_events.labels(kind, outcome).inc())
