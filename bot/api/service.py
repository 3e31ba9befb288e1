"""The parts of a running service that request handlers need: settings, store, metrics, Slack."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from aiohttp import web

from bot.api.feed_reports import FeedReports
from bot.api.oversight_metrics import OversightMetrics
from bot.api.polls import Polls
from bot.metrics import Metrics
from bot.process.wrong_keys import WrongKeys
from bot.settings import Settings
from bot.slack.wiring import SlackSide
from bot.tracing.tracing import Tracing, Untraced
from store.store import Store
from store.threads.handoff_store import HandoffStore
from store.threads.thread_store import ThreadStore


def real_clock() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Service:
    settings: Settings
    store: Store
    metrics: Metrics
    slack: SlackSide | None = None
    tracing: Tracing = field(default_factory=Untraced)
    threads: ThreadStore = field(init=False)
    handoffs: HandoffStore = field(init=False)
    polls: Polls = field(default_factory=Polls)
    wrong_keys: WrongKeys = field(init=False)
    oversight: OversightMetrics = field(init=False)
    feed_reports: FeedReports = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "wrong_keys", WrongKeys(self.metrics))
        object.__setattr__(self, "oversight", OversightMetrics(self.metrics))
        object.__setattr__(self, "feed_reports", FeedReports(self.settings))
        object.__setattr__(self, "threads", ThreadStore(self.store))
        object.__setattr__(self, "handoffs", HandoffStore(self.store))


SERVICE = web.AppKey("service", Service)
