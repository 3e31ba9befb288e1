"""Who may do what to a package: identity, role, scope, authority, independence; each with its own refusal.

*Proceeding* asks for everything. *Stopping* asks for identity and role, or for being the requester or the owner.
*Routing* asks for role and scope. *Taking over* asks for role, scope and authority. Always by today's policy.
Which verb asks for what: `rules.authority.standards`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from rules.authority.standards import Standard
from rules.people.directory import Part, Person, ReviewerAuthorization, Roster, references
from rules.reasons import Reason, Refusal, refuse
from rules.scales import RiskLevel
from rules.state.model import Bar, PackageState, Vote

_BARRED = {
    Bar.REQUESTER: Reason.IS_REQUESTER,
    Bar.DELEGATION_CHAIN: Reason.IS_ON_CHAIN,
    Bar.OWNER: Reason.IS_OWNER,
    Bar.EDITOR: Reason.IS_EDITOR,
    Bar.RECUSED: Reason.IS_RECUSED,
}

_MOST_KEPT = 4096  # answers for each roster: agents choose the action types


class Question(NamedTuple):
    """For what authority is asked: the part of a package's state that bears on it."""

    tenant_id: str
    action_type: str
    risk: RiskLevel
    roles: tuple[str, ...]
    barred: dict[str, Bar]
    requester: str
    owner: str


def question_of(state: PackageState, *, so_far: bool = False) -> Question:
    """Of the rung in hand; `so_far` also asks the rungs already climbed, whose people may still stop."""
    rung = state.task.rung
    rungs = [state.terms.role_at(step) for step in range(rung)] if so_far else []
    roles = tuple(dict.fromkeys((state.task.required_role, *state.terms.of_role, *rungs)))
    return Question(
        tenant_id=state.tenant_id,
        action_type=state.action_type,
        risk=state.risk,
        roles=roles,
        barred=state.barred,
        requester=state.requester,
        owner=state.owner,
    )


def identify(roster: Roster, user_id: str, now: datetime) -> Person | Refusal:
    """Exactly one active, full member of this workspace, or a refusal."""
    policy, person = roster.policy, roster.person(user_id)
    if not roster.directory.is_fresh(policy, now):
        return refuse(Reason.DIRECTORY_STALE)
    if person is None:
        return refuse(Reason.UNKNOWN_PERSON, who=f"<@{user_id}>")
    if not person.active:
        return refuse(Reason.DEACTIVATED)
    if person.is_bot:
        return refuse(Reason.A_BOT)
    named = person.user_id in policy.directory.guests
    if person.is_stranger and not named:
        return refuse(Reason.A_STRANGER)
    return refuse(Reason.A_GUEST) if person.is_guest and not named else person


def authorize(
    roster: Roster, user_id: str, standard: Standard, question: Question, now: datetime
) -> ReviewerAuthorization | Refusal:
    """The authority under which this person meets the standard, or the first thing that stands in the way."""
    person = identify(roster, user_id, now)
    if isinstance(person, Refusal):
        return person
    if standard is Standard.OWN_RULE:
        raise ValueError("the verb's own rule decides who may give it: there is no standard to meet")
    if part := _part(roster, person, standard, question):
        return ReviewerAuthorization(reviewer_id=user_id, roles=(), acting_as=part, tenant_id=question.tenant_id)
    if standard in _ONLY_BY_PART:
        return refuse(_ONLY_BY_PART[standard])
    if standard is Standard.PROCEED and (refusal := check_independence(person, question)):
        return refusal
    return _best(roster, user_id, standard, question)


def check_independence(person: Person, question: Question) -> Refusal | None:
    """Why this person is not independent of the package, if they are not."""
    names = references(person)
    bars = [bar for who, bar in question.barred.items() if who in names]
    if bars:
        return refuse(_BARRED[bars[0]])
    by_address = any(who.startswith("email:") for who in question.barred)
    return refuse(Reason.INDEPENDENCE_UNKNOWN) if by_address and not person.email else None


