"""All interval jobs of the clock, built together: the heartbeat, and the jobs that rely on it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Self

from scheduler.cards.reconciler import Reconciler
from scheduler.ticks import Tick
from scheduler.time import heartbeat
from scheduler.time.absences import AbsenceHandler
from scheduler.time.click_transport import ClickTransport
from scheduler.time.clicks import UnsettledClicks
from scheduler.time.consents import Consents
from scheduler.time.due import Sweep
from scheduler.time.handoffs import HandoffEnds
from scheduler.time.heartbeat import Heartbeat
from scheduler.time.outcomes import OutcomeCounting
from scheduler.time.retention import Retention
from scheduler.time.threads import StoppedThreads
from store.store import Store

# Seconds.
SWEEP_EVERY = 1.0
CHECK_ABSENCES_EVERY = 10.0
END_HANDOFFS_EVERY = 5.0
COUNT_OUTCOMES_EVERY = 5.0
EMPTY_EVERY = 3600.0


@dataclass(frozen=True, slots=True)
class Clockwork:
    heart: Heartbeat
    sweep: Sweep
    consents: Consents
    absences: AbsenceHandler
    threads: StoppedThreads
    retention: Retention
    handoffs: HandoffEnds
    outcomes: OutcomeCounting

    @classmethod
    def of(
        cls,
        store: Store,
        reachable: Callable[[], Awaitable[bool]],
        transport: ClickTransport,
        clicks: UnsettledClicks,
        reconciler: Reconciler,
    ) -> Self:
        """The clock's parts for one process."""
        heart = Heartbeat(store, reachable, transport, clicks, delivered_at=lambda: reconciler.delivered_at)
        consents = Consents(store, heart, reconciler.proofs)
        return cls(
            heart,
            Sweep(store, consents.take),
            consents,
            AbsenceHandler(store),
            StoppedThreads(store),
            Retention(store),
            HandoffEnds(store),
            OutcomeCounting(store),
        )

    @property
    def ticks(self) -> Mapping[str, tuple[Tick, float]]:
        """What runs in the background, and how many seconds lie between two runs."""
        return {
            "heart": (self.heart.tick, heartbeat.EVERY),
            "sweep": (self.sweep.tick, SWEEP_EVERY),
            "consents": (self.consents.tick, SWEEP_EVERY),
            "threads": (self.threads.tick, SWEEP_EVERY),
            "relief": (self.absences.tick, CHECK_ABSENCES_EVERY),
            "handoffs": (self.handoffs.tick, END_HANDOFFS_EVERY),
            "outcomes": (self.outcomes.tick, COUNT_OUTCOMES_EVERY),
            "retention": (self.retention.tick, EMPTY_EVERY),
        }
