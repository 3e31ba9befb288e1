"""Who is mentioned on a card that waits for a decision: people who could decide it now, or the user group of a role.

The assignee of a claimed task is mentioned alone. Otherwise up to five people are mentioned by name. If more could
decide, the user group of their role is mentioned, or five of them if it has none. Which five differs between packages,
to share the load, and is stable for one package.
"""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256
from itertools import islice
from typing import NamedTuple

from rules.authority.authorization import Question, authorize, deciding_roles, question_in
from rules.authority.silence import is_away
from rules.authority.standards import Standard
from rules.people.directory import ReviewerAuthorization, Roster, reference
from rules.scales import HITLLevel
from rules.state.model import PackageState, Status

MAX_MENTIONS = 5


class Mentions(NamedTuple):
    """The ids of people and user groups; `more`: whether more people could decide than are named."""

    people: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    more: bool = False


def mentions_for(state: PackageState, roster: Roster, now: datetime) -> Mentions:
    """The mentions of this package's card. While silence may decide, nobody is mentioned."""
    if state.status is not Status.PENDING or state.level < HITLLevel.HARD_APPROVAL:
        return Mentions()
    roles = deciding_roles(state, roster.policy)
    taken_by, call = state.task.assigned_to, roster.policy.queue.call
    if taken_by and any(could_act(state, roster, taken_by, question_in(state, role), now) for role in roles):
        return Mentions((taken_by,))
    if call == "assignee":
        return Mentions()
    able = {role: _able_people(state, roster, role, now) for role in roles}
    people = tuple(dict.fromkeys(user for users in able.values() for user in users))
    return Mentions(people) if call == "people" and 0 < len(people) <= MAX_MENTIONS else _by_role(roster, able)


def people_told(state: PackageState, roster: Roster) -> tuple[str, ...]:
    """The people who learn of a failure: the approvers and the agent's owner, if their accounts are active."""
    approvers = [seat.reviewer_id for seat in state.decision.reviewers] if state.decision else []
    owner = roster.user_of_reference(reference(state.owner))
    people = dict.fromkeys((*approvers, *(vote.reviewer_id for vote in state.retry_votes), owner))
    return tuple(user for user in people if (person := roster.person(user)) and person.active and not person.is_bot)


def _by_role(roster: Roster, able: dict[str, list[str]]) -> Mentions:
    """Each role by its user groups, or by some of its people if it has none."""
    groups = {name: role.groups for name, role in roster.policy.roles.items()}
    unnamed = dict.fromkeys(user for role, users in able.items() if not groups.get(role) for user in users)
    of_roles = dict.fromkeys(group for role in able for group in groups.get(role, ()))
    return Mentions(tuple(unnamed)[:MAX_MENTIONS], tuple(of_roles), more=len(unnamed) > MAX_MENTIONS)


def _able_people(state: PackageState, roster: Roster, role: str, now: datetime) -> list[str]:
    """Up to one more than can be named, holders of the role itself first, in an order of the package's own."""

    def place(user: str) -> tuple[bool, bytes]:
        return role not in roster.roles_of(user), sha256(f"{state.decision_package_id} {user}".encode()).digest()

    in_order = sorted(roster.users_acting_as(role), key=place)
    question = question_in(state, role)
    return list(islice((user for user in in_order if could_act(state, roster, user, question, now)), MAX_MENTIONS + 1))


def could_act(state: PackageState, roster: Roster, user_id: str, question: Question, now: datetime) -> bool:
    """Whether this person could approve or take over now, has not voted yet and is not away."""
    standard = Standard.TAKE_OVER if state.level is HITLLevel.HUMAN_TAKEOVER else Standard.PROCEED
    allowed = authorize(roster, user_id, standard, question, now)
    voted = any(vote.reviewer_id == user_id for vote in state.votes)
    return isinstance(allowed, ReviewerAuthorization) and not voted and not is_away(roster, user_id, now)
