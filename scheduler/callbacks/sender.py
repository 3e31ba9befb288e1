"""Delivers callbacks: claims what is due, sends it, writes down what came of it. Many at once, few to one address.

All its times are real ones: neither receivers nor leases know of a business clock.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import partial

import structlog
from sqlalchemy import Connection

from scheduler.callbacks.concurrency import Lanes
from scheduler.callbacks.post import Post, UnsentError
from scheduler.callbacks.retries import Again, Dead, Delivered, Verdict, failed, judged
from scheduler.callbacks.webhook import envelope
from scheduler.common import endings
from store.agents.agent_admin import leave_unsealed
from store.agents.callback_secrets import VaultError
from store.engine.workers import UnavailableError
from store.outbox import deliveries
from store.outbox.deliveries import ClaimedCallback, DueCallback
from store.store import Store

log = structlog.get_logger()

CLAIMED_FOR = timedelta(minutes=1)  # longer than any attempt takes
BREATHES = 0.02  # seconds between two looks, so that a thousand commits are not a thousand looks


def _real() -> datetime:
    return datetime.now(UTC)


class Courier:
    """`count` is told of each attempt what came of it: delivered, failed or dead."""

    def __init__(
        self,
        store: Store,
        post: Post,
        count: Callable[[str], None],
        now: Callable[[], datetime] = _real,
        chance: Callable[[], float] = random.random,
        *,
        opens: Callable[[str], str] = leave_unsealed,
    ) -> None:
        self._store, self._post, self._count, self._now, self._chance = store, post, count, now, chance
        self._opens = opens
        self._news, self._alone, self._lanes = asyncio.Event(), asyncio.Lock(), Lanes()
        self._under_way: set[asyncio.Task[None]] = set()
        self._ending = False

    def notice(self) -> None:
        """Something was committed, or a place has become free: look now, not at the next tick."""
        self._news.set()

    async def run_for_ever(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            begun = time.monotonic()
            await self.tick()
            # A look that took long, because very much is due to somebody who has no room, is not taken again and again.
            await asyncio.sleep(max(BREATHES, time.monotonic() - begun))

    async def tick(self) -> None:
        """Sets out with everything that is due and for which there is room. Does not wait for what comes of it."""
        async with self._alone:
            try:
                while not self._ending and await self._set_out():
                    pass
            except UnavailableError as fault:
                log.warning("callbacks.database_unavailable", error=str(fault))

    async def finished(self, within: float) -> None:
        """Nothing new is begun. What is not done by then is cut off, and sent again by whoever is there."""
        self._ending = True
        async with self._alone:
            pass
        await endings.finished(self._under_way, within)

    async def _set_out(self) -> bool:
        """Whether anything was there to be taken: then there may be more."""
        if not self._lanes.room:
            return False
        found = self._lanes.entered(await self._due())
        taken: list[ClaimedCallback] = []
        try:
            taken = await self._claimed(found) if found else []
        finally:
            self._leave(set(found) - {its.as_due for its in taken})
        for its in taken:
            task = asyncio.create_task(self._deliver(its))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
        return bool(taken)

    def _leave(self, found: Iterable[DueCallback]) -> None:
        for each in found:
            self._lanes.leave(each)

    async def _due(self) -> list[DueCallback]:
        look = partial(
            deliveries.list_due_callbacks,
            tenant_id=self._store.installation.tenant_id,
            now=self._now(),
            limit=self._lanes.room,
            full_agents=self._lanes.full_agents,
            full_addresses=self._lanes.full_addresses,
        )
        return await self._store.read(look)

    async def _claimed(self, found: list[DueCallback]) -> list[ClaimedCallback]:
        tenant_id, now = self._store.installation.tenant_id, self._now()
        return await self._store.write(
            lambda connection: deliveries.claim_callbacks(connection, tenant_id, found, now, now + CLAIMED_FOR)
        )

    async def _deliver(self, its: ClaimedCallback) -> None:
        """One attempt. Whatever stands in its way is its own matter; what is not written down is sent again."""
        try:
            await self._settle(its, self._spoken_against(its) or await self._attempted(its))
        except UnavailableError as fault:
            log.warning("callback.not_settled", **_ids(its), error=str(fault))
        except Exception:
            log.exception("callback.fault", **_ids(its))
        finally:
            self._leave([its.as_due])
            self.notice()

    def _spoken_against(self, its: ClaimedCallback) -> Dead | None:
        if its.revoked:
            return Dead("not sent: its agent was revoked")
        if its.closed:
            return Dead("not sent: the address answered 410 Gone before; `countersign callbacks enable` opens it again")
        if its.body is None:
            return Dead("not sent: retention has emptied its words")
        if not its.secrets:
            return Dead("not sent: its agent has no secret to sign with; `countersign agents rotate` makes one")
        return None

    async def _attempted(self, its: ClaimedCallback) -> Verdict:
        try:
            return await self._sent(its)
        except (UnsentError, VaultError) as fault:
            error = str(fault)
        except Exception:
            log.exception("callback.fault", **_ids(its))
            error = "a fault of Countersign itself, told in its log"
        return failed(error, its.attempts, self._now(), self._chance())

    async def _sent(self, its: ClaimedCallback) -> Verdict:
        body = (its.body or "").encode()
        headers = envelope(its.callback_id, self._now(), body, map(self._opens, its.secrets))
        reply = await self._post.send(its.url, headers, body)
        return judged(reply, its.attempts, self._now(), self._chance())

    async def _settle(self, its: ClaimedCallback, verdict: Verdict) -> None:
        await self._store.write(partial(_settle, its=its, verdict=verdict, now=self._now()), quick=True)
        match verdict:
            case Delivered():
                log.info("callback.delivered", **_ids(its))
                self._count("delivered")
            case Again(at, error):
                log.info("callback.failed", **_ids(its), error=error, again_at=at.isoformat())
                self._count("failed")
            case Dead(error):
                log.error("callback.dead", **_ids(its), error=error)
                self._count("dead")


def _settle(connection: Connection, its: ClaimedCallback, verdict: Verdict, now: datetime) -> None:
    match verdict:
        case Delivered():
            deliveries.record_delivery(connection, its, now)
        case Again(at, error, quiet_until):
            deliveries.schedule_retry(connection, its, now, at, error)
            if quiet_until:
                deliveries.pause_address(connection, its, now, quiet_until)
        case Dead(error, closed):
            deliveries.mark_dead(connection, its, now, error)
            if closed:
                deliveries.pause_address(connection, its, now, None)


def _ids(its: ClaimedCallback) -> dict[str, object]:
    """Never the address: it may hold what only its owner should know."""
    return {
        "callback": its.callback_id,
        "package": its.package_id,
        "agent": its.agent_id,
        "type": its.event_type,
        "attempt": its.attempts + 1,
    }
