"""How much of a silence counts: the time in which a person who could decide was there, saw the card and could click.

The state keeps, for each card in Slack, which eligible people can see it and since when (`Shown`). Every proof from
Slack updates that. People who are eligible but cannot see a card are not counted.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import islice
from typing import NamedTuple

from rules.authority.authorization import Question, authorize, iter_eligible, question_asked, question_of
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
from rules.state.model import PackageState, Terms
from rules.state.service_commands import Show
from rules.state.sightings import CardLocation, SeenCard, Shown, Silence
from rules.state.situation import Situation

LOOKAHEAD = timedelta(days=14)
RECHECK_AFTER = timedelta(hours=1)
MAX_ONLOOKERS = 20  # kept for each package; further people in a large channel do not count

Absences = Mapping[str, Iterable[Span]]
Onlookers = Mapping[str, datetime]


class SilenceContext(NamedTuple):
    """What silence depends on: the roster, everyone's absences, and when the service could receive clicks (`up`)."""

    roster: Roster
    away: Absences
    up: Iterable[Span]


def cards_of(state: PackageState) -> tuple[SeenCard, ...]:
    """The cards on which an eligible person can see the present version."""
    return state.shown.cards if state.shown and state.shown.version == state.version else ()


def card_seen_by(state: PackageState, user_id: str, posted: Container[CardLocation]) -> CardLocation | None:
    """A posted card that this person is known to see."""
    return next((card.location for card in cards_of(state) if user_id in card.since and card.location in posted), None)


def onlookers_of(cards: Iterable[SeenCard]) -> dict[str, datetime]:
    """Each person who can see one of these cards, and since when."""
    onlookers: dict[str, datetime] = {}
    for card in cards:
        for user, since in card.since.items():
            onlookers[user] = min(since, onlookers.get(user, since))
    return onlookers


def update_shown(state: PackageState, show: Show, situation: Situation) -> Shown | None:
    """The sightings after Slack said who sees this card. Cards that have been replaced are dropped."""
    other_cards = [
        card for card in cards_of(state) if card.location != show.location and card.location in situation.cards
    ]
    room = MAX_ONLOOKERS - sum(len(card.since) for card in other_cards)
    since = dict(islice(_current_onlookers(state, show, situation), room))
    cards = [*other_cards, SeenCard(channel=show.channel, ts=show.ts, since=since)] if since else other_cards
    if not cards:
        return None
    first = min(onlookers_of(cards).values())
    return Shown(at=first, version=state.version, cards=tuple(sorted(cards, key=lambda card: card.location)))


def _current_onlookers(state: PackageState, show: Show, situation: Situation) -> Iterator[tuple[str, datetime]]:
    """Who sees the card, and since when. People who saw it before keep their time; the rest start now, unless away."""
    roster, question, now = situation.roster, question_of(state, situation.policy), situation.now
    before = next((card.since for card in cards_of(state) if card.location == show.location), {})
    for user in (*sorted(before.keys() & show.seen_by), *sorted(show.seen_by - before.keys())):
        present = user in before or not is_away(roster, user, now)
        if present and _may_decide(roster, user, question, now):
            yield user, before.get(user, now)


def counted_silence(state: PackageState, onlookers: Onlookers, context: SilenceContext, now: datetime) -> timedelta:
    """How long at least one onlooker who may decide now was at work while the service could receive clicks."""
    return total_duration(intersection(_attended_time(state, onlookers, context, now, now), context.up))


def earliest_consent(  # noqa: PLR0917 - the arguments of `counted_silence`, its result and the terms
    state: PackageState, onlookers: Onlookers, context: SilenceContext, terms: Terms, counted: timedelta, now: datetime
) -> datetime:
    """When the silence could be long enough at the earliest; in an hour if that is beyond the lookahead."""
    ahead = _attended_time(state, dict.fromkeys(onlookers, now), context, now + LOOKAHEAD, now)
    missing = terms.soft_timeout - counted
    return now if missing <= timedelta(0) else moment_after(ahead, missing) or now + RECHECK_AFTER


def proof_holds(state: PackageState, silence: Silence, situation: Situation) -> bool:
    """Whether a proof still holds: the same cards, and the same people, who all may still decide."""
    known = onlookers_of(card for card in cards_of(state) if card.location in silence.cards & situation.cards)
    roster, question, now = situation.roster, question_of(state, situation.policy), situation.now
    return all(
        user in known and known[user] <= since and _may_decide(roster, user, question, now)
        for user, since in silence.onlookers.items()
    )


def anyone_present(state: PackageState, roster: Roster, now: datetime, role: str | None = None) -> bool:
    """Whether anyone who is asked, or could be asked in the given role, could decide and is not away."""
    return any(True for _ in iter_present(state, roster, now, role))


def iter_present(state: PackageState, roster: Roster, now: datetime, role: str | None = None) -> Iterator[str]:
    """The people who are asked, or could be asked in the given role, could decide and are not away."""
    eligible = iter_eligible(roster, question_asked(state), now, role)
    return (user for user in eligible if not is_away(roster, user, now))


def is_away(roster: Roster, user_id: str, now: datetime) -> bool:
    person = roster.person(user_id)
    return person is None or person.is_away(now)


def anyone_can_object(state: PackageState, people: Iterable[str], roster: Roster, now: datetime) -> bool:
    """Whether one of these people may decide now and is not away."""
    question = question_of(state, roster.policy)
    return any(not is_away(roster, user, now) and _may_decide(roster, user, question, now) for user in people)


def _may_decide(roster: Roster, user: str, question: Question, now: datetime) -> bool:
    return isinstance(authorize(roster, user, Standard.PROCEED, question, now), ReviewerAuthorization)


def _attended_time(
    state: PackageState, onlookers: Onlookers, context: SilenceContext, until: datetime, now: datetime
) -> Spans:
    """When at least one onlooker was at work. Onlookers with the same roles and absences are computed once."""
    question, roster = question_of(state, context.roster.policy), context.roster
    schedules = {
        (tuple(_deciding_roles(roster, user, question)), tuple(context.away.get(user, ())), since)
        for user, since in onlookers.items()
        if _may_decide(roster, user, question, now)
    }
    return union(*(subtract(_working_time(roster, roles, (since, until)), away) for roles, away, since in schedules))


def _working_time(roster: Roster, roles: Iterable[str], within: Span) -> Spans:
    return union(*(working_spans(roster.policy.roles[name].hours, *within) for name in roles))


def _deciding_roles(roster: Roster, user_id: str, question: Question) -> Iterator[str]:
    """The roles in which the person could decide. The hours of other roles do not count."""
    held = dict.fromkeys(able for wanted in question.roles for able in roster.roles_acting_as(user_id, wanted))
    for name in held:
        role = roster.policy.roles[name]
        if role.covers(question.action_type) and role.max_risk >= question.risk:
            yield name
