"""Who may see a package in lists, by its id and in Details.

Everyone in the channel of a card sees the card and may open Details from it. This rule is for everything else.
"""

from __future__ import annotations

from datetime import datetime

from rules.authority.authorization import identify
from rules.people.directory import Person, Roster, references
from rules.policy.model import Policy
from rules.state.model import Bar, PackageState
from rules.state.terms import terms_today

_PARTIES = (Bar.REQUESTER, Bar.DELEGATION_CHAIN, Bar.OWNER)


def may_see(roster: Roster, state: PackageState, user_id: str, now: datetime) -> bool:
    """Whether this person is a reviewer, a party or an admin; with `visibility = "workspace"`, any member."""
    person = identify(roster, user_id, now)
    if not isinstance(person, Person):
        return False
    return (
        sees_all(roster.policy, user_id)
        or _is_reviewer(roster, state, user_id)
        or _has_the_task(roster, state, user_id, now)
        or _is_party(state, person)
    )


def sees_all(policy: Policy, user_id: str) -> bool:
    """Whether this person sees every package. Only for people who are already identified."""
    return policy.visibility == "workspace" or user_id in policy.admins


def _is_reviewer(roster: Roster, state: PackageState, user_id: str) -> bool:
    """Whether the person may act, within scope, in any role that is asked now or may be asked later."""
    terms = terms_today(state, roster.policy)
    roles = {state.task.required_role, state.terms.role, terms.role, *terms.ladder, *terms.of_role}
    own = {own for role in roles for own in roster.roles_acting_as(user_id, role)}
    return any(all(map(roster.policy.roles[name].covers, state.decided_types)) for name in own)


def _has_the_task(roster: Roster, state: PackageState, user_id: str, now: datetime) -> bool:
    """Whether the person is the assignee, the original assignee, or the delegate of an assignee who is away."""
    assignee = roster.person(state.task.assigned_to or "")
    delegate = assignee.delegate if assignee and assignee.is_away(now) else None
    return user_id in (state.task.assigned_to, state.task.stands_in_for, delegate)


def _is_party(state: PackageState, person: Person) -> bool:
    parties = {party for party, bar in state.barred.items() if bar in _PARTIES}
    return not references(person).isdisjoint({state.requester, state.owner, *parties})
