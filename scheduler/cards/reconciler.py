"""Makes Slack agree with the database: for each place that is behind, posts or updates until it shows what is wanted.

**How it works.** A *place* is one card of one package: in a channel, or with a person. Its row says which revision of
the package is wanted there, and which was shown last; where these differ, it is behind. A look claims as many places as
there is room and budget for, gravest first and in turns of the agents, and sets out with each. It waits for none of
them: a slow call holds nobody up. It never asks what happened, only what is wanted now, so that ten changes cost one
update, and after a crash it begins again.

**What was shown.** A *rendering* is the exact card, kept under a digest of its content before it is posted. That Slack
has it is told by a command (`Show`): only from then on could somebody have objected.

**What can race with what.** Processes claim places in the database: a claim is a lease of seconds, renewed while Slack
is slow, and whoever loses it stops before the next step. The rate is spent in the database too, so that all processes
together keep to it. A reply that is lost can leave a second card; a press on it is answered, and it becomes the card
if none other is known.
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
from scheduler.common.messenger import BusyError, Messenger, SlackError, TokenError
from store.engine.workers import UnavailableError
from store.outbox import card_leases, troubles
from store.outbox.card_leases import Claim
from store.outbox.rate_budget import Purse, Rates
from store.store import Store

log = structlog.get_logger()

SLACK_RATES = Rates()
AT_ONCE = 32  # places that are being brought: a burst into some channels, and slow calls beside it
LOOK_EVERY = 2.0  # seconds, for what other processes have written and for what rested
PAUSE = 0.05  # seconds between two looks, so that a hundred decisions are not a hundred looks
PATIENCE = 5.0  # seconds before what failed is tried again, if Slack names no time


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Reconciler:
    """Its times are real ones: neither claims nor Slack's rate know of a business clock."""

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
        self._postponed: list[datetime] = []  # until when places rest here, so that none rests longer
        self._draining, self._done_count = False, 0

    def _time(self) -> datetime:
        return self._now()

    def notice(self) -> None:
        """Something was committed, or a call is over: look now, not at the next tick."""
        self._wake.set()

    async def run_for_ever(self) -> None:
        """At each news, every now and then, and as soon as the budget has something left for what waits for it."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._pause()):
                    await self._wake.wait()
            self._wake.clear()
            await self._look()
            await asyncio.sleep(PAUSE)

    def _pause(self) -> float:
        now = self._now()
        self._postponed = [until for until in self._postponed if until > now]
        waits = [(until - now).total_seconds() for until in self._postponed]
        return min(LOOK_EVERY, self._budget_wait or LOOK_EVERY, *waits)

    async def tick(self) -> None:
        """Brings every place that is behind up to date, as far as it can be done now, and waits until that is done."""
        done_before = -1
        while self._running or done_before != self._done_count:  # what was done meanwhile may leave something to do
            done_before = self._done_count
            await self._look()
            if self._running:
                await asyncio.wait(self._running)

    async def drain(self, within: float) -> None:
        """Nothing new is begun, and what was begun is waited for: nothing stays claimed that another could bring."""
        self._draining = True
        async with self._lock:
            pass
        await endings.finish_or_cancel(self._running, within)
        with suppress(UnavailableError):
            await self._pace.within(lambda _connection, _purse: None)

    async def _look(self) -> None:
        """Sets out with all that can be done now."""
        async with self._lock:
            self._budget_wait = None
            try:
                if not self._draining:
                    await self._start_work()
            except UnavailableError as fault:  # the next look finds out when it is back
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
        task.add_done_callback(self._finished)

    async def _claim_places(self) -> list[Claim]:
        """What there is room for. Where there is nothing, the budget is only told what is over."""
        room = await self._store.read(self._max_running) - len(self._running)
        if room > 0:
            return await self._pace.within(lambda connection, purse: self._claim(connection, purse, room))
        if not self._pace.is_settled:
            await self._pace.within(lambda _connection, _purse: None)
        return []

    def _max_running(self, connection: Connection) -> int:
        """How many may be under way, if any is behind. While Slack does nothing for the app none; then one tries."""
        tenant_id, now = self._store.installation.tenant_id, self._now()
        if not card_leases.is_any_card_behind(connection, tenant_id, now):
            return 0
        outage = troubles.trouble_at(connection, tenant_id, troubles.APP, now)
        return AT_ONCE if outage is None else 0 if outage.still else 1

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._done_count += 1
        self.notice()

    def _claim(self, connection: Connection, purse: Purse, room: int) -> list[Claim]:
        now = self._now()
        claimed = card_leases.claim_cards(
            connection,
            self._store.installation.tenant_id,
            purse,
            now=now,
            until=lease_end(now),
            limit=room,
            answerable=self._response_urls.cards,
        )
        self._budget_wait = min(purse.full.values(), default=None)
        return claimed

    async def _attempt(self, claim: Claim) -> None:
        """One place. Whatever stands in its way is its own matter: it rests, and the others go on."""
        lease = Lease(self._store, claim, self._time)
        known = {"package": claim.place.package_id, "place": claim.place.place}
        try:
            async with lease.renewed():
                await self._delivery.deliver(lease)
        except BusyError as busy:
            await self._postpone(lease, busy.after)
        except (UnavailableError, LeaseLostError, TimeoutError) as fault:
            log.warning("card.not_kept", **known, error=str(fault))
        except TokenError as fault:
            await self._app_gone(fault)
            await lease.postpone(0)
        except SlackError as fault:
            log.warning("card.not_delivered", **known, error=fault.error)
            await self._postpone(lease, PATIENCE)
        except Exception:
            log.exception("card.fault", **known)
            await self._postpone(lease, 12 * PATIENCE)
        finally:
            if claim.paid:
                self._pace.unused(claim.paid)

    async def _postpone(self, lease: Lease, seconds: float) -> None:
        await lease.postpone(seconds)
        self._postponed.append(self._now() + timedelta(seconds=seconds))

    async def _app_gone(self, fault: TokenError) -> None:
        """Nothing is tried for a while, by no replica: it would fail for each card."""
        with suppress(UnavailableError):
            await begin_trouble(self._store, troubles.APP, fault.error, self._now())
