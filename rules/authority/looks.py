"""Blind second looks: which approvals are picked, who is asked to look, and what they may do meanwhile.

An approval by people is picked with the probability that the policy sets for its tier, and so is an override that lets
the agent go ahead. Whether it is picked follows from the id of the event that recorded the decision. The service makes
that id when the click arrives, with 64 random bits, so nobody can know it before; and whoever has the record can check
it afterwards. The one who looks could have approved it too, has had no part in it, and learns from the service neither
how it was decided nor by whom until they have judged. Everyone else may know it from the start, so nobody can take
the place of a judge who leaves: the look ends. A look blocks nothing, and its verdict takes nothing back.
"""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256

from rules.authority.authorization import eligible_users, question_of
from rules.authority.silence import is_away
from rules.people.directory import ActorKind, Roster
from rules.reasons import Reason, Refusal, refuse
from rules.state.commands import Command, Verb
from rules.state.decisions import Basis, BlindLook
from rules.state.model import PackageState
from rules.state.situation import Situation

# What a person may do with a package while they are asked to look at it.
_WHILE_LOOKING = (Verb.JUDGE, Verb.OPEN_DETAILS, Verb.OPEN_FORM)
_BY_PEOPLE = (Basis.HUMAN, Basis.QUORUM)
_SCALE = 2**64


def draw_number(event_id: str, purpose: str = "look") -> float:
    """A number from 0 up to 1 that this event id determines, different for each purpose."""
    digest = sha256(f"countersign {purpose} {event_id}".encode()).digest()
    return int.from_bytes(digest[:8]) / _SCALE


def is_drawn(event_id: str, rate: float) -> bool:
    """Whether an approval that was recorded in this event is picked, at this rate."""
    return draw_number(event_id) < rate


def audit_rate(settled: PackageState, situation: Situation) -> float | None:
    """The rate at which this decision is drawn; None if people let nothing go ahead, or none of its tier is drawn."""
    by_people = settled.decision is not None and settled.decision.basis in _BY_PEOPLE
    return (situation.policy.audit.sample.of(settled.risk) or None) if settled.proceeds and by_people else None


def ask_someone(state: PackageState, situation: Situation) -> BlindLook | None:
    """A look at the decision. None: nobody can be asked."""
    judge = _choose_judge(state, situation)
    if judge is None or state.decision is None:
        return None
    return BlindLook(
        judge=judge,
        of=tuple(seat.reviewer_id for seat in state.decision.reviewers),
        until=situation.now + situation.policy.audit.within,
        since=situation.now,
        secret=situation.chance,
    )


def judge_is_gone(state: PackageState, roster: Roster, now: datetime) -> bool:
    """Whether someone is asked to look who cannot judge now. Unknown with a stale directory, so the look stays."""
    look = state.open_look
    if look is None or not roster.directory.is_fresh(roster.policy, now):
        return False
    able = eligible_users(roster, question_of(state, roster.policy), now)
    return look.judge not in able or is_away(roster, look.judge, now)


def _choose_judge(state: PackageState, situation: Situation) -> str | None:
    """By lot, so that nobody can foresee it, among those who can look and are not looking at another package."""
    voters = {vote.reviewer_id for vote in (*state.votes, *state.retry_votes)}
    seats = {seat.reviewer_id for seat in state.decision.reviewers} if state.decision else set()
    left_out = voters | seats | situation.traces.involved | situation.traces.looking
    able = eligible_users(situation.roster, question_of(state, situation.policy), situation.now)
    free = [user for user in able - left_out if not is_away(situation.roster, user, situation.now)]
    event_id = state.decision.event_id if state.decision else ""
    return min(free, key=lambda user: draw_number(event_id, f"judge {situation.chance} {user}"), default=None)


def check_blindness(state: PackageState, command: Command, situation: Situation) -> Refusal | None:
    """Refuse a judge who does anything else with the package: the answer could tell how it was decided.

    What the service does in their name, because they stopped the thread, answers nobody. It is not refused.
    """
    look, actor = state.open_look, situation.actor
    is_judge = look is not None and actor.kind is ActorKind.PERSON and actor.actor_id == look.judge
    if not is_judge or command.verb in _WHILE_LOOKING:
        return None
    return refuse(Reason.ASKED_TO_LOOK)


def check_look(state: PackageState, comment: str | None) -> Refusal | None:
    """Refuse a judgment without an open look or without a comment."""
    if state.open_look is None:
        return refuse(Reason.LOOK_HAS_ENDED)
    return None if comment else refuse(Reason.COMMENT_REQUIRED)
