"""Brings one place up to date: draws the card, stores the rendering, posts or updates, adds notes, and proves the card.

Each step is written down before the next. A rendering is stored before it is posted. A `Show` command then records that
the card is visible: only from then on could someone have objected.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

import structlog
from sqlalchemy import Connection

from blocks.card.blindness import seen_by
from blocks.card.notes import with_not_read
from blocks.card.rendering import Rendering, render
from blocks.kit.message import Message
from blocks.words.dossier import Dossier
from rules.authority.authorization import eligible_users, question_asked, question_of
from rules.authority.silence import cards_of
from rules.people.directory import Roster
from rules.reasons import Reason
from rules.state.events import EventType
from rules.state.model import PackageState, Status
from rules.state.service_commands import Show
from scheduler.cards.dossiers import dossier_of
from scheduler.cards.lease import Lease
from scheduler.cards.members import ChannelMembers
from scheduler.cards.notes import Note, answered_failure, noted_until, notes_of
from scheduler.cards.sending import SlackSender
from scheduler.common.messenger import BusyError, Posted, RefusedError, SlackError, TokenError, UnreachableError
from store.engine.workers import UnavailableError
from store.installation.installation import fresh_id
from store.outbox import cards, refused_places, troubles
from store.outbox.cards import Place, ShownCard
from store.outbox.renderings import NewRendering, save_rendering
from store.packages.packages import load_package
from store.store import Store

log = structlog.get_logger()

RETRY_AFTER = 300.0  # seconds before a refused place is tried again, if there is no other place

_SHUT = frozenset(
    ["channel_is_archived", "channel_not_found", "is_archived", "not_in_channel"]
)  # errors that will affect every later post too


class DrawnCard(NamedTuple):
    """What is to be shown at a place, all read in one transaction."""

    dossier: Dossier
    viewer: str | None  # None: everyone in the channel
    rendering: Rendering
    notes: list[Note]
    answered: Message | None  # what the note about a failure becomes, if that was answered
    roster: Roster
    too_late: bool  # decided on another card before this place could show one


class CardDelivery:
    def __init__(self, store: Store, sender: SlackSender, members: ChannelMembers, now: Callable[[], datetime]) -> None:
        self._store, self._sender, self._members, self._now = store, sender, members, now
        self.delivered_at: datetime | None = None  # business time

    async def deliver(self, lease: Lease) -> None:
        """Updates the place, or asks people elsewhere if Slack refuses it now or has refused it recently."""
        if not await self._store.read(lambda connection: self._is_closed(connection, lease.claim.place), quick=True):
            try:
                return await self._update_place(lease)
            except RefusedError as refused:
                await self._record_refusal(lease.claim.place, refused)
        return await self._ask_elsewhere(lease)

    def _is_closed(self, connection: Connection, place: Place) -> bool:
        where = place.place if place.is_person else place.channel or place.place
        trouble = troubles.trouble_at(connection, place.tenant_id, where, self._now())
        return trouble is not None and trouble.is_closed

    async def _update_place(self, lease: Lease) -> None:
        place = lease.claim.place
        drawn = await self._store.read(lambda connection: self._draw(connection, place))
        if place.place.startswith(cards.ROLE):
            return await self._ask_people(lease, drawn)
        if drawn.too_late:
            return await lease.write(lambda connection: refused_places.drop_place(connection, place))
        return await self._show(lease, drawn)

    async def _ask_people(self, lease: Lease, drawn: DrawnCard) -> None:
        """Asks the people of a role once, and then people who newly belong to it while this role is asked."""
        place, state = lease.claim.place, drawn.dossier.state
        first, waits = place.shown_revision == 0, not state.status.terminal
        still_asked = waits and place.place == cards.ROLE + state.task.required_role
        people = self._people_to_ask(drawn) if first or still_asked else []
        if first and waits and not people:
            raise SlackError("nobody of this role can be asked now")
        await lease.write(lambda connection: cards.add_personal_places(connection, place, people, state.revision))

    def _people_to_ask(self, drawn: DrawnCard) -> list[str]:
        """Everybody who may decide, or only holders of the role itself if they are enough: each message notifies."""
        question = question_asked(drawn.dossier.state)
        deciders = eligible_users(drawn.roster, question, self._store.clock())
        holders = [user for user in deciders if not set(drawn.roster.roles_of(user)).isdisjoint(question.roles)]
        return sorted(holders if len(holders) >= drawn.dossier.tally.needed else deciders)

    def _draw(self, connection: Connection, place: Place) -> DrawnCard:
        installation = self._store.installation
        viewer = place.place if place.is_person else None
        dossier = dossier_of(connection, installation, place.package_id, self._store.clock(), viewer)
        if dossier is None:
            raise LookupError(f"the place {place.place} shows package {place.package_id}, which is not there")
        seen = seen_by(dossier, viewer)
        noted = noted_until(dossier, viewer, place.noted_revision)
        notes = notes_of(seen, noted) if place.posted else []
        answered = answered_failure(dossier, place.noted_revision) if place.failure_ts else None
        too_late = (
            dossier.state.status.terminal and not place.posted and refused_places.has_card_elsewhere(connection, place)
        )
        return DrawnCard(dossier, viewer, render(seen), notes, answered, installation.roster(connection), too_late)

    async def _show(self, lease: Lease, drawn: DrawnCard) -> None:
        place, rendering, state = lease.claim.place, drawn.rendering, drawn.dossier.state
        seen = any(card.location == (place.channel, place.ts) for card in cards_of(state))
        proof = _needs_proof(place, drawn.dossier, seen=seen)
        viewers = await self._viewers(place, fresh=place.posted and not seen) if proof else None
        if place.channel and place.ts and rendering.rendering_id == place.rendering_id:
            posted = Posted(place.channel, place.ts)
        else:
            await self._keep_rendering(lease, rendering)
            posted = await self._sender.put(place, Message(rendering.text, rendering.blocks), lease.claim.paid)
            self.delivered_at = self._store.clock()
        shown = ShownCard(state.revision, posted.channel, posted.ts, rendering.rendering_id)
        if (place.channel, place.ts, place.rendering_id) != (posted.channel, posted.ts, rendering.rendering_id):
            # The card exists now: if a later step fails, everything after this is repeated.
            await lease.write(lambda connection: cards.record_message(connection, place, shown))
        await self._replace_failure_note(lease, drawn.answered)
        await self._post_notes(lease, drawn, posted)
        if viewers is None and posted != (place.channel, place.ts):  # posted again: nobody has seen this card yet
            viewers = await self._viewers(place)
        if viewers is not None:
            shown = await self._prove(drawn, shown, viewers)
        await self._mark_shown(lease, shown)

    async def _keep_rendering(self, lease: Lease, rendering: Rendering) -> None:
        """The last write before sending: a process that lost its lease stops here."""
        place = lease.claim.place
        drawing = NewRendering(
            place.tenant_id, place.package_id, rendering.rendering_id, rendering.body, self._store.clock()
        )
        await lease.write(lambda connection: save_rendering(connection, drawing))

    async def _post_notes(self, lease: Lease, drawn: DrawnCard, posted: Posted) -> None:
        """Each note is recorded when it is posted, because a later one may fail and the delivery be repeated."""
        place = lease.claim.place
        person = place.place if place.is_person else None
        was_said = place.has_notes and posted == (place.channel, place.ts)
        is_pending = drawn.dossier.state.status is Status.PENDING  # then the card itself says that replies are not read
        for note in drawn.notes:
            says = not (was_said or is_pending)
            message = with_not_read(note.message) if says else note.message
            sent = await self._sender.post(posted.channel, message, posted.ts, person=person)
            await lease.write(partial(_write_note, place=place, note=note, ts=sent.ts, says_not_read=says))
            was_said |= says

    async def _replace_failure_note(self, lease: Lease, answered: Message | None) -> None:
        """If Slack refuses, the buttons stay; a click on them is then refused with the reason."""
        place = lease.claim.place
        if answered is None or place.channel is None or place.failure_ts is None:
            return
        try:
            await self._sender.update(Posted(place.channel, place.failure_ts), answered)
        except RefusedError as refused:
            log.info("card.note_not_replaced", package=place.package_id, error=refused.error)
        await lease.write(lambda connection: cards.record_failure_note(connection, place, None))

    async def _viewers(self, place: Place, *, fresh: bool = False) -> frozenset[str]:
        """Who sees the card. Asked before posting, so that nothing is posted whose proof then fails.

        `fresh` ignores remembered answers: nobody saw this card so far, and someone may have joined the channel.
        """
        if place.is_person:
            return frozenset([place.place])
        try:
            return await self._members.of(place.channel or place.place, fresh=fresh)
        except (BusyError, RefusedError, TokenError, UnreachableError):
            raise
        except SlackError as fault:  # a missing scope: people are still asked, but silence never counts
            log.warning("card.onlookers_unknown", place=place.place, error=fault.error)
            return frozenset()

    async def _prove(self, drawn: DrawnCard, shown: ShownCard, viewers: frozenset[str]) -> ShownCard:
        """Records that these people can see the card. Returns what the card then shows."""
        state = drawn.dossier.state
        deciders = eligible_users(drawn.roster, question_of(state, drawn.roster.policy), self._store.clock())
        command = Show(
            command_id=f"show {shown.channel} {shown.ts} {state.version} {fresh_id()}",
            decision_package_id=state.decision_package_id,
            package_version=state.version,
            rendering_id=shown.rendering_id,
            channel=shown.channel,
            ts=shown.ts,
            seen_by=viewers & deciders,
        )
        outcome = await self._store.execute(command)
        if outcome.refusal and outcome.refusal.reason is Reason.TOO_BUSY:
            raise UnavailableError(outcome.refusal.sentence)
        if outcome.state and outcome.changed and _looks_the_same(drawn, outcome.state):
            return shown._replace(revision=outcome.state.revision)
        return shown

    async def _mark_shown(self, lease: Lease, shown: ShownCard) -> None:
        await lease.write(lambda connection: _write_shown(connection, lease.claim.place, shown, self._now()))

    async def _record_refusal(self, place: Place, refused: SlackError) -> None:
        log.error("card.refused", package=place.package_id, place=place.place, error=refused.error)
        now = self._now()
        until = now + timedelta(seconds=RETRY_AFTER) if refused.error in _SHUT else None
        keep = partial(troubles.record_trouble, place=place.place, error=refused.error, now=now, closed_until=until)
        await self._store.write(lambda connection: keep(connection, place.tenant_id))

    async def _ask_elsewhere(self, lease: Lease) -> None:
        """Asks people in the policy's fallback channel, or one by one.

        While the package waits, this place is tried again: once Slack accepts cards here, the card appears here too.
        """
        place, fallback = lease.claim.place, self._store.installation.policy.channels.fallback
        if place.is_person:
            return await lease.postpone(RETRY_AFTER, refused=True)
        state = await self._store.read(lambda connection: _load_state(connection, place), quick=True)
        other = fallback if fallback and place.place != fallback else cards.ROLE + state.task.required_role
        await lease.write(lambda connection: cards.add_place(connection, place, other))
        if state.status.terminal:
            return await lease.write(lambda connection: refused_places.drop_place(connection, place))
        return await lease.postpone(RETRY_AFTER, refused=True)


def _load_state(connection: Connection, place: Place) -> PackageState:
    loaded = load_package(connection, place.tenant_id, place.package_id)
    if loaded is None:
        raise LookupError(f"the place {place.place} shows package {place.package_id}, which is not there")
    return loaded.state


def _write_note(connection: Connection, place: Place, note: Note, ts: str, *, says_not_read: bool) -> None:
    cards.record_notes(connection, place, note.revision, says_not_read=says_not_read)
    if note.asks:
        cards.record_failure_note(connection, place, ts)


def _write_shown(connection: Connection, place: Place, shown: ShownCard, now: datetime) -> None:
    cards.record_shown(connection, place, shown)
    if place.place in troubles.end_troubles(connection, place.tenant_id, place.place, troubles.APP, now=now):
        refused_places.wake_channel(connection, place.tenant_id, place.place)


def _looks_the_same(drawn: DrawnCard, after: PackageState) -> bool:
    """Whether only the proof was added and nothing visible changed: then the card is not redrawn."""
    before = drawn.dossier.state
    return after.revision == before.revision + 1 and (
        render(seen_by(replace(drawn.dossier, state=after), drawn.viewer)).rendering_id == drawn.rendering.rendering_id
    )


def _needs_proof(place: Place, dossier: Dossier, *, seen: bool) -> bool:
    """For a new card; for a card that nobody eligible saw, at each change; for a soft card, if nothing changed.

    The proof itself is a change too, but needs no further proof.
    """
    since = dossier.history_after(place.shown_revision)
    if not since:  # someone joined, left, or may decide now
        return not seen or dossier.state.soft
    has_news = any(event.event_type != EventType.PACKAGE_SHOWN for event in since)
    return place.ts is None or (has_news and not seen)
