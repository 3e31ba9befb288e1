"""Who gets a mail about a package, and why. Asked when something happens, and again before a mail is sent.

A mail goes to people who could act on the package now. Of an outcome it tells those who approved and the agent's owner.
Whoever has no address in the directory gets none.
"""

from __future__ import annotations

from collections.abc import Collection
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
WHILE_PENDING = (MailReason.TAKEOVER, MailReason.LAST_RUNG, MailReason.CRITICAL, MailReason.WAITING)

# Why a mail is not sent after all.
TURNED_OFF = "this person has turned off all mails except takeovers"
SLACK_IS_BACK = "Slack can be reached again"
NO_LONGER_SO = "it no longer waits for this: someone acted meanwhile"
TOO_LATE = "nobody could be told of it within three days"
NOT_THEIRS = "this person can no longer act on it"
TAKEN = "someone else has taken it"


class Telling(NamedTuple):
    """`occasion` tells apart what can happen twice to a package: outcomes by attempt, all else by version."""

    user_id: str
    reason: MailReason
    occasion: int


def tellings_after(
    before: PackageState | None, after: PackageState, roster: Roster, now: datetime, quiet: Collection[str] = ()
) -> tuple[Telling, ...]:
    """Who must be told by mail since this change: each person once, for the gravest reason that is new to them.

    On a new rung or version a reason may stay and the people change. `quiet`: people who have turned off all mails
    except takeovers.
    """
    by_person: dict[str, Telling] = {}
    for reason in mail_reasons(after):
        was_so = before and reason in mail_reasons(before)
        earlier = tellings_of(before, reason, roster, now, quiet) if before and was_so else ()
        for telling in tellings_of(after, reason, roster, now, quiet):
            if telling not in earlier:
                by_person.setdefault(telling.user_id, telling)
    return tuple(by_person.values())


def tellings_of(
    state: PackageState, reason: MailReason, roster: Roster, now: datetime, quiet: Collection[str] = ()
) -> tuple[Telling, ...]:
    """Who must be told of this: people with an address who want such mails."""
    at, is_outcome = _when_known(roster, now), reason in OUTCOMES
    people = _people_informed(state, roster, at) if is_outcome else _people_able(state, roster, at)
    reached = [user for user in people if _is_reached(roster, user, reason, quiet)]
    occasion = len(state.execution.claim_ids) if is_outcome else state.version
    recipients = reached if is_outcome else _people_asked(state, roster, reached)
    return tuple(Telling(user, reason, occasion) for user in recipients)


def _is_reached(roster: Roster, user_id: str, reason: MailReason, quiet: Collection[str]) -> bool:
    return has_address(roster, user_id) and (reason is MailReason.TAKEOVER or user_id not in quiet)


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
    state: PackageState,
    reason: MailReason,
    user_id: str,
    roster: Roster,
    now: datetime,
    *,
    slack_is_away: bool,
    quiet: Collection[str] = (),
) -> str | None:
    """Why this person must not be told of this now; None if they are still to be told."""
    if reason is MailReason.WAITING and not slack_is_away:
        return SLACK_IS_BACK
    if not is_still_so(state, reason):
        return NO_LONGER_SO
    if reason in OUTCOMES:
        return None if user_id in _people_informed(state, roster, now) else NOT_THEIRS
    if not could_act(state, roster, user_id, question_asked(state), now):
        return NOT_THEIRS
    return TAKEN if _is_taken_by_another(state, reason, user_id, roster, now, quiet=quiet) else None


def is_still_so(state: PackageState, reason: MailReason) -> bool:
    """Whether the package still gives people this reason to be told of it."""
    return state.status is Status.PENDING if reason is MailReason.WAITING else reason in mail_reasons(state)


def has_address(roster: Roster, user_id: str) -> bool:
    person = roster.person(user_id)
    return person is not None and bool(person.email)


def _people_informed(state: PackageState, roster: Roster, now: datetime) -> list[str]:
    """The approvers and the agent's owner, as far as they may still see the package."""
    return [user for user in people_told(state, roster) if may_see(roster, state, user, now)]


def _people_able(state: PackageState, roster: Roster, now: datetime) -> list[str]:
    question = question_asked(state)
    people = sorted(frozenset[str]().union(*(roster.users_acting_as(role) for role in question.roles)))
    return [user for user in people if could_act(state, roster, user, question, now)]


def _people_asked(state: PackageState, roster: Roster, reached: list[str]) -> list[str]:
    """Of those whom a mail reaches: who took the task, or the holders of the asked roles, if these are enough."""
    taker, asked_roles = _taker(state), question_asked(state).roles
    if taker in reached:
        return [taker]
    holders = [user for user in reached if not set(roster.roles_of(user)).isdisjoint(asked_roles)]
    return holders if len(holders) >= _missing(state) else reached


def _is_taken_by_another(
    state: PackageState, reason: MailReason, user_id: str, roster: Roster, now: datetime, *, quiet: Collection[str]
) -> bool:
    """Whether it is left to someone who has taken the task, could act now and is told by mail."""
    taker = _taker(state)
    if taker is None or taker == user_id or not _is_reached(roster, taker, reason, quiet):
        return False
    return could_act(state, roster, taker, question_asked(state), now)


def _taker(state: PackageState) -> str | None:
    """Who has taken the task, if no other person is needed."""
    return state.task.assigned_to if _missing(state) <= 1 else None


def _missing(state: PackageState) -> int:
    """How many more people are needed. To take over, one is enough."""
    return 1 if state.level is HITLLevel.HUMAN_TAKEOVER else state.terms.quorum - len(state.votes)