_ONLY_BY_PART = {Standard.PARTY: Reason.NOT_YOURS_TO_WITHDRAW, Standard.ADMIN: Reason.NOT_ADMIN}


def _part(roster: Roster, person: Person, standard: Standard, question: Question) -> Part | None:
    """The part in which this person meets the standard without any role, if there is one."""
    if standard is Standard.ADMIN:
        return Part.ADMIN if person.user_id in roster.policy.admins else None
    if standard not in (Standard.STOP, Standard.PARTY):
        return None
    if question.requester in references(person):
        return Part.REQUESTER
    return Part.OWNER if question.owner in references(person) else None


def _best(roster: Roster, user_id: str, standard: Standard, question: Question) -> ReviewerAuthorization | Refusal:
    """Worked out once for each roster: a submission asks it of many people, and a roster never changes."""
    asked = (user_id, standard, question.roles, question.action_type, question.risk, question.tenant_id)
    found: ReviewerAuthorization | Refusal | None = roster.authorizations.get(asked)
    if found is None:
        if len(roster.authorizations) >= _MOST_KEPT:
            roster.authorizations.clear()
        found = roster.authorizations[asked] = _best_of(roster, user_id, standard, question)
    return found


def _best_of(roster: Roster, user_id: str, standard: Standard, question: Question) -> ReviewerAuthorization | Refusal:
    """One role must answer for all of it: scope of one and authority of another do not add up to both."""
    asked = [name for name in question.roles if roster.roles_acting_as(user_id, name)]
    held = dict.fromkeys(held for name in asked for held in roster.roles_acting_as(user_id, name))
    if not held:
        return refuse(Reason.WRONG_ROLE, role=question.roles[0])
    roles = {name: roster.policy.roles[name] for name in held}
    if standard is not Standard.STOP:
        roles = {name: role for name, role in roles.items() if role.covers(question.action_type)}
        if not roles:
            return refuse(Reason.OUT_OF_SCOPE, role=asked[0], action_type=question.action_type)
    name = max(roles, key=lambda each: roles[each].max_risk)
    role = roles[name]
    if standard in (Standard.PROCEED, Standard.TAKE_OVER) and role.max_risk < question.risk:
        return refuse(Reason.ABOVE_AUTHORITY, risk=question.risk, max_risk=role.max_risk)
    return ReviewerAuthorization(
        reviewer_id=user_id,
        roles=(name,),
        tenant_id=question.tenant_id,
        scopes=role.scopes,
        max_risk_level=role.max_risk,
    )


def eligible_users(roster: Roster, question: Question, now: datetime, role: str | None = None) -> frozenset[str]:
    """Everyone who could approve this now, in any role it asks for or in the one named."""
    return frozenset(iter_eligible(roster, question, now, role))


def iter_eligible(roster: Roster, question: Question, now: datetime, role: str | None = None) -> Iterator[str]:
    """The same, one by one: who needs only some of them need not look at a thousand."""
    asked = question if role is None else question._replace(roles=(role,))
    people = frozenset[str]().union(*(roster.users_acting_as(name) for name in asked.roles))
    for user in people:
        if isinstance(authorize(roster, user, Standard.PROCEED, asked, now), ReviewerAuthorization):
            yield user


def vote_still_counts(roster: Roster, vote: Vote, state: PackageState, now: datetime, role: str | None = None) -> bool:
    """Whether a vote would be given again today, in any role it was asked for or in the one named."""
    return isinstance(authorize_vote_today(roster, vote, state, now, role), ReviewerAuthorization)


def authorize_vote_today(
    roster: Roster, vote: Vote, state: PackageState, now: datetime, role: str | None = None
) -> ReviewerAuthorization | Refusal:
    """Under which authority this vote would be given today, or why it would be refused."""
    roles = (role,) if role else (state.terms.role_at(vote.rung), *state.terms.of_role)
    question = question_of(state)._replace(roles=tuple(dict.fromkeys(roles)))
    return authorize(roster, vote.reviewer_id, Standard.PROCEED, question, now)
