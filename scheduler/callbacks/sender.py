"""Sends callbacks and mails: claims due ones, sends them, and records the result. Many run at once, few to one address.

A claim is a lease. If a process dies after claiming one, the claim expires and it is sent again with the same id. All
times are real time: neither receivers nor leases know the business clock. How something is sent is a `Post`.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Protocol

import structlog
from sqlalchemy import Connection

from scheduler.callbacks.client import CallbackClient
from scheduler.callbacks.concurrency import ConcurrencyLimits
from scheduler.callbacks.retries import AttemptResult, Dead, Delivered, Dropped, Postponed, Retry, result_of_failure
from scheduler.callbacks.tracing import BeginDelivery, pass_trace_on
from scheduler.callbacks.webhook import WebhookPost
from scheduler.common import endings
from store.agents.agent_admin import leave_unsealed
from store.engine.workers import UnavailableError
from store.mail import letters
from store.outbox import deliveries
from store.outbox.callbacks import PostKind, Urgency
from store.outbox.deliveries import ClaimedCallback, DueCallback
from store.store import Store

log = structlog.get_logger()

CLAIMED_FOR = timedelta(minutes=1)  # longer than any attempt takes
FAULT = "a fault of Countersign itself, told in its log"
PAUSE = 0.02  # seconds between two rounds, so that a thousand commits do not cause a thousand rounds


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Post(Protocol):
    """A way of sending. It must take less time than a claim lasts."""

    count: Callable[[str], None]

    async def attempt(self, callback: ClaimedCallback) -> AttemptResult: ...


class CallbackSender:
    """`count` gets the outcome of each attempt. Without `mail`, other processes send the mails."""

    def __init__(
        self,
        store: Store,
        client: CallbackClient,
        count: Callable[[str], None],
        now: Callable[[], datetime] = _utc_now,
        chance: Callable[[], float] = random.random,
        *,
        decrypt: Callable[[str], str] = leave_unsealed,
        mail: Post | None = None,
        trace: BeginDelivery = pass_trace_on,
    ) -> None:
        self._store, self._now, self._chance = store, now, chance
        self._posts: dict[PostKind, Post] = {
            PostKind.CALLBACK: WebhookPost(client, count, now, chance, decrypt, trace=trace)
        }
        self._posts |= {PostKind.MAIL: mail} if mail else {}
        self._urgencies = list(Urgency) if mail else [Urgency.CALLBACK]
        self._wake, self._lock, self._limits = asyncio.Event(), asyncio.Lock(), ConcurrencyLimits()
        self._running: set[asyncio.Task[None]] = set()
        self._draining = False

    def notice(self) -> None:
        """Start a round now instead of after the pause: something was committed, or a limit has room again."""
        self._wake.set()

    async def run_for_ever(self) -> None:
        """Sends what is due at each notice."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            begun = time.monotonic()
            await self.tick()
            # If many callbacks are due for agents without room, a round is slow and must not run again at once.
            await asyncio.sleep(max(PAUSE, time.monotonic() - begun))

    async def tick(self) -> None:
        """Starts sending everything that is due and has room. Does not wait for results."""
        async with self._lock:
            try:
                while not self._draining and await self._start_work():
                    pass
            except UnavailableError as fault:
                log.warning("callbacks.database_unavailable", error=str(fault))

    async def drain(self, within: float) -> None:
        """Starts nothing new and waits. Late callbacks are cancelled, and some process sends them again."""
        self._draining = True
        async with self._lock:
            pass
        await endings.finish_or_cancel(self._running, within)

    async def _start_work(self) -> bool:
        """True if something was claimed: then there may be more."""
        dues = self._limits.admit(await self._due())
        claimed: list[ClaimedCallback] = []
        try:
            claimed = await self._claim(dues) if dues else []
        finally:
            self._release(set(dues) - {callback.as_due for callback in claimed})
        for callback in claimed:
            task = asyncio.create_task(self._deliver(callback))
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        return bool(claimed)

    def _release(self, dues: Iterable[DueCallback]) -> None:
        for due in dues:
            self._limits.release(due)

    async def _due(self) -> list[DueCallback]:
        """The most urgent first."""
        look = partial(
            deliveries.list_due_callbacks,
            tenant_id=self._store.installation.tenant_id,
            now=self._now(),
            full_agents=self._limits.full_agents,
            full_addresses=self._limits.full_addresses,
        )
        open_rooms = [(urgency, room) for urgency in self._urgencies if (room := self._limits.room(urgency)) > 0]
        if not open_rooms:
            return []
        return await self._store.read(
            lambda connection: [
                due for urgency, room in open_rooms for due in look(connection, urgency=urgency, limit=room)
            ]
        )

    async def _claim(self, dues: list[DueCallback]) -> list[ClaimedCallback]:
        tenant_id, now = self._store.installation.tenant_id, self._now()
        return await self._store.write(
            lambda connection: deliveries.claim_callbacks(connection, tenant_id, dues, now, now + CLAIMED_FOR)
        )

    async def _deliver(self, callback: ClaimedCallback) -> None:
        """One attempt. A failure affects only this callback; without a recorded result it is sent again."""
        try:
            await self._settle(callback, await self._attempt(callback))
        except UnavailableError as fault:
            log.warning(_event(callback, "result_not_written"), **_ids(callback), error=str(fault))
        except Exception:
            log.exception(_event(callback, "fault"), **_ids(callback))
        finally:
            self._release([callback.as_due])
            self.notice()

    async def _attempt(self, callback: ClaimedCallback) -> AttemptResult:
        try:
            return await self._posts[callback.kind].attempt(callback)
        except UnavailableError:
            raise
        except Exception:
            log.exception(_event(callback, "fault"), **_ids(callback))
        return result_of_failure(FAULT, callback.attempts, self._now(), self._chance())

    async def _settle(self, callback: ClaimedCallback, result: AttemptResult) -> None:
        await self._store.write(partial(_write_result, callback=callback, result=result, now=self._now()), quick=True)
        count = self._posts[callback.kind].count
        match result:
            case Delivered():
                log.info(_event(callback, "delivered"), **_ids(callback))
                count("delivered")
            case Retry(at, error):
                log.info(_event(callback, "failed"), **_ids(callback), error=error, again_at=at.isoformat())
                count("failed")
            case Dead(error):
                log.error(_event(callback, "dead"), **_ids(callback), error=error)
                count("dead")
            case Dropped(reason):
                log.info(_event(callback, "dropped"), **_ids(callback), reason=reason)
            case Postponed(at, reason):
                log.info(_event(callback, "postponed"), **_ids(callback), reason=reason, again_at=at.isoformat())


