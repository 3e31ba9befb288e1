"""Checks that a person may act on a package: identity, role, scope, authority and independence, by today's policy.

Each missing part has a refusal of its own. *Proceeding* requires all of them. *Stopping* requires identity and role, or
being the requester or the owner. *Routing* requires role and scope. *Taking over* requires role, scope and authority.
The standards are in `rules.authority.standards`; the standard of a verb is in its row of `rules.verbs.table`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from rules.authority.ladder import deciding_rungs, ladder_roles
from rules.authority.standards import Standard
from rules.people.directory import Part, Person, ReviewerAuthorization, Roster, references
from rules.policy.model import Policy
from rules.reasons import Reason, Refusal, refuse
from rules.scales import RiskLevel
from rules.state.decisions import Vote
from rules.state.model import Bar, PackageState, Terms
from rules.state.terms import asked_terms
from rules.wording import either_of

_BARRED = {
    Bar.REQUESTER: Reason.IS_REQUESTER,
    Bar.DELEGATION_CHAIN: Reason.IS_ON_CHAIN,
    Bar.OWNER: Reason.IS_OWNER,
    Bar.EARLIER_IN_THREAD: Reason.IS_EARLIER_IN_THREAD,
    Bar.NAMED_IN_THREAD: Reason.IS_EARLIER_IN_THREAD,
    Bar.EDITOR: Reason.IS_EDITOR,
    Bar.RECUSED: Reason.IS_RECUSED,
}

_MAX_CACHED = 4096  # results for each roster; bounded, because agents choose the action types


class Question(NamedTuple):
    """The part of a package's state on which authority depends."""

    tenant_id: str
    action_type: str
    risk: RiskLevel
    roles: tuple[str, ...]
    barred: dict[str, Bar]
    requester: str
    owner: str
    excepted: tuple[str, ...] = ()  # the action types of an exception, of which each must be in scope

    @property
    def decided_types(self) -> tuple[str, ...]:
        return self.excepted or (self.action_type,)


def deciding_roles(state: PackageState, policy: Policy) -> tuple[str, ...]:
    """The roles that may decide now: the one that is asked, those of the quorum, and those that the ladder keeps."""
    return tuple(dict.fromkeys((*asked_roles(state), *ladder_roles(state, _policy_terms(state, policy)))))


def _policy_terms(state: PackageState, policy: Policy) -> Terms:
    """The policy's own terms, which are enough to know whether the ladder still keeps what it kept."""
    return asked_terms(policy, state.action_type, state.exception, state.risk)


def asked_roles(state: PackageState) -> tuple[str, ...]:
    """The roles that are asked now, without those that the ladder keeps: whom to wait for and to assign."""
    return tuple(dict.fromkeys((state.task.required_role, *state.terms.of_role)))


def question_of(state: PackageState, policy: Policy, *, so_far: bool = False) -> Question:
    """Who may decide now; with `so_far`, also everyone who was asked before, who may still stop it."""
    earlier = [state.terms.role_at(rung) for rung in range(state.task.rung)] if so_far else []
    return question_in(state, *deciding_roles(state, policy), *earlier)


def question_asked(state: PackageState) -> Question:
    """Who is asked now. The ladder climbs, assigns and mentions a new role as if no earlier one could still decide."""
    return question_in(state, *asked_roles(state))


def question_in(state: PackageState, *roles: str) -> Question:
    """Who may decide in one of these roles."""
    return Question(
        tenant_id=state.tenant_id,
        action_type=state.action_type,
        risk=state.risk,
        roles=tuple(dict.fromkeys(roles)),
        barred=state.barred,
        requester=state.requester,
        owner=state.owner,
        excepted=state.exception.action_types if state.exception else (),
    )


def identify(roster: Roster, user_id: str, now: datetime) -> Person | Refusal:
    """The active, full member of this workspace with this id, or a refusal."""
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
    """The authority under which this person meets the standard, or the refusal for the first part that is missing."""
    person = identify(roster, user_id, now)
    if isinstance(person, Refusal):
        return person
    if standard is Standard.OWN_RULE:
        raise ValueError("the verb's own rule decides who may give it: there is no standard to meet")
    if part := _part_of(roster, person, standard, question):
        return ReviewerAuthorization(reviewer_id=user_id, roles=(), acting_as=part, tenant_id=question.tenant_id)
    if standard in _ONLY_BY_PART:
        return refuse(_ONLY_BY_PART[standard])
    if standard is Standard.PROCEED and (refusal := check_independence(person, question)):
        return refusal
    return _cached_authority(roster, user_id, standard, question)


def check_independence(person: Person, question: Question) -> Refusal | None:
    """Refuse a person who is not independent of the package, or who cannot be shown to be."""
    names = references(person)
    bars = [bar for party, bar in question.barred.items() if party in names]
    if bars:
        return refuse(_BARRED[bars[0]])
    by_address = any(party.startswith("email:") for party in question.barred)
    return refuse(Reason.INDEPENDENCE_UNKNOWN) if by_address and not person.email else None


