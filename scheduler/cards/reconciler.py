"""Makes Slack agree with the database: posts or updates the card at each place that is behind.

**How it works.** A *place* is one card of one package, in a channel or with a person. Its row says which revision of
the package is wanted there and which was shown last; if they differ, the place is behind. A round claims as many places
as there is room and budget for, the gravest first and in turns of the agents, and starts a task for each. It does not
wait for them, so a slow call holds up nobody. It never asks what happened, only what is wanted now: ten changes cost
one update, and after a crash it simply starts again.

**What was shown.** A *rendering* is the exact card, stored under a digest of its content before it is posted. A command
(`Show`) records that Slack has it: only from then on could someone have objected.

**What can race.** Processes claim places in the database. A claim is a lease of seconds, renewed while Slack is slow; a
process that loses it stops before its next step. The rate budget is in the database too, so all processes together stay
within it. A lost reply of Slack can leave a second card. Clicks on it are answered, and it becomes the card if no other
is known.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy import Connection

from scheduler.cards.admin_alerts import AdminAlerts
from scheduler.cards.delivery import CardDelivery
from scheduler.cards.lease import Lease, LeaseLostError, lease_end
from scheduler.cards.members import ChannelMembers
from scheduler.cards.pacing import Pace
from scheduler.cards.proofs import Proofs
from scheduler.cards.response_urls import ResponseUrls
from scheduler.cards.sending import SlackSender
from scheduler.cards.troubles import begin_trouble
from scheduler.common import endings
from scheduler.common.messenger import BusyError, Messenger, SlackError, TextError, TokenError
from store.engine.workers import UnavailableError
from store.outbox import card_leases, troubles
from store.outbox.card_leases import Claim
from store.outbox.rate_budget import RateBudget, Rates
from store.store import Store

log = structlog.get_logger()

SLACK_RATES = Rates()
AT_ONCE = 32  # places delivered at the same time: a burst into some channels, beside slow calls
ROUND_EVERY = 2.0  # seconds; finds changes by other processes and postponed places
PAUSE = 0.05  # seconds between two rounds, so that a hundred decisions do not cause a hundred rounds
RETRY_AFTER = 5.0  # seconds before a retry, if Slack names no time
FAULT_RETRY_AFTER = 60.0  # seconds, after a fault of our own


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Reconciler:
    """All times are real time: claims and Slack's rate limits do not know the business clock."""

    def __init__(
        self,
        store: Store,
        messenger: Messenger,
        response_urls: ResponseUrls | None = None,
        now: Callable[[], datetime] = _utc_now,
        rates: Rates = SLACK_RATES,
    ) -> None:
        self._store, self._now = store, now
        self._response_urls, self._pace = response_urls or ResponseUrls(), Pace(store, rates, self._time)
        sender = SlackSender(messenger, self._pace, self._response_urls)
        members = ChannelMembers(messenger, self._pace, self._time)
        self.proofs = Proofs(messenger, self._pace, members)
        self._delivery = CardDelivery(store, sender, members, self._time)
        self._alerts = AdminAlerts(store, sender, self._time)
        self._wake, self._lock = asyncio.Event(), asyncio.Lock()
        self._running: set[asyncio.Task[None]] = set()
        self._budget_wait: float | None = None
        self._postponed: list[datetime] = []  # ends of postponements here, so that none lasts longer than needed
        self._draining, self._done_count = False, 0

    @property
    def delivered_at(self) -> datetime | None:
        """When Slack last took a card of this process, in business time."""
        return self._delivery.delivered_at

    def _time(self) -> datetime:
        """For the parts of the reconciler: if a test replaces `_now`, they follow."""
        return self._now()

    def notice(self) -> None:
        """Start a round now instead of after the pause: something was committed, or a call ended."""
        self._wake.set()

    async def run_for_ever(self) -> None:
        """Runs a round at each notice, at an interval, and when the budget has room for waiting places."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._pause()):
                    await self._wake.wait()
            self._wake.clear()
            await self._run_round()
            await asyncio.sleep(PAUSE)

    def _pause(self) -> float:
        now = self._now()
        self._postponed = [until for until in self._postponed if until > now]
        waits = [(until - now).total_seconds() for until in self._postponed]
        return min(ROUND_EVERY, self._budget_wait or ROUND_EVERY, *waits)

    async def tick(self) -> None:
        """Delivers everything that can be delivered now and waits until it is done."""
        done_before = -1
        while self._running or done_before != self._done_count:  # finished work may leave more to do
            done_before = self._done_count
            await self._run_round()
            if self._running:
                await asyncio.wait(self._running)

    async def drain(self, within: float) -> None:
        """Starts nothing new and waits for running work, so that no place stays claimed by a stopped process."""
        self._draining = True
        async with self._lock:  # a round that began before may still start work
            pass
        await endings.finish_or_cancel(self._running, within)
        with suppress(UnavailableError):
            await self._pace.report_ended_calls()

    async def _run_round(self) -> None:
        async with self._lock:
            self._budget_wait = None
            try:
                if not self._draining:
                    await self._start_work()
            except UnavailableError as fault:  # the next round tries again
                log.warning("delivery.database_unavailable", error=str(fault))
            except Exception:
                log.exception("delivery.fault")

    async def _start_work(self) -> None:
        for claim in await self._claim_places():
            self._start(self._attempt(claim))
        if await self._alerts.has_untold():
            self._start(self._alerts.send())

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._task_done)

    async def _claim_places(self) -> list[Claim]:
        """Claims places up to the free room. Without room, only reports finished calls to the budget."""
        room = await self._store.read(self._max_running) - len(self._running)
        if room > 0:
            return await self._pace.within(lambda connection, budget: self._claim(connection, budget, room))
        if not self._pace.is_settled:
            await self._pace.report_ended_calls()
        return []

    def _max_running(self, connection: Connection) -> int:
        """The most tasks at a time; 0 if no place is behind. While Slack refuses the app, 0, then 1 to try again."""
        tenant_id, now = self._store.installation.tenant_id, self._now()
        if not card_leases.is_any_card_behind(connection, tenant_id, now):
            return 0
        outage = troubles.trouble_at(connection, tenant_id, troubles.APP, now)
        return AT_ONCE if outage is None else 0 if outage.is_closed else 1

    def _task_done(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._done_count += 1
        self.notice()

    def _claim(self, connection: Connection, budget: RateBudget, room: int) -> list[Claim]:
        now = self._now()
        claimed = card_leases.claim_cards(
            connection,
            self._store.installation.tenant_id,
            budget,
            now=now,
            until=lease_end(now),
            limit=room,
            answerable=self._response_urls.cards,
        )
        self._budget_wait = min(budget.full.values(), default=None)
        return claimed

    async def _attempt(self, claim: Claim) -> None:
        """Delivers one place. A failure postpones only this place."""
        lease = Lease(self._store, claim, self._time)
        ids = {"package": claim.place.package_id, "place": claim.place.place}
        try:
            async with lease.keep_renewed():
                await self._delivery.deliver(lease)
        except BusyError as busy:
            await self._postpone(lease, busy.after)
        except (UnavailableError, LeaseLostError, TimeoutError) as fault:
            log.warning("card.delivery_interrupted", **ids, error=str(fault))
        except TokenError as fault:
            await self._app_gone(fault)
            await lease.postpone(0, refused=False)
        except SlackError as fault:
            log.warning("card.not_delivered", **ids, error=fault.error)
            await self._postpone(lease, RETRY_AFTER, refused=isinstance(fault, TextError))
        except Exception:
            log.exception("card.fault", **ids)
            await self._postpone(lease, FAULT_RETRY_AFTER, refused=True)
        finally:
            if claim.paid:  # a post has settled this already, and then it changes nothing
                self._pace.report_unused(claim.paid)

    async def _postpone(self, lease: Lease, seconds: float, *, refused: bool | None = None) -> None:
        await lease.postpone(seconds, refused=refused)
        self._postponed.append(self._now() + timedelta(seconds=seconds))

    async def _app_gone(self, fault: TokenError) -> None:
        """Stops all replicas for a while: every card would fail."""
        with suppress(UnavailableError):
            await begin_trouble(self._store, troubles.APP, fault.error, self._now())
