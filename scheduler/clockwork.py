"""All that time does, wound up together: one heart, and what looks around in its beat."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Self

from scheduler.cards.proofs import Proofs
from scheduler.ticks import Tick
from scheduler.time import heartbeat
from scheduler.time.absences import Relief
from scheduler.time.clicks import Clicks
from scheduler.time.consents import Consents
from scheduler.time.due import Sweep
from scheduler.time.heartbeat import Heart
from scheduler.time.retention import Retention
from scheduler.time.way_in import WayIn
from store.store import Store

SWEEPS_EVERY = 1.0
RELIEVES_EVERY = 10.0
EMPTIES_EVERY = 3600.0


@dataclass(frozen=True, slots=True)
class Clockwork:
    heart: Heart
    sweep: Sweep
    consents: Consents
    relief: Relief
    retention: Retention

    @classmethod
    def of(
        cls,
        store: Store,
        reachable: Callable[[], Awaitable[bool]],
        way_in: WayIn,
        clicks: Clicks,
        proofs: Proofs,
    ) -> Self:
        beating = Heart(store, reachable, way_in, clicks)
        consents = Consents(store, beating, proofs)
        return cls(beating, Sweep(store, consents.take), consents, Relief(store), Retention(store))

    @property
    def ticks(self) -> Mapping[str, tuple[Tick, float]]:
        return {
            "heart": (self.heart.tick, heartbeat.EVERY),
            "sweep": (self.sweep.tick, SWEEPS_EVERY),
            "consents": (self.consents.tick, SWEEPS_EVERY),
            "relief": (self.relief.tick, RELIEVES_EVERY),
            "retention": (self.retention.tick, EMPTIES_EVERY),
        }