def _write_result(connection: Connection, callback: ClaimedCallback, result: AttemptResult, now: datetime) -> None:
    match result:
        case Delivered():
            is_news = deliveries.record_delivery(connection, callback, now)
            if is_news and callback.kind is PostKind.MAIL:
                letters.record_sent(connection, callback)
        case Retry(at, error, quiet_until):
            deliveries.schedule_retry(connection, callback, now, at, error)
            if quiet_until:
                deliveries.pause_address(connection, callback, now, quiet_until)
        case Dead(error, closed):
            deliveries.mark_dead(connection, callback, now, error)
            if callback.kind is PostKind.MAIL:
                letters.record_given_up(connection, callback)
            if closed:
                deliveries.pause_address(connection, callback, now, None)
        case Dropped(reason):
            deliveries.drop_callback(connection, callback, now, reason)
        case Postponed(at, reason):
            deliveries.postpone_callback(connection, callback, at, reason)


def _event(callback: ClaimedCallback, suffix: str) -> str:
    """The name of a log event, such as `callback.delivered` or `mail.dead`."""
    return f"{callback.kind}.{suffix}"


def _ids(callback: ClaimedCallback) -> dict[str, object]:
    """For the log. Never the address, which may contain secrets."""
    return {
        "callback": callback.callback_id,
        "package": callback.package_id,
        "agent": callback.agent_id,
        "type": callback.event_type,
        "attempt": callback.attempts + 1,
    }
