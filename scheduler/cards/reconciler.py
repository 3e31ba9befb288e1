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

from scheduler.cards.admin_alerts import Admins
from scheduler.cards.delivery import Bringing
from scheduler.cards.lease import Hold, LostError, held_from
from scheduler.cards.members import Onlookers
from scheduler.cards.pacing import Pace
from scheduler.cards.proofs import Proofs
from scheduler.cards.response_urls import Answers
from scheduler.cards.sending import Sending
from scheduler.cards.troubles import begins
from scheduler.common import endings
from scheduler.common.messenger import BusyError, Messenger, SlackError, TokenError
from store.engine.workers import UnavailableError
from store.outbox import card_leases, troubles
from store.outbox.card_leases import Claim
from store.outbox.rate_budget import Purse, Rates
from store.store import Store

log = structlog.get_logger()

SLACKS = Rates()
AT_ONCE = 32  # places that are being brought: a burst into some channels, and slow calls beside it
LOOKS_EVERY = 2.0  # seconds, for what other processes have written and for what rested
BREATHES = 0.05  # seconds between two looks, so that a hundred decisions are not a hundred looks
PATIENCE = 5.0  # seconds before what failed is tried again, if Slack names no time


def _real() -> datetime:
    return datetime.now(UTC)


class Reconciler:
    """Its times are real ones: neither claims nor Slack's rate know of a business clock."""

    def __init__(
        self,
        store: Store,
        messenger: Messenger,
        answers: Answers | None = None,
        now: Callable[[], datetime] = _real,
        rates: Rates = SLACKS,
    ) -> None:
        self._store, self._now = store, now
        self._answers, self._pace = answers or Answers(), Pace(store, rates, self._time)
        sending = Sending(messenger, self._pace, self._answers)
        onlookers = Onlookers(messenger, self._pace, self._time)
        self.proofs = Proofs(messenger, self._pace, onlookers)
        self._bringing = Bringing(store, sending, onlookers, self._time)
        self._admins = Admins(store, sending, self._time)
        self._news, self._alone = asyncio.Event(), asyncio.Lock()
        self._under_way: set[asyncio.Task[None]] = set()
        self._again_in: float | None = None
        self._resting: list[datetime] = []  # until when places rest here, so that none rests longer
        self._ending, self._done_so_far = False, 0

    def _time(self) -> datetime:
        return self._now()

    def notice(self) -> None:
        """Something was committed, or a call is over: look now, not at the next tick."""
        self._news.set()

    async def run_for_ever(self) -> None:
        """At each news, every now and then, and as soon as the budget has something left for what waits for it."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._pause()):
                    await self._news.wait()
            self._news.clear()
            await self._look()
            await asyncio.sleep(BREATHES)

    def _pause(self) -> float:
        now = self._now()
        self._resting = [until for until in self._resting if until > now]
        rests = [(until - now).total_seconds() for until in self._resting]
        return min(LOOKS_EVERY, self._again_in or LOOKS_EVERY, *rests)

    async def tick(self) -> None:
        """Brings every place that is behind up to date, as far as it can be done now, and waits until that is done."""
        begun = -1
        while self._under_way or begun != self._done_so_far:  # what was done meanwhile may leave something to do
            begun = self._done_so_far
            await self._look()
            if self._under_way:
                await asyncio.wait(self._under_way)

    async def finished(self, within: float) -> None:
        """Nothing new is begun, and what was begun is waited for: nothing stays claimed that another could bring."""
        self._ending = True
        async with self._alone:
            pass
        await endings.finished(self._under_way, within)
        with suppress(UnavailableError):
            await self._pace.within(lambda _connection, _purse: None)

    async def _look(self) -> None:
        """Sets out with all that can be done now."""
        async with self._alone:
            self._again_in = None
            try:
                if not self._ending:
                    await self._set_out()
            except UnavailableError as fault:  # the next look finds out when it is back
                log.warning("delivery.database_unavailable", error=str(fault))
            except Exception:
                log.exception("delivery.fault")

    async def _set_out(self) -> None:
        for its in await self._claimed():
            self._begin(self._attempt(its))
        if await self._admins.are_to_be_told():
            self._begin(self._admins.tell())

    def _begin(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._done)

    async def _claimed(self) -> list[Claim]:
        """What there is room for. Where there is nothing, the budget is only told what is over."""
        room = await self._store.read(self._most) - len(self._under_way)
        if room > 0:
            return await self._pace.within(lambda connection, purse: self._claim(connection, purse, room))
        if not self._pace.is_told:
            await self._pace.within(lambda _connection, _purse: None)
        return []

    def _most(self, connection: Connection) -> int:
        """How many may be under way, if any is behind. While Slack does nothing for the app none; then one tries."""
        tenant_id, now = self._store.installation.tenant_id, self._now()
        if not card_leases.is_any_card_behind(connection, tenant_id, now):
            return 0
        gone = troubles.trouble_at(connection, tenant_id, troubles.APP, now)
        return AT_ONCE if gone is None else 0 if gone.still else 1

    def _done(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        self._done_so_far += 1
        self.notice()

    def _claim(self, connection: Connection, purse: Purse, room: int) -> list[Claim]:
        now = self._now()
        claimed = card_leases.claim_cards(
            connection,
            self._store.installation.tenant_id,
            purse,
            now=now,
            until=held_from(now),
            limit=room,
            answerable=self._answers.cards,
        )
        self._again_in = min(purse.full.values(), default=None)
        return claimed

    async def _attempt(self, its: Claim) -> None:
        """One place. Whatever stands in its way is its own matter: it rests, and the others go on."""
        hold, known = Hold(self._store, its, self._time), {"package": its.place.package_id, "place": its.place.place}
        try:
            async with hold.kept():
                await self._bringing.somewhere(hold)
        except BusyError as busy:
            await self._rest(hold, busy.after)
        except (UnavailableError, LostError, TimeoutError) as fault:
            log.warning("card.not_kept", **known, error=str(fault))
        except TokenError as fault:
            await self._gone(fault)
            await hold.rest(0)
        except SlackError as fault:
            log.warning("card.not_delivered", **known, error=fault.error)
            await self._rest(hold, PATIENCE)
        except Exception:
            log.exception("card.fault", **known)
            await self._rest(hold, 12 * PATIENCE)
        finally:
            if its.paid:
                self._pace.unused(its.paid)

    async def _rest(self, hold: Hold, seconds: float) -> None:
        await hold.rest(seconds)
        self._resting.append(self._now() + timedelta(seconds=seconds))

    async def _gone(self, fault: TokenError) -> None:
        """Nothing is tried for a while, by no replica: it would fail for each card."""
        with suppress(UnavailableError):
            await begins(self._store, troubles.APP, fault.error, self._now())
