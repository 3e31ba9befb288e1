"""Lists what applying a policy would change: settings of the policy, and packages that wait for people now.

`policy apply` prints these lines and asks before it changes anything. They are computed from the stored packages and
the directory as it was last read; nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from difflib import unified_diff

from sqlalchemy import Connection

from bot.cli.common.text import iso
from bot.cli.policy.explain import describe_quorum
from rules.authority.authorization import eligible_users, question_of
from rules.authority.exceptions import exception_end
from rules.authority.ladder import who_may_decide
from rules.authority.quorum import fill_quorum
from rules.people.directory import Roster
from rules.policy.exceptions import marked_rules
from rules.policy.model import Policy
from rules.policy.summary import summary
from rules.scales import HITLLevel
from rules.state.level import minimum_level_today
from rules.state.model import PackageState
from rules.state.terms import asked_terms, terms_today
from rules.verbs.absences import next_staffed_rung
from store.commands.policies import active_digest
from store.installation import directory
from store.installation.installation import Installation
from store.installation.policy_texts import UnreadablePolicyError, load_policy
from store.installation.tenancy import read_tenant_id
from store.packages.exceptions import load_granted_exceptions
from store.packages.paging import Cursor
from store.packages.queue import list_open_tasks

PAGE = 200


def consequences(connection: Connection, policy: Policy) -> Iterator[str]:
    """One line for each change: first of the policy's own settings, then of each open package."""
    try:
        old = load_policy(connection, active_digest(connection))
    except UnreadablePolicyError as fault:
        yield str(fault)
        return
    installation = Installation(read_tenant_id(connection), old)
    roster = installation.roster(connection)
    yield from _policy_diff(old, policy)
    if unread := directory.unknown_groups(connection, policy.groups):
        yield f"the members of {', '.join(sorted(unread))} are not known: nobody decides until the service reads them"
    for state in _open_packages(connection, installation.tenant_id):
        label = f"{state.decision_package_id} ({state.action_type})"
        yield from (f"{label}: {change}" for change in _changes_for(state, roster, Roster(policy, roster.directory)))
    for state in load_granted_exceptions(connection, installation.tenant_id):
        changes = _changes_of_exception(state, old, policy)
        yield from (f"exception {state.decision_package_id}: {change}" for change in changes)


def _policy_diff(old: Policy, new: Policy) -> Iterator[str]:
    lines = unified_diff(summary(old).splitlines(), summary(new).splitlines(), n=0, lineterm="")
    yield from (line for line in lines if not line.startswith(("---", "+++", "@@")))


def _open_packages(connection: Connection, tenant_id: str) -> Iterator[PackageState]:
    after: Cursor | None = None
    while True:
        page = list_open_tasks(connection, tenant_id, limit=PAGE, after=after)
        yield from page.items
        if (after := page.following) is None:
            return


def _changes_for(state: PackageState, old: Roster, new: Roster) -> Iterator[str]:
    """Yield the changes for one package. The known directory is used even if it is too old for decisions."""
    now = new.directory.as_of or state.updated_at
    if state.soft and minimum_level_today(new.policy, state) > HITLLevel.SOFT_APPROVAL:
        yield "silence no longer counts"
    before, after = _quorum_sentence(state, old.policy), _quorum_sentence(state, new.policy)
    if before != after:
        yield f"{after} (until now: {before})"
    before, after = (
        asked_terms(roster.policy, state.action_type, state.exception, state.risk).role for roster in (old, new)
    )
    if after not in (before, state.task.required_role):
        yield f"it stays with {state.task.required_role}; a new one like it goes to {after}"
    before, after = (who_may_decide(state, terms_today(state, roster.policy)) for roster in (old, new))
    if before != after:
        yield f"{after} may decide (until now: {before})"
    before, after = _missing_people(state, old, now), _missing_people(state, new, now)
    if after and before != after:
        yield after


def _changes_of_exception(state: PackageState, old: Policy, new: Policy) -> Iterator[str]:
    if exception := state.exception:
        before, after = exception_end(exception, old), exception_end(exception, new)
        if after < before:
            yield f"it ends {iso(after)} (until now: {iso(before)})"
        if exception.rule in marked_rules(old.rules) and exception.rule not in marked_rules(new.rules):
            yield f"it no longer holds: the policy allows no exceptions to the rule {exception.rule}"


def _quorum_sentence(state: PackageState, policy: Policy) -> str:
    return describe_quorum(terms_today(state, policy).model_copy(update={"role": state.task.required_role}))


def _missing_people(state: PackageState, roster: Roster, now: datetime) -> str:
    """A sentence if too few of the people who are asked could approve it; otherwise empty."""
    rung, needed = next_staffed_rung(state, roster, now), terms_today(state, roster.policy).quorum
    if rung is not None:
        return f"no one could approve it as {state.task.required_role}, so it goes to {state.terms.role_at(rung)}"
    possible = _possible_approvals(state, roster, now)
    if not possible:
        return "no one could approve it"
    return f"only {possible} of the {needed} approvals that it needs could come in" if possible < needed else ""


def _possible_approvals(state: PackageState, roster: Roster, now: datetime) -> int:
    """How many approvals of the quorum the eligible people could give."""
    terms, question = terms_today(state, roster.policy), question_of(state, roster.policy)
    holders = {role: eligible_users(roster, question, now, role) for role in terms.of_role}
    people = eligible_users(roster, question, now)
    able = {user: [role for role in holders if user in holders[role]] for user in people}
    return fill_quorum(terms.of_role, terms.quorum, able)[0]
