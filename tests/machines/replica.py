"""`countersign` beside a Slack without rate limits, with short claims and a fast heartbeat.

So tests need not wait long for what a killed process had claimed. REPLICA_LEASE is the number of seconds for which a
process counts as running after its last sign of life.
"""

from __future__ import annotations

import os
from datetime import timedelta
from functools import partial
from typing import NoReturn

import bot.slack.wiring
import scheduler.callbacks.sender
import scheduler.cards.lease
import scheduler.time.due
import scheduler.time.heartbeat
import store.installation.presence
from bot import cli
from scheduler.cards.reconciler import Reconciler
from tests.bot.slack.office import UNLIMITED


def main() -> NoReturn:
    for module in (scheduler.callbacks.sender, scheduler.cards.lease, scheduler.time.due):
        module.CLAIMED_FOR = timedelta(seconds=3)  # type: ignore[attr-defined]
    scheduler.time.heartbeat.EVERY = 1.0
    store.installation.presence.LEASE = timedelta(seconds=float(os.environ.get("REPLICA_LEASE", "60")))
    bot.slack.wiring.Reconciler = partial(Reconciler, rates=UNLIMITED)  # type: ignore[attr-defined,assignment]
    cli.main()
