"""What applying a policy would change: in the policy, and for the packages that wait for people now."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from difflib import unified_diff

from sqlalchemy import Connection

from bot.cli.policy.explain import quorum
from rules.authority.authorization import eligible_users, question_of
from rules.authority.quorum import fill_quorum
from rules.people.directory import Roster
from rules.policy.model import Policy
from rules.policy.summary import summary
from rules.scales import HITLLevel
from rules.state.level import minimum_level_today
from rules.state.model import PackageState
from rules.state.terms import terms_for, terms_today
from rules.verbs.absences import next_staffed_rung
from store.commands.policies import in_force
from store.installation import directory
from store.installation.house import House
from store.installation.policy_texts import UnreadablePolicyError, kept_policy
from store.installation.tenancy import tenant
from store.packages.queue import Place, open_tasks

PAGE = 200


def consequences(connection: Connection, policy: Policy) -> Iterator[str]:
    try:
        old = kept_policy(connection, in_force(connection))
    except UnreadablePolicyError as fault:
        yield str(fault)
        return
    house = House(tenant(connection), old)
    roster = house.roster(connection)
    yield from _difference(old, policy)
    if unread := directory.unread_of(connection, policy.groups):
        yield f"the members of {', '.join(sorted(unread))} are not known: nobody decides until the service reads them"
    for state in _open(connection, house.tenant_id):
        named = f"{state.decision_package_id} ({state.action_type})"
        yield from (f"{named}: {change}" for change in _for(state, roster, Roster(policy, roster.directory)))


def _difference(old: Policy, new: Policy) -> Iterator[str]:
    lines = unified_diff(summary(old).splitlines(), summary(new).splitlines(), n=0, lineterm="")
    yield from (line for line in lines if not line.startswith(("---", "+++", "@@")))


def _open(connection: Connection, tenant_id: str) -> Iterator[PackageState]:
    after: Place | None = None
    while True:
        page = open_tasks(connection, tenant_id, limit=PAGE, after=after)
        yield from page.items
        if (after := page.following) is None:
            return


def _for(state: PackageState, old: Roster, new: Roster) -> Iterator[str]:
    """By the directory as it is known, also where it is too old to decide by."""
    now = new.directory.as_of or state.updated_at
    if state.soft and minimum_level_today(new.policy, state) > HITLLevel.SOFT_APPROVAL:
        yield "silence no longer counts"
    before, after = _asked(state, old.policy), _asked(state, new.policy)
    if before != after:
        yield f"{after} (until now: {before})"
    before, after = (terms_for(roster.policy, state.action_type, state.risk).role for roster in (old, new))
    if after not in (before, state.task.required_role):
        yield f"it stays with {state.task.required_role}; a new one like it goes to {after}"
    before, after = _people(state, old, now), _people(state, new, now)
    if after and before != after:
        yield after


def _asked(state: PackageState, policy: Policy) -> str:
    return quorum(terms_today(state, policy).model_copy(update={"role": state.task.required_role}))


def _people(state: PackageState, roster: Roster, now: datetime) -> str:
    """What keeps the people who are asked from approving it, if something does."""
    rung, needed = next_staffed_rung(state, roster, now), terms_today(state, roster.policy).quorum
    if rung is not None:
        return f"no one could approve it as {state.task.required_role}, so it goes to {state.terms.role_at(rung)}"
    could = _approvals(state, roster, now)
    if not could:
        return "no one could approve it"
    return f"only {could} of the {needed} approvals that it needs could come in" if could < needed else ""


def _approvals(state: PackageState, roster: Roster, now: datetime) -> int:
    """How many parts of the quorum could be filled by the people who may approve it."""
    terms, question = terms_today(state, roster.policy), question_of(state)
    holders = {role: eligible_users(roster, question, now, role) for role in terms.of_role}
    people = eligible_users(roster, question, now)
    able = {user: [role for role in holders if user in holders[role]] for user in people}
    return fill_quorum(terms.of_role, terms.quorum, able)[0]
