"""All that time does, wound up together: one heart, and what looks around in its beat."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Self

from scheduler import heart
from scheduler.clicks import Clicks
from scheduler.consents import Consents
from scheduler.heart import Heart
from scheduler.proofs import Proofs
from scheduler.relief import Relief
from scheduler.retention import Retention
from scheduler.sweep import Sweep
from scheduler.ticks import Tick
from scheduler.way_in import WayIn
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
            "heart": (self.heart.tick, heart.EVERY),
            "sweep": (self.sweep.tick, SWEEPS_EVERY),
            "consents": (self.consents.tick, SWEEPS_EVERY),
            "relief": (self.relief.tick, RELIEVES_EVERY),
            "retention": (self.retention.tick, EMPTIES_EVERY),
        }
