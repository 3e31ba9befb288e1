"""How much of a silence counts: the time in which somebody who could decide was there, and could have been heard."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from rules.authority import Question, each_eligible, question_of
from rules.calendar import Span, Spans, overlap, reached, total, union, without, working
from rules.people import Roster
from rules.state import PackageState, Terms

LOOKS_AHEAD = timedelta(days=14)
LOOKS_AGAIN = timedelta(hours=1)

Absences = Mapping[str, Iterable[Span]]


def counted(
    state: PackageState, roster: Roster, absences: Absences, uptime: Iterable[Span], now: datetime
) -> timedelta:
    """From the proof that this version was seen: who is eligible now, was at work, not away, and had us to talk to."""
    shown = state.shown
    if shown is None or shown.version != state.version:
        return timedelta(0)
    return total(overlap(_somebody(state, roster, absences, (shown.at, now), now), uptime))


def enough_at(  # noqa: PLR0917 - the same things in the same order as above, and what came of them
    state: PackageState, roster: Roster, absences: Absences, terms: Terms, counted: timedelta, now: datetime
) -> datetime:
    """The earliest moment at which it could be enough, if somebody stays; within the hour if that is out of sight."""
    ahead = _somebody(state, roster, absences, (now, now + LOOKS_AHEAD), now)
    missing = terms.soft_timeout - counted
    return now if missing <= timedelta(0) else reached(ahead, missing) or now + LOOKS_AGAIN


def present(state: PackageState, roster: Roster, now: datetime, role: str | None = None) -> bool:
    """Whether anybody who could decide is not away, in any role it asks for or in the one named."""
    return any(True for _ in each_present(state, roster, now, role))


def each_present(state: PackageState, roster: Roster, now: datetime, role: str | None = None) -> Iterator[str]:
    """The same, one by one."""
    everybody = each_eligible(roster, question_of(state), now, role)
    return (user for user in everybody if not is_away(roster, user, now))


def is_away(roster: Roster, user_id: str, now: datetime) -> bool:
    person = roster.person(user_id)
    return person is None or person.is_away(now)


def _somebody(state: PackageState, roster: Roster, absences: Absences, within: Span, now: datetime) -> Spans:
    """When at least one of those eligible now was there. Most have the same hours and no absence: once is enough."""
    question = question_of(state)
    at_work = {name: working(role.hours, *within) for name, role in roster.policy.roles.items()}
    ways = {
        (tuple(_acting_in(roster, user, question)), tuple(absences.get(user, ())))
        for user in each_eligible(roster, question, now)
    }
    return union(*(without(union(*map(at_work.__getitem__, roles)), away) for roles, away in ways))


def _acting_in(roster: Roster, user_id: str, question: Question) -> Iterator[str]:
    """The roles in which they could decide it: the hours of one that cannot are no time to be heard in."""
    held = dict.fromkeys(able for asked in question.roles for able in roster.able_in(user_id, asked))
    for name in held:
        role = roster.policy.roles[name]
        if role.covers(question.action_type) and role.max_risk >= question.risk:
            yield name
