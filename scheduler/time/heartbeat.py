"""The heartbeat: for how long an objection could have arrived and been executed, as far as this process can prove it.

Each beat records that the process is alive and extends its proven stretch of time up to the newest proof. A stretch
lies between two proofs that follow each other closely; the time after the last proof is not proven yet. Silence is
measured in business time, while the heart beats in real time. If the two clocks drift apart, because a clock was set or
the process was stopped, a new stretch begins.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import NamedTuple

import structlog
from sqlalchemy import Connection

from rules.policy.model import Policy
from rules.state.events import Cause
from rules.state.service_commands import Harden
from scheduler.common import clock_commands
from scheduler.time.click_transport import ClickTransport, Proof
from scheduler.time.clicks import UnsettledClicks
from scheduler.time.slack_loss import SlackLoss
from store.engine.workers import UnavailableError
from store.installation import presence, uptime
from store.installation.policy_texts import UnreadablePolicyError
from store.installation.presence import SignOfLife
from store.outbox.unposted import is_any_unposted
from store.packages.packages import is_any_soft_waiting, list_soft_waiting
from store.packages.queue import is_any_pending
from store.store import Store

log = structlog.get_logger()

EVERY = 5.0  # seconds
MISSED = 3 * EVERY  # after this time without a beat, nothing is known about the time between
MUST_WRITE = 15.0  # seconds without a successful write after which the process is not ready
NOTHING = timedelta(0)


class Stretch(NamedTuple):
    """Business time in which a click could have been executed."""

    begun: datetime
    until: datetime


class Beat(NamedTuple):
    """When the heart beat, by the business clock and by the monotonic one."""

    at: datetime
    real: float


class Heartbeat:
    def __init__(
        self,
        store: Store,
        reachable: Callable[[], Awaitable[bool]],
        transport: ClickTransport,
        clicks: UnsettledClicks,
        monotonic: Callable[[], float] = time.monotonic,
        *,
        delivered_at: Callable[[], datetime | None] = lambda: None,
    ) -> None:
        """`delivered_at`: when Slack last took a card of this process."""
        self._store, self._reachable, self._transport, self._clicks = store, reachable, transport, clicks
        self._monotonic, self._delivered_at = monotonic, delivered_at
        self._last = self._now()
        self._since = self._last.real  # earlier proofs do not count
        self._stretch: Stretch | None = None
        self._unproven = NOTHING
        self._is_known = False  # to the other replicas and to the incoming probe
        self._unwritten_since: float | None = None
        self._loss = SlackLoss(self._last.at)

    @property
    def cannot_write(self) -> bool:
        """Whether the database has refused signs of life for too long. Time spent in Slack calls does not count."""
        since = self._unwritten_since
        return since is not None and self._monotonic() - since >= MUST_WRITE

    @property
    def hears_clicks(self) -> bool:
        """Whether an objection would be heard now."""
        fresh = self._monotonic() - self._last.real <= MISSED
        return fresh and self._stretch is not None and not self._clicks.has_failures

    async def tick(self) -> None:
        await self._beat(skipped=NOTHING)

    async def time_skipped(self) -> None:
        """The business clock was moved forward by hand while the process was up: the skipped time counts as uptime."""
        await self._beat(skipped=self._store.clock() - self._last.at)

    async def stop(self) -> None:
        """Called when no more clicks are taken. Failed clicks are settled first."""
        store, now = self._store, self._store.clock()
        with suppress(UnavailableError):
            await self._clicks.settle()
            if not self._clicks.has_failures:
                await store.write(
                    lambda connection: presence.mark_gone(
                        connection, store.installation.tenant_id, store.installation.process_id, now
                    )
                )

    async def _beat(self, *, skipped: timedelta) -> None:
        elapsed, begun = self._elapsed(skipped), self._monotonic()
        try:
            can_judge = await self._store.read(self._can_judge)
            await self._clicks.settle()
            if not self._is_known:
                await self._write(None)
            waits, pending, unposted = await self._store.read(self._what_waits)
            reachable = await self._reachable()
            self._loss.note_reach(self._store.clock() - elapsed, reachable=reachable)
            again = bool(skipped)
            proof = await self._transport.prove(wanted=waits, again=again, pending=pending) if reachable else None
            self._note_loss(unposted=unposted)
            proof = self._valid_proof(proof) if can_judge else None
            await self._write(proof)
            self._unproven = self._unproven_time(proof, elapsed if reachable and waits else NOTHING, waits=waits)
            if self._unproven >= self._policy.soft.proof_lost:
                await self._lose_proof()
        except UnreadablePolicyError:
            await self._write_presence()
        except UnavailableError:
            self._stretch = None
            self._note_unwritten(begun)
        self._last = self._now()

    def _what_waits(self, connection: Connection) -> tuple[bool, bool, bool]:
        """Whether a package waits for silence, whether any waits, and whether one waits that no card shows."""
        of_tenant = (connection, self._store.installation.tenant_id)
        return is_any_soft_waiting(*of_tenant), is_any_pending(*of_tenant), is_any_unposted(*of_tenant)

    def _note_loss(self, *, unposted: bool) -> None:
        now = self._store.clock()
        self._loss.note_hearing(now, hears=self._transport.hears)
        self._loss.note_delivery(now, self._delivered_at(), waits=unposted)

    def _can_judge(self, connection: Connection) -> bool:
        """Every click is refused if the directory is stale or the current policy cannot be read."""
        roster = self._store.installation.roster(connection)
        return roster.directory.is_fresh(roster.policy, self._store.clock())

    async def _write_presence(self) -> None:
        """Clicks arrive but none can be executed, so no silence counts at any replica."""
        with suppress(UnavailableError):
            await self._write(None)
        self._stretch = None

    def _elapsed(self, skipped: timedelta) -> timedelta:
        """The time since the last beat, if both clocks agree on it; otherwise a new stretch begins."""
        now, last = self._now(), self._last
        elapsed, real = now.at - last.at, timedelta(seconds=now.real - last.real)
        if skipped or (
            elapsed >= NOTHING and real.total_seconds() <= MISSED and abs(elapsed - real).total_seconds() <= MISSED
        ):
            return elapsed
        self._stretch, self._since = None, now.real
        return NOTHING

    def _valid_proof(self, proof: Proof | None) -> Proof | None:
        """None if the proof is too old, from before a gap, or if a click failed."""
        now, reach = self._now(), self._policy.soft.proof_every
        if proof is None or self._clicks.has_failures or proof.real < self._since:
            return None
        is_old = now.at - proof.at > reach or now.real - proof.real > reach.total_seconds()
        return None if is_old else proof

    async def _write(self, proof: Proof | None) -> None:
        """Writes in one transaction that this process is alive and what it has proven."""
        installation, now, until = self._store.installation, self._store.clock(), self._proven_until(proof)
        stretch, extended = self._stretch, self._extend(until)
        sign = SignOfLife(
            tenant=installation.tenant_id,
            process=installation.process_id,
            now=now,
            proven=proof.at if proof else None,
            sockets=self._transport.sockets,
            unreached=self._loss.unreached,
            unheard=self._loss.unheard,
            undelivered=self._loss.undelivered,
            looked=self._loss.has_looked,
            listened=self._loss.has_listened,
        )

        def write(connection: Connection) -> None:
            presence.record_sign_of_life(connection, sign)
            if extended and stretch and extended.begun == stretch.begun:
                uptime.extend_uptime(connection, installation.tenant_id, installation.process_id, *extended)
            elif extended:
                uptime.begin_uptime(connection, installation.tenant_id, installation.process_id, extended.begun, now)

        self._note_unwritten(self._monotonic())
        await self._store.write(write)
        self._stretch, self._unwritten_since, self._is_known = extended, None, True

    def _note_unwritten(self, since: float) -> None:
        if self._unwritten_since is None:
            self._unwritten_since = since

    def _proven_until(self, proof: Proof | None) -> datetime | None:
        """A click in progress may still fail: nothing after its start is proven."""
        oldest = self._clicks.oldest
        return proof and (min(proof.at, oldest) if oldest else proof.at)

    def _extend(self, until: datetime | None) -> Stretch | None:
        if until is None:
            return None
        last = self._stretch
        return Stretch(last.begun, until) if last and last.until <= until else Stretch(until, until)

    def _unproven_time(self, proof: Proof | None, elapsed: timedelta, *, waits: bool) -> timedelta:
        if not waits:
            return NOTHING
        return self._store.clock() - proof.at if proof else self._unproven + elapsed

    async def _lose_proof(self) -> None:
        """Nobody knows whether an objection would arrive: every package that waits for silence becomes hard."""
        waiting = await self._store.read(
            lambda connection: list_soft_waiting(connection, self._store.installation.tenant_id)
        )
        log.warning("silence.proof_lost", packages=len(waiting), seconds=round(self._unproven.total_seconds()))
        await self._store.execute_many(
            [clock_commands.for_package(Harden, package_id, cause=Cause.PROOF_LOST) for package_id in waiting]
        )

    def _now(self) -> Beat:
        return Beat(self._store.clock(), self._monotonic())

    @property
    def _policy(self) -> Policy:
        return self._store.installation.policy
