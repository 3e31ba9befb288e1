"""Makes Slack agree with the database: for each place that is behind, posts or updates until it shows what is wanted.

It never asks what happened, only what is wanted now: ten changes cost one update, and after a crash it begins again.
A rendering is kept before it is posted, and its posting is told to the road: from then on somebody could have spoken.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import NamedTuple

import structlog
from sqlalchemy import Connection

from blocks.dossier import Dossier
from blocks.message import Message
from blocks.rendering import Rendering, render
from blocks.troubles import undelivered
from rules.authority import eligible, question_of
from rules.commands import Show
from rules.people import Roster
from rules.reasons import Reason
from scheduler.answers import Answers
from scheduler.dossiers import dossier_of
from scheduler.messenger import BusyError, Messenger, Posted, RefusedError, SlackError, UnreachableError
from scheduler.notes import notes_of
from scheduler.onlookers import Onlookers
from scheduler.pace import Pace
from scheduler.sending import Sending
from store import cards, places, troubles
from store.budgets import Rates
from store.cards import Place, Shown
from store.house import fresh_id
from store.places import Claimed
from store.store import Store
from store.workers import UnavailableError

log = structlog.get_logger()

CLAIMED_FOR = timedelta(seconds=30)  # longer than the calls that one place takes
SLACKS = Rates()
BREATHES = 0.05  # seconds between two looks, so that a hundred decisions are not a hundred looks
PATIENCE = 5.0  # seconds before what failed is tried again, if Slack names no time


def _real() -> datetime:
    return datetime.now(UTC)


class Drawn(NamedTuple):
    """A place's package as it is to be shown there: read in one moment."""

    dossier: Dossier
    rendering: Rendering
    notes: list[Message]
    roster: Roster


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
        self._sending = Sending(messenger, self._pace, self._answers)
        self._onlookers = Onlookers(messenger, self._time)
        self._news = asyncio.Event()
        self._again_in: float | None = None
        self._told: dict[tuple[str, str, int], set[str]] = {}
        self._alone, self._ending = asyncio.Lock(), False

    def _time(self) -> datetime:
        return self._now()

    def notice(self) -> None:
        """Something was committed: look now, not at the next tick."""
        self._news.set()

    async def run_for_ever(self) -> None:
        """At each news, and as soon as the budget has something left for what waits for it."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._again_in):
                    await self._news.wait()
            self._news.clear()
            await self.tick()
            await asyncio.sleep(BREATHES)

    async def tick(self) -> None:
        """Brings every place that is behind up to date, as far as it can be done now. Never beside itself."""
        async with self._alone:
            self._again_in = None
            with suppress(UnavailableError):  # the database is away; the next tick looks again
                await self._catch_up()
                await self._tell_admins()

    async def finished(self, within: float) -> None:
        """Nothing new is begun, and what was begun is waited for: nothing stays claimed that another could bring."""
        self._ending = True
        with suppress(TimeoutError):
            async with asyncio.timeout(within), self._alone:
                pass

    async def _catch_up(self) -> None:
        while not self._ending and await self._store.read(self._is_any_behind):
            claimed = await self._store.write(self._claimed)
            self._again_in = claimed.again_in
            if not claimed.places:
                return
            await asyncio.gather(*(self._attempt(place) for place in claimed.places))

    def _is_any_behind(self, connection: Connection) -> bool:
        return places.is_any_behind(connection, self._store.house.tenant_id, self._now())

    def _claimed(self, connection: Connection) -> Claimed:
        tenant_id, now = self._store.house.tenant_id, self._now()
        self._pace.claimed_at = now.timestamp()
        return places.claim(
            connection, tenant_id, self._pace.rates, now=now, until=now + CLAIMED_FOR, answerable=self._answers.cards
        )

    async def _attempt(self, place: Place) -> None:
        """One place. Whatever stands in its way is its own matter: it rests, and the others go on."""
        try:
            await self._bring_somewhere(place)
        except BusyError as busy:
            await self._rest(place, busy.after)
        except UnavailableError:
            log.warning("card.not_kept", package=place.package_id, place=place.place)
        except SlackError as fault:
            log.warning("card.not_delivered", package=place.package_id, place=place.place, error=fault.error)
            await self._rest(place, PATIENCE)
        except Exception:
            log.exception("card.fault", package=place.package_id, place=place.place)
            await self._rest(place, 12 * PATIENCE)

    async def _rest(self, place: Place, seconds: float) -> None:
        """Where that cannot be kept, the claim itself ends in a while."""
        until = self._now() + timedelta(seconds=seconds)
        with suppress(UnavailableError):
            await self._store.write(lambda connection: places.hold(connection, place, until))

    async def _bring_somewhere(self, place: Place) -> None:
        try:
            await self._bring(place)
        except RefusedError as refused:
            await self._elsewhere(place, refused)

    async def _bring(self, place: Place) -> None:
        drawn = await self._store.read(lambda connection: self._drawn(connection, place))
        if place.place.startswith(cards.ROLE):
            people = self._one_by_one(drawn)
            if not people and not drawn.dossier.state.status.terminal:
                raise SlackError("nobody of this role can be asked now")
            await self._store.write(lambda connection: cards.instead(connection, place, people))
            return
        await self._show(place, drawn)

    def _one_by_one(self, drawn: Drawn) -> list[str]:
        """Who could decide it; where they are enough, only who holds the role itself: every direct message rings."""
        question = question_of(drawn.dossier.state)
        able = eligible(drawn.roster, question, self._store.clock())
        holders = [user for user in able if not set(drawn.roster.roles_of(user)).isdisjoint(question.roles)]
        return sorted(holders if len(holders) >= drawn.dossier.tally.needed else able)

    def _drawn(self, connection: Connection, place: Place) -> Drawn:
        house = self._store.house
        dossier = dossier_of(connection, house, place.package_id, self._store.clock())
        if dossier is None:
            raise LookupError(f"the place {place.place} shows package {place.package_id}, which is not there")
        notes = notes_of(dossier, place.noted_revision) if place.ts else []
        return Drawn(dossier, render(dossier), notes, house.roster(connection))

    async def _show(self, place: Place, drawn: Drawn) -> None:
        rendering, state = drawn.rendering, drawn.dossier.state
        onlookers = await self._seeing(place) if _to_be_proven(place, drawn.dossier) else None
        if place.channel and place.ts and rendering.rendering_id == place.rendering_id:
            posted = Posted(place.channel, place.ts)
        else:
            await self._store.keep_rendering(place.package_id, rendering.rendering_id, rendering.body)
            posted = await self._sending.put(place, Message(rendering.text, rendering.blocks))
        shown = Shown(state.revision, posted.channel, posted.ts, rendering.rendering_id)
        if (place.channel, place.ts, place.rendering_id) != (posted.channel, posted.ts, rendering.rendering_id):
            # Whatever fails from here on is done again, but the card lies there.
            await self._store.write(lambda connection: cards.lies_at(connection, place, shown))
        await self._tell(place, drawn.notes, posted)
        if onlookers is not None:
            await self._proven(drawn, posted, onlookers)
        await self._store.write(lambda connection: _shown(connection, place, shown))

    async def _tell(self, place: Place, notes: list[Message], posted: Posted) -> None:
        """Each once, although a later one may fail and all of this is then done again."""
        told = self._told.setdefault((*_key(place), place.noted_revision), set())
        for message in notes:
            if message.text not in told:
                await self._sending.post(posted.channel, message, posted.ts)
                told.add(message.text)
        self._told.pop((*_key(place), place.noted_revision))

    async def _seeing(self, place: Place) -> frozenset[str]:
        """Who sees what lies there: asked first, so that nothing is posted whose proof then fails.

        Of a card that nobody saw so far, what is remembered says nothing: somebody may have come to see it.
        """
        if place.is_person:
            return frozenset([place.place])
        try:
            return await self._onlookers.of(place.channel or place.place, anew=place.posted)
        except (BusyError, RefusedError, UnreachableError):
            raise
        except SlackError as fault:  # a scope that is missing: people are asked all the same, and silence never counts
            log.warning("card.onlookers_unknown", place=place.place, error=fault.error)
            return frozenset()

    async def _proven(self, drawn: Drawn, posted: Posted, onlookers: frozenset[str]) -> None:
        """Down the road, like everything: the card lies where these people can see it."""
        state = drawn.dossier.state
        able = eligible(drawn.roster, question_of(state), self._store.clock())
        command = Show(
            command_id=f"show {posted.channel} {posted.ts} {state.version} {fresh_id()}",
            decision_package_id=state.decision_package_id,
            package_version=state.version,
            rendering_id=drawn.rendering.rendering_id,
            channel=posted.channel,
            ts=posted.ts,
            seen_by_eligible=bool(onlookers & able),
        )
        outcome = await self._store.carry_out(command)
        if outcome.refusal and outcome.refusal.reason is Reason.TOO_BUSY:
            raise UnavailableError(outcome.refusal.sentence)

    async def _elsewhere(self, place: Place, refused: SlackError) -> None:
        """Where Slack refuses for good, people are asked in the policy's second channel, or one by one."""
        log.error("card.refused", package=place.package_id, place=place.place, error=refused.error)
        kept = partial(troubles.keep, place=place.place, error=refused.error, now=self._now())
        await self._store.write(lambda connection: kept(connection, place.tenant_id))
        fallback = self._store.house.policy.channels.fallback
        others = [] if place.is_person else await self._instead_of(place, fallback)
        if others:
            await self._store.write(lambda connection: cards.instead(connection, place, others))
        else:
            await self._rest(place, 60 * PATIENCE)

    async def _instead_of(self, place: Place, fallback: str | None) -> list[str]:
        if fallback and place.place != fallback:
            return [fallback]
        drawn = await self._store.read(lambda connection: self._drawn(connection, place))
        return [cards.ROLE + drawn.dossier.state.task.required_role]

    async def _tell_admins(self) -> None:
        """Each trouble once; again later, where just now nobody could be told."""
        tenant_id = self._store.house.tenant_id
        if not await self._store.read(lambda connection: troubles.is_any_untold(connection, tenant_id)):
            return
        for its in await self._store.write(lambda connection: troubles.to_be_told(connection, tenant_id)):
            told = [await self._told_to(admin, its) for admin in self._store.house.policy.admins]
            if told and not any(told):
                again = partial(troubles.tell_again, tenant_id=tenant_id, place=its.place)
                await self._store.write(again)

    async def _told_to(self, admin: str, its: troubles.Known) -> bool:
        """Or refused for good: they find it in /reviews, in /readyz and with the doctor."""
        try:
            await self._sending.post(admin, undelivered(its.place, its.error))
        except SlackError as fault:
            log.warning("admin.not_told", admin=admin, place=its.place, error=fault.error)
            return not isinstance(fault, BusyError | UnreachableError)
        return True


def _shown(connection: Connection, place: Place, shown: Shown) -> None:
    cards.shown_at(connection, place, shown)
    troubles.over(connection, place.tenant_id, place.place)


def _to_be_proven(place: Place, dossier: Dossier) -> bool:
    """A new card; and one that nobody eligible saw, at each change. The proof is one too, and calls for no other."""
    state = dossier.state
    seen = state.shown is not None and state.shown.version == state.version
    news = any(event.event_type != "package.shown" for event in dossier.history[place.shown_revision :])
    return place.ts is None or (news and not seen)


def _key(place: Place) -> tuple[str, str]:
    return place.package_id, place.place
