"""What applying a policy would change: in the policy, and for the packages that wait for people now."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import unified_diff

from sqlalchemy import Connection

from rules.authority import eligible, question_of
from rules.level import least
from rules.people import Roster
from rules.policy import Policy
from rules.policy_summary import summary
from rules.scales import HITLLevel
from rules.state import PackageState
from store.house import House
from store.policy_texts import UnreadablePolicyError
from store.queue import Place, open_tasks
from store.tenancy import tenant

PAGE = 200


def consequences(connection: Connection, policy: Policy) -> Iterator[str]:
    house = House(tenant(connection), policy)
    try:
        roster = house.roster(connection)
    except UnreadablePolicyError as fault:
        yield str(fault)
        return
    yield from _difference(roster.policy, policy)
    today = Roster(policy, roster.directory)
    for state in _open(connection, house.tenant_id):
        yield from (f"{state.decision_package_id} ({state.action_type}): {what}" for what in _for(state, today))


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


def _for(state: PackageState, today: Roster) -> Iterator[str]:
    """By the directory as it is known, also where it is too old to decide by."""
    if state.soft and least(today.policy, state) > HITLLevel.SOFT_APPROVAL:
        yield "silence no longer counts"
    now = today.directory.as_of or state.updated_at
    if not eligible(today, question_of(state), now):
        yield f"no one could approve it as {state.task.required_role}"
