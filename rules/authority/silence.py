"""How much of a silence counts: time in which a person who could decide was there, could see the card and be heard.

The state keeps, for each card in Slack, which eligible people can see it and since when (`Shown`). Each proof from
Slack brings that up to date. People who are eligible but cannot see a card are not counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import islice
from typing import NamedTuple

from rules.authority.authorization import Question, authorize, iter_eligible, question_of
from rules.authority.standards import Standard
from rules.people.directory import ReviewerAuthorization, Roster
from rules.people.working_time import (
    Span,
    Spans,
    intersection,
    moment_after,
    subtract,
    total_duration,
    union,
    working_spans,
)
from rules.state.commands import Show
from rules.state.model import PackageState, Terms
from rules.state.sightings import SeenCard, Shown, Silence
from rules.state.situation import Situation

LOOKAHEAD = timedelta(days=14)
RECHECK_AFTER = timedelta(hours=1)
MAX_ONLOOKERS = 20  # people kept for each package: of a large channel the others do not count

Absences = Mapping[str, Iterable[Span]]
Onlookers = Mapping[str, datetime]


class SilenceContext(NamedTuple):
    """What a silence is held against: who may decide, when each was away, when a click could have come in."""

    roster: Roster
    away: Absences
    up: Iterable[Span]


def cards_of(state: PackageState) -> tuple[SeenCard, ...]:
    """The cards that show the present version to an eligible person."""
    return state.shown.cards if state.shown and state.shown.version == state.version else ()


def onlookers_of(cards: Iterable[SeenCard]) -> dict[str, datetime]:
    """Each person who can see one of these cards, and since when."""
    found: dict[str, datetime] = {}
    for card in cards:
        for user, since in card.since.items():
            found[user] = min(since, found.get(user, since))
    return found


def update_shown(state: PackageState, show: Show, situation: Situation) -> Shown | None:
    """What is known once Slack has said who sees this card. Cards that have been replaced are forgotten."""
    others = [card for card in cards_of(state) if card.location != show.location and card.location in situation.cards]
    room = MAX_ONLOOKERS - sum(len(card.since) for card in others)
    since = dict(islice(_seeing(state, show, situation), room))
    cards = [*others, SeenCard(channel=show.channel, ts=show.ts, since=since)] if since else others
    if not cards:
        return None
    first = min(onlookers_of(cards).values())
    return Shown(at=first, version=state.version, cards=tuple(sorted(cards, key=lambda card: card.location)))


def _seeing(state: PackageState, show: Show, situation: Situation) -> Iterator[tuple[str, datetime]]:
    """People who saw it before keep their time. Others begin now, unless they are away."""
    roster, question, now = situation.roster, question_of(state), situation.now
    before = next((card.since for card in cards_of(state) if card.location == show.location), {})
    for user in (*sorted(before.keys() & show.seen_by), *sorted(show.seen_by - before.keys())):
        known = user in before or not is_away(roster, user, now)
        if known and _may_decide(roster, user, question, now):
            yield user, before.get(user, now)


def counted_silence(state: PackageState, onlookers: Onlookers, hearing: SilenceContext, now: datetime) -> timedelta:
    """How long one of the onlookers who may decide now was there and could have been heard."""
    return total_duration(intersection(_somebody(state, onlookers, hearing, now, now), hearing.up))


def earliest_consent(  # noqa: PLR0917 - the same as above, with what it came to and what it must come to
    state: PackageState, onlookers: Onlookers, hearing: SilenceContext, terms: Terms, counted: timedelta, now: datetime
) -> datetime:
    """The earliest moment at which it could be enough, if somebody stays; within the hour if that is out of sight."""
    ahead = _somebody(state, dict.fromkeys(onlookers, now), hearing, now + LOOKAHEAD, now)
    missing = terms.soft_timeout - counted
    return now if missing <= timedelta(0) else moment_after(ahead, missing) or now + RECHECK_AFTER


def proof_holds(state: PackageState, silence: Silence, situation: Situation) -> bool:
    """Whether what was proven is still so: the same cards, and the same people, who may all decide."""
    known = onlookers_of(card for card in cards_of(state) if card.location in silence.cards & situation.cards)
    roster, question, now = situation.roster, question_of(state), situation.now
    return all(
        user in known and known[user] <= since and _may_decide(roster, user, question, now)
        for user, since in silence.onlookers.items()
    )


def anyone_present(state: PackageState, roster: Roster, now: datetime, role: str | None = None) -> bool:
    """Whether anybody who could decide is not away, in any role it asks for or in the one named."""
    return any(True for _ in iter_present(state, roster, now, role))


def iter_present(state: PackageState, roster: Roster, now: datetime, role: str | None = None) -> Iterator[str]:
    """The same, one by one."""
    everybody = iter_eligible(roster, question_of(state), now, role)
    return (user for user in everybody if not is_away(roster, user, now))


def is_away(roster: Roster, user_id: str, now: datetime) -> bool:
    person = roster.person(user_id)
    return person is None or person.is_away(now)


def anyone_can_object(state: PackageState, people: Iterable[str], roster: Roster, now: datetime) -> bool:
    """Whether one of these people may decide now and is not away."""
    question = question_of(state)
    return any(not is_away(roster, user, now) and _may_decide(roster, user, question, now) for user in people)


def _may_decide(roster: Roster, user: str, question: Question, now: datetime) -> bool:
    return isinstance(authorize(roster, user, Standard.PROCEED, question, now), ReviewerAuthorization)


def _somebody(
    state: PackageState, onlookers: Onlookers, hearing: SilenceContext, until: datetime, now: datetime
) -> Spans:
    """When at least one of the onlookers was there. Most have the same hours and no absence: once is enough."""
    question, roster = question_of(state), hearing.roster
    ways = {
        (tuple(_acting_in(roster, user, question)), tuple(hearing.away.get(user, ())), since)
        for user, since in onlookers.items()
        if _may_decide(roster, user, question, now)
    }
    return union(*(subtract(_at_work(roster, roles, (since, until)), away) for roles, away, since in ways))


def _at_work(roster: Roster, roles: Iterable[str], within: Span) -> Spans:
    return union(*(working_spans(roster.policy.roles[name].hours, *within) for name in roles))


def _acting_in(roster: Roster, user_id: str, question: Question) -> Iterator[str]:
    """The roles in which they could decide it: the hours of one that cannot are no time to be heard in."""
    held = dict.fromkeys(able for asked in question.roles for able in roster.roles_acting_as(user_id, asked))
    for name in held:
        role = roster.policy.roles[name]
        if role.covers(question.action_type) and role.max_risk >= question.risk:
            yield name