_ONLY_BY_PART = {Standard.PARTY: Reason.NOT_YOURS_TO_WITHDRAW, Standard.ADMIN: Reason.NOT_ADMIN}


def _part_of(roster: Roster, person: Person, standard: Standard, question: Question) -> Part | None:
    """The part (requester, owner, admin) in which this person meets the standard without a role, if any."""
    if standard is Standard.ADMIN:
        return Part.ADMIN if person.user_id in roster.policy.admins else None
    if standard not in (Standard.STOP, Standard.PARTY):
        return None
    if question.requester in references(person):
        return Part.REQUESTER
    return Part.OWNER if question.owner in references(person) else None


def _cached_authority(
    roster: Roster, user_id: str, standard: Standard, question: Question
) -> ReviewerAuthorization | Refusal:
    """The result of `_find_authority`, cached: a submission asks it of many people, and a roster never changes."""
    key = (user_id, standard, question.roles, question.decided_types, question.risk, question.tenant_id)
    result: ReviewerAuthorization | Refusal | None = roster.authorizations.get(key)
    if result is None:
        if len(roster.authorizations) >= _MAX_CACHED:
            roster.authorizations.clear()
        result = roster.authorizations[key] = _find_authority(roster, user_id, standard, question)
    return result


def _find_authority(
    roster: Roster, user_id: str, standard: Standard, question: Question
) -> ReviewerAuthorization | Refusal:
    """The person's most senior role that meets the standard. One role must meet all of it: roles do not add up."""
    matching_roles = [name for name in question.roles if roster.roles_acting_as(user_id, name)]
    held = dict.fromkeys(own for name in matching_roles for own in roster.roles_acting_as(user_id, name))
    if not held:
        return refuse(Reason.WRONG_ROLE, role=either_of(question.roles))
    roles = {own: roster.policy.roles[own] for own in held}
    if standard is not Standard.STOP:
        for action_type in question.decided_types:
            roles = {name: role for name, role in roles.items() if role.covers(action_type)}
            if not roles:
                return refuse(Reason.OUT_OF_SCOPE, role=matching_roles[0], action_type=action_type)
    name = max(roles, key=lambda held_role: roles[held_role].max_risk)
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
    """Everyone who could approve now, in any of the question's roles or in the given one."""
    return frozenset(iter_eligible(roster, question, now, role))


def iter_eligible(roster: Roster, question: Question, now: datetime, role: str | None = None) -> Iterator[str]:
    """`eligible_users` one by one, so that a caller that needs only a few does not check everyone."""
    narrowed = question if role is None else question._replace(roles=(role,))
    people = frozenset[str]().union(*(roster.users_acting_as(name) for name in narrowed.roles))
    for user in people:
        if isinstance(authorize(roster, user, Standard.PROCEED, narrowed, now), ReviewerAuthorization):
            yield user


def vote_still_counts(roster: Roster, vote: Vote, state: PackageState, now: datetime, role: str | None = None) -> bool:
    """Whether this vote could be given again today, in any of its roles or in the given one."""
    return isinstance(authorize_vote_today(roster, vote, state, now, role), ReviewerAuthorization)


def authorize_vote_today(
    roster: Roster, vote: Vote, state: PackageState, now: datetime, role: str | None = None
) -> ReviewerAuthorization | Refusal:
    """The authority for giving this vote today, or why it would be refused."""
    question = question_in(state, role) if role else _question_of_rung(state, vote.rung)
    return authorize(roster, vote.reviewer_id, Standard.PROCEED, question, now)


def voting_rung(roster: Roster, user_id: str, state: PackageState, now: datetime) -> int:
    """The highest rung in which this person may decide now: their vote is given, and later checked, in its role."""
    return next((rung for rung, _ in _able_on_rungs(roster, user_id, state, now)), state.task.rung)


def authorize_to_proceed(
    roster: Roster, user_id: str, state: PackageState, now: datetime
) -> ReviewerAuthorization | Refusal:
    """The authority for a vote now, in the role of the rung in which it would be given."""
    able = next((able for _, able in _able_on_rungs(roster, user_id, state, now)), None)
    return able or authorize(roster, user_id, Standard.PROCEED, question_of(state, roster.policy), now)


def _able_on_rungs(
    roster: Roster, user_id: str, state: PackageState, now: datetime
) -> Iterator[tuple[int, ReviewerAuthorization]]:
    """The rungs in which this person may decide now, the highest first."""
    for rung in reversed(deciding_rungs(state, _policy_terms(state, roster.policy))):
        able = authorize(roster, user_id, Standard.PROCEED, _question_of_rung(state, rung), now)
        if isinstance(able, ReviewerAuthorization):
            yield rung, able


def _question_of_rung(state: PackageState, rung: int) -> Question:
    return question_in(state, state.terms.role_at(rung), *state.terms.of_role)
