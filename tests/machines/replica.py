"""`countersign` beside a Slack that sets no rates, and with claims that end soon.

What is left is as it always is; only nobody waits here for what a killed process had claimed, and the heart beats
faster. REPLICA_LEASE is how many seconds a process is taken to be there after its last sign of life.
"""

from __future__ import annotations

import os
from datetime import timedelta
from functools import partial
from typing import NoReturn

import bot.slack.side
import scheduler.courier
import scheduler.heart
import scheduler.hold
import scheduler.sweep
import store.presence
from bot import cli
from scheduler.reconciler import Reconciler
from tests.slack.office import UNLIMITED


def main() -> NoReturn:
    for module in (scheduler.courier, scheduler.hold, scheduler.sweep):
        module.CLAIMED_FOR = timedelta(seconds=3)  # type: ignore[attr-defined]
    scheduler.heart.EVERY = 1.0
    store.presence.LEASE = timedelta(seconds=float(os.environ.get("REPLICA_LEASE", "60")))
    bot.slack.side.Reconciler = partial(Reconciler, rates=UNLIMITED)  # type: ignore[attr-defined,assignment]
    cli.main()
