"""What time does: finds what is due and goes down the one road with it, as another caller.

The rules check again that it is due, so that late, twice and on three machines come to the same. What cannot happen
yet is put off to when it may, and stands in nobody's way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

import structlog
from sqlalchemy import Connection

from rules.calendar import Span, Spans
from rules.clock import next_due
from rules.commands import Climb, ClockCommand, Consent, Expire, Lapse, LoseTrack, Remind, Silence, Verb, WakeUp
from rules.people import Roster
from rules.policy import Policy
from rules.reasons import Reason, Refusal
from rules.silence import counted, enough_at, present
from rules.state import PackageState
from rules.terms import terms_today
from scheduler import asking
from scheduler.heart import Heart
from store import uptime
from store.directory import absences
from store.packages import claim_due, is_any_due, look_again
from store.store import Store
from store.workers import UnavailableError

log = structlog.get_logger()

AT_ONCE = 200
CLAIMED_FOR = timedelta(seconds=30)
AGAIN_AFTER = timedelta(seconds=30)  # for what is refused, as while an agent is paused
_COMMANDS: Mapping[Verb, type[ClockCommand]] = {
    Verb.REMIND: Remind,
    Verb.CLIMB: Climb,
    Verb.EXPIRE: Expire,
    Verb.WAKE: WakeUp,
    Verb.LAPSE: Lapse,
    Verb.LOSE_TRACK: LoseTrack,
}


class Heard(NamedTuple):
    """Who could have spoken, and when: what a silence is held against."""

    roster: Roster
    away: dict[str, list[Span]]
    up: Spans


class Due(NamedTuple):
    states: list[PackageState]
    heard: Heard | None


class Sweep:
    def __init__(self, store: Store, heart: Heart) -> None:
        self._store, self._heart, self._alone = store, heart, asyncio.Lock()

    async def tick(self) -> None:
        """Everything that is due now, the longest overdue first. Never beside itself."""
        async with self._alone:
            try:
                while await self._store.read(self._is_any_due):
                    found = await self._store.write(self._claimed)
                    await self._happen(found)
            except UnavailableError as fault:
                log.warning("sweep.database_unavailable", error=str(fault))

    def _is_any_due(self, connection: Connection) -> bool:
        return is_any_due(connection, self._store.house.tenant_id, self._store.clock())

    def _claimed(self, connection: Connection) -> Due:
        house, now = self._store.house, self._store.clock()
        states = claim_due(connection, house.tenant_id, now, now + CLAIMED_FOR, AT_ONCE)
        shown = [state.shown.at for state in states if state.soft and state.shown]
        return Due(states, self._heard(connection, min(shown), now) if shown else None)

    def _heard(self, connection: Connection, since: datetime, now: datetime) -> Heard:
        tenant_id = self._store.house.tenant_id
        away = absences(connection, tenant_id, since, now)
        return Heard(self._store.house.roster(connection), away, uptime.within(connection, tenant_id, since, now))

    async def _happen(self, found: Due) -> None:
        """To each what is its own; what is refused now is looked at again, and never at once."""
        now = self._store.clock()
        meant = [(state, self._meant(state, found.heard, now)) for state in found.states]
        asked = [(state, command) for state, command in meant if isinstance(command, ClockCommand)]
        outcomes = await self._store.carry_out_each([command for _, command in asked])
        later = [(state, at) for state, at in meant if isinstance(at, datetime)]
        for (state, _), outcome in zip(asked, outcomes, strict=True):
            if outcome.refusal:
                _tell(state, outcome.refusal)
                later.append((state, now + AGAIN_AFTER))
        await self._put_off(later)

    def _meant(self, state: PackageState, heard: Heard | None, now: datetime) -> ClockCommand | datetime:
        """What time does to it now, or when it is to be looked at again."""
        following = next_due(state)
        if following is None or following[0] > now:
            # Its row says otherwise than its state only where it had been put off.
            return following[0] if following else now + AGAIN_AFTER
        if following[1] is Verb.CONSENT and heard is not None:
            return self._consent(state, heard, now)
        return asking.of(_COMMANDS[following[1]], state)

    def _consent(self, state: PackageState, heard: Heard, now: datetime) -> ClockCommand | datetime:
        """Only once the silence is long enough, or too late to become so; until then it is put off."""
        silence, terms = counted(state, heard.roster, heard.away, heard.up, now), terms_today(state, self._policy)
        if silence < terms.soft_timeout and now < min(state.task.due_at, state.ends_at):
            at = enough_at(state, heard.roster, heard.away, terms, silence, now)
            return min(at, state.task.due_at, state.ends_at)
        proven = Silence(
            counted=silence,
            reviewer_present=present(state, heard.roster, now),
            could_be_answered=self._heart.beating,
        )
        return asking.of(Consent, state, silence=proven)

    async def _put_off(self, later: list[tuple[PackageState, datetime]]) -> None:
        """Never at once again: whatever is looked at again and again would keep the rest waiting."""
        if not later:
            return
        soonest = self._store.clock() + timedelta(seconds=1)
        each = [(state, max(at, soonest)) for state, at in later]
        await self._store.write(lambda connection: look_again(connection, each))

    @property
    def _policy(self) -> Policy:
        return self._store.house.policy


def _tell(state: PackageState, refusal: Refusal) -> None:
    if refusal.reason is not Reason.NOT_DUE:
        log.info("sweep.put_off", package=state.decision_package_id, reason=refusal.reason.value)
