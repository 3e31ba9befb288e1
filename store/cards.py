"""Cards: each place where a package is shown, what is wanted there, and what was last shown.

Nothing here posts. A change only says that the places are behind; the reconciler makes Slack agree.
"""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, text, update

from rules.policy import Policy
from rules.scales import HITLLevel
from rules.state import PackageState
from store.tables import Card, core

CARDS = core(Card)

_WANT = text(
    "INSERT INTO cards (tenant_id, package_id, place, wanted_revision, shown_revision, behind)"
    " VALUES (:tenant, :package, :place, :revision, 0, true) ON CONFLICT (tenant_id, package_id, place) DO NOTHING"
)
_BEHIND = (
    update(CARDS)
    .where(CARDS.c.tenant_id == bindparam("tenant"), CARDS.c.package_id == bindparam("package"))
    .values(wanted_revision=bindparam("revision"), behind=True)
)


def follow(connection: Connection, before: PackageState | None, after: PackageState, policy: Policy) -> None:
    if after.level is HITLLevel.FULL_AUTO:
        return
    key = {"tenant": after.tenant_id, "package": after.decision_package_id, "revision": after.revision}
    if before is None or before.task.required_role != after.task.required_role:
        connection.execute(_WANT, key | {"place": place_of(after, policy)})
    if before is not None:
        connection.execute(_BEHIND, key)


def place_of(state: PackageState, policy: Policy) -> str:
    """The action type's channel, else the role's, else the default; without any, the role's people one by one."""
    action, role = policy.action(state.action_type), policy.roles.get(state.task.required_role)
    named = (action.channel if action else None) or (role.channel if role else None) or policy.channels.default
    return named or f"role:{state.task.required_role}"
