"""A clock for tests: business time passes, the heart beats, and the sweep runs at the end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Self

from rules.package.model import DecisionPackage
from rules.record.chain import Event
from rules.state.model import PackageState
from scheduler.time.absences import AbsenceHandler
from scheduler.time.click_transport import Proof
from scheduler.time.clicks import UnsettledClicks
from scheduler.time.due import Sweep
from scheduler.time.heartbeat import Heartbeat
from store.installation import directory
from store.packages.events import load_events
from tests.rules.world import SOFT
from tests.scheduler.time.channel_stand_in import ChannelStandIn, consents
from tests.store.world import World


class OpenTransport:
    """A path on which clicks arrive until the test closes it."""

    sockets = 0

    def __init__(self, world: World, monotonic: Callable[[], float]) -> None:
        self._world, self._monotonic, self.open, self.is_known = world, monotonic, True, True

    @property
    def hears(self) -> bool | None:
        return self.open if self.is_known else None

    async def prove(self, *, wanted: bool, again: bool, pending: bool) -> Proof | None:
        return Proof(self._world.clock(), self._monotonic()) if self.open else None


class Clockwork:
    def __init__(self, world: World, before_reach: Callable[[], None] = lambda: None) -> None:
        self._before_reach = before_reach
        self.world, self.slack_is_there, self.real = world, True, 0.0
        self.transport, self.clicks = OpenTransport(world, lambda: self.real), UnsettledClicks(world.store)
        self.delivered_at: datetime | None = None
        self.heart = Heartbeat(
            world.store,
            self._reachable,
            self.transport,
            self.clicks,
            lambda: self.real,
            delivered_at=lambda: self.delivered_at,
        )
        self.slack = ChannelStandIn()
        self.consents = consents(world.store, self.heart, self.slack)
        self.sweep, self.absences = Sweep(world.store, self.consents.take), AbsenceHandler(world.store)

    @classmethod
    async def start(cls, world: World) -> Self:
        clockwork = cls(world)
        await clockwork.heart.tick()
        return clockwork

    async def _reachable(self) -> bool:
        self._before_reach()
        return self.slack_is_there

    async def submit_and_show(self, package: DecisionPackage = SOFT) -> PackageState:
        """A package whose card is visible to someone who may decide."""
        return await self.world.submit_and_show(package)

    async def lives(self, span: timedelta) -> None:
        """Time passes while the process runs and Slack works."""
        self.world.clock.passes(span)
        await self.heart.time_skipped()

    async def sleeps(self, span: timedelta) -> None:
        """Time passes while no process runs."""
        self.world.clock.passes(span)
        self.real += span.total_seconds()
        await self.heart.tick()

    async def passes(self, span: timedelta) -> None:
        await self.lives(span)
        await self.looks()

    async def looks(self) -> None:
        """Runs the sweep and the consents."""
        await self.sweep.tick()
        await self.consents.tick()

    async def leaves(self, who: str, until: datetime, delegate: str | None = None) -> None:
        now = self.world.clock.now
        await self.world.write(lambda connection: directory.begin_absence(connection, who, until, delegate, now))

    async def comes_back(self, who: str) -> None:
        now = self.world.clock.now
        await self.world.write(lambda connection: directory.end_absence(connection, who, now))

    async def now(self, state: PackageState) -> PackageState:
        return await self.world.state(state.decision_package_id)

    async def events(self, state: PackageState) -> list[Event]:
        world, package = self.world, state.decision_package_id
        return await world.read(lambda connection: load_events(connection, world.tenant_id, package))

    async def event_types(self, state: PackageState) -> list[str]:
        return [event["event_type"] for event in await self.events(state)]
