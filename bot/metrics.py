"""Prometheus metrics: counts and times by route, verb and reason, never by person, agent or package.

Counters are of this process. Most gauges are read from the database when `/metrics` is called
(`bot.api.operations`), so every replica reports the same values.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from bot.log_output import DROPPED


class Metrics:
    """Each service has its own registry, so that two services in one process do not add up."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Histogram(
            "countersign_http_request_seconds",
            "HTTP requests by route, method and status.",
            ("route", "method", "status"),
            registry=self.registry,
        )
        self.commands = Counter(
            "countersign_commands_total",
            "Commands, by verb and result.",
            ("verb", "outcome"),
            registry=self.registry,
        )
        self.unauthenticated = Counter(
            "countersign_unauthenticated_total", "Requests without a valid key or signature.", registry=self.registry
        )
        self.wrong_keys = Counter(
            "countersign_wrong_keys_total",
            "Requests with a key that no agent has. Each is answered later than the one before it from its address.",
            registry=self.registry,
        )
        self.connections = Gauge(
            "countersign_connections", "Open connections, by what they are doing.", ("phase",), registry=self.registry
        )
        self.connections_closed = Counter(
            "countersign_connections_closed_total",
            "Connections that the service closed: idle, slow (past their time limit), or crowded (making room).",
            ("reason",),
            registry=self.registry,
        )
        self.waiting = Gauge("countersign_long_polls", "Agents that wait for an answer now.", registry=self.registry)
        self.clicks = Counter(
            "countersign_clicks_total",
            "Clicks and forms in Slack, by result: done, refused, or a fault of the service.",
            ("outcome",),
            registry=self.registry,
        )
        self.messages = Counter(
            "countersign_slack_messages_total",
            "Cards and their notes: posted, updated, or failed.",
            ("outcome",),
            registry=self.registry,
        )
        self.troubles = Gauge(
            "countersign_slack_troubles",
            "What is wrong with Slack now: 1 if it is unreachable, refuses the token, or refuses the Socket Mode"
            " connection; and the number of places where it shows nothing.",
            ("kind",),
            registry=self.registry,
        )
        self.behind = Gauge(
            "countersign_places_behind", "Places in Slack whose card is out of date.", registry=self.registry
        )
        self.silence = Gauge(
            "countersign_silence_proven",
            "1 while objections provably arrive, else 0.",
            registry=self.registry,
        )
        self.callbacks = Counter(
            "countersign_callbacks_total",
            "Attempts to deliver a callback, by result: delivered, failed (and retried), or dead.",
            ("outcome",),
            registry=self.registry,
        )
        self.undelivered = Gauge(
            "countersign_callbacks_undelivered",
            "Undelivered callbacks: to send (due), after another of the same package (waiting), or given up (dead).",
            ("state",),
            registry=self.registry,
        )
        self.mails = Counter(
            "countersign_mails_total",
            "Attempts to send a mail, by result: delivered, failed (and retried), or dead.",
            ("outcome",),
            registry=self.registry,
        )
        self.unsent = Gauge(
            "countersign_mails_unsent",
            "Mails not sent yet: news without a mail (waiting), mails to send (due), and mails given up (dead).",
            ("state",),
            registry=self.registry,
        )
        self.feed_events = Counter(
            "countersign_feed_events_total",
            "Events of the operators' feed, by receiver and by what came of them: delivered, failed (and tried again),"
            " or dead.",
            ("feed", "outcome"),
            registry=self.registry,
        )
        self.feed_behind = Gauge(
            "countersign_feed_behind", "Events that a receiver has not taken yet.", ("feed",), registry=self.registry
        )
        self.feed_lag = Gauge(
            "countersign_feed_lag_seconds",
            "How long ago the oldest event occurred that a receiver has not taken yet.",
            ("feed",),
            registry=self.registry,
        )
        self.feed_held = Gauge(
            "countersign_feed_held",
            "Packages and threads that wait, because the receiver took other events and not their next one.",
            ("feed",),
            registry=self.registry,
        )
        self.feed_lost = Gauge(
            "countersign_feed_lost",
            "Events that were given up, because the receiver took others and not these.",
            ("feed",),
            registry=self.registry,
        )
        self.measures = Gauge(
            "countersign_oversight_packages",
            "Measures of human control over the last 30 days: packages counted (part) of those considered (whole).",
            ("measure", "count"),
            registry=self.registry,
        )
        self.decision_times = Gauge(
            "countersign_oversight_decision_seconds",
            "Time to decide over the last 30 days, and its parts: median (0.5) and 90th percentile (0.9).",
            ("part", "quantile"),
            registry=self.registry,
        )

        self.registry.register(DROPPED)

    def page(self) -> tuple[bytes, str]:
        return generate_latest(self.registry), CONTENT_TYPE_LATEST
