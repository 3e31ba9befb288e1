"""Who gets a mail about a package, and why. Asked when something happens, and again before a mail is sent.

A mail goes to people who could act on the package now. Of an outcome it tells those who approved and the agent's owner.
Whoever has no address in the directory gets none.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from rules.authority.authorization import question_asked
from rules.authority.mentions import could_act, people_told
from rules.authority.visibility import may_see
from rules.mail.reasons import MailReason
from rules.people.directory import Roster
from rules.scales import HITLLevel, RiskLevel
from rules.state.decisions import ExecutionState
from rules.state.model import PackageState, Status

OUTCOMES = (MailReason.FAILED, MailReason.UNKNOWN)

SLACK_IS_BACK = "Slack can be reached again"
NO_LONGER_SO = "it no longer waits for this: someone acted meanwhile"
NOT_THEIRS = "this person can no longer act on it"


class Telling(NamedTuple):
    """`occasion` tells apart what can happen twice to a package: outcomes by attempt, all else by version."""

    user_id: str
    reason: MailReason
    occasion: int


def tellings_after(
    before: PackageState | None, after: PackageState, roster: Roster, now: datetime
) -> tuple[Telling, ...]:
    """Who must be told by mail of what has just become so: each person once, for the gravest reason.

    On a new rung or version the reason may stay and the people change: then those who were not asked before.
    """
    by_person: dict[str, Telling] = {}
    for reason in mail_reasons(after):
        earlier = _told_of(before, reason, roster, now) if before else frozenset()
        for telling in tellings_of(after, reason, roster, now):
            if telling not in earlier:
                by_person.setdefault(telling.user_id, telling)
    return tuple(by_person.values())


def _told_of(before: PackageState, reason: MailReason, roster: Roster, now: datetime) -> frozenset[Telling]:
    return frozenset(tellings_of(before, reason, roster, now) if reason in mail_reasons(before) else ())


def tellings_of(state: PackageState, reason: MailReason, roster: Roster, now: datetime) -> tuple[Telling, ...]:
    at = _when_known(roster, now)
    people = _people_informed(state, roster, at) if reason in OUTCOMES else _people_asked(state, roster, at)
    occasion = len(state.execution.claim_ids) if reason in OUTCOMES else state.version
    return tuple(Telling(user, reason, occasion) for user in people if has_address(roster, user))


def _when_known(roster: Roster, now: datetime) -> datetime:
    """With a stale directory, when it was last fresh: who must be told is checked again before a mail is sent."""
    as_of = roster.directory.as_of
    return min(now, as_of + roster.policy.directory.max_age) if as_of else now


def mail_reasons(state: PackageState) -> tuple[MailReason, ...]:
    """Why people are told of this package by mail even if Slack works, the gravest first."""
    pending, outcome = state.status is Status.PENDING, state.execution.state if state.recovery is None else None
    holds = {
        MailReason.TAKEOVER: pending and state.level is HITLLevel.HUMAN_TAKEOVER,
        MailReason.LAST_RUNG: pending and 0 < state.task.rung == state.terms.top,
        MailReason.CRITICAL: pending and state.risk is RiskLevel.CRITICAL,
        MailReason.FAILED: outcome in (ExecutionState.FAILED, ExecutionState.ROLLED_BACK),
        MailReason.UNKNOWN: outcome is ExecutionState.UNKNOWN,
    }
    return tuple(reason for reason, is_so in holds.items() if is_so)


def mail_obstacle(
    state: PackageState, reason: MailReason, user_id: str, roster: Roster, now: datetime, *, slack_is_away: bool
) -> str | None:
    """Why this person must not be told of this now; None if they are still to be told."""
    if reason is MailReason.WAITING and not slack_is_away:
        return SLACK_IS_BACK
    is_so = state.status is Status.PENDING if reason is MailReason.WAITING else reason in mail_reasons(state)
    if not is_so:
        return NO_LONGER_SO
    able = _people_informed(state, roster, now) if reason in OUTCOMES else _people_able(state, roster, now)
    return None if user_id in able else NOT_THEIRS


def has_address(roster: Roster, user_id: str) -> bool:
    person = roster.person(user_id)
    return person is not None and bool(person.email)


def _people_informed(state: PackageState, roster: Roster, now: datetime) -> list[str]:
    """Those who approved and the owner, as far as they may still see the package."""
    return [user for user in people_told(state, roster) if may_see(roster, state, user, now)]


def _people_asked(state: PackageState, roster: Roster, now: datetime) -> list[str]:
    """Those who could act now; if holders of the asked roles are enough, only they."""
    able, asked = _people_able(state, roster, now), question_asked(state).roles
    holders = [user for user in able if not set(roster.roles_of(user)).isdisjoint(asked)]
    return holders if len(holders) >= _missing(state) else able


def _people_able(state: PackageState, roster: Roster, now: datetime) -> list[str]:
    """Those who could act now. If someone has taken the task and is enough, only they."""
    question = question_asked(state)
    people = sorted(frozenset[str]().union(*(roster.users_acting_as(role) for role in question.roles)))
    able = [user for user in people if could_act(state, roster, user, question, now)]
    taken_by = state.task.assigned_to
    return [taken_by] if taken_by in able and _missing(state) <= 1 else able


def _missing(state: PackageState) -> int:
    """How many more people are needed. To take over, one is enough."""
    return 1 if state.level is HITLLevel.HUMAN_TAKEOVER else state.terms.quorum - len(state.votes)
