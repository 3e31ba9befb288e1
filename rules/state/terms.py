"""The terms on which a package is decided: set by the policy at submission, later only tightened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from rules.policy.actions import Action, Listing
from rules.policy.model import Policy
from rules.policy.tiers import OnTimeout, ReviewTimeoutPolicy, Tier
from rules.scales import RiskLevel
from rules.state.model import PackageState, Priority, Terms

_PRIORITY = {
    RiskLevel.CRITICAL: Priority.URGENT,
    RiskLevel.HIGH: Priority.HIGH,
    RiskLevel.MEDIUM: Priority.NORMAL,
    RiskLevel.LOW: Priority.LOW,
}
_ON_TIMEOUT_BY_STRICTNESS = (
    OnTimeout.DEFER,
    OnTimeout.ESCALATE,
    OnTimeout.CANCEL,
    OnTimeout.AUTO_REJECT,
)  # from latest to earliest
# Picks the stricter of two entries' values. `ladder`, `reminders` and `defer_for` have no stricter value.
_STRICTEST: Mapping[str, Callable[..., Any]] = {
    "soft_timeout": max,
    "hard_timeout": min,
    "timeout_in_working_hours": max,
    "on_timeout": lambda *values: max(values, key=_ON_TIMEOUT_BY_STRICTNESS.index),
    "ladder_keeps": min,
    "approval_expiry": min,
}
_TIGHTENED_TODAY = (
    "quorum",
    "of_role",
    "comment_required",
    "details_first",
    "ladder_keeps",
    "soft_timeout",
    "approval_expiry",
)


def priority_of(risk: RiskLevel) -> Priority:
    return _PRIORITY[risk]


@lru_cache(maxsize=1024)
def terms_for(policy: Policy, action_type: str, risk: RiskLevel) -> Terms:
    """The terms of the tier, with the catalogue's overrides for this action type."""
    tier, entries = policy.tiers.of(risk), policy.listing(action_type)
    timing = {name: _merge_setting(entries, tier, name) for name in ReviewTimeoutPolicy.model_fields}
    role = _role(policy, entries, tier)
    timing["ladder"] = tuple(step for step in timing["ladder"] if step not in policy.roles_implied_by(role))
    return Terms.from_valid(
        role=role,
        quorum=tier.quorum,
        of_role=tier.of_role,
        comment_required=tier.comment_required,
        details_first=tier.details_first,
        agent_answer=policy.windows.agent_answer,
        outcome=policy.windows.outcome,
        look=policy.look(action_type),
        **timing,
    )


def _merge_setting(entries: Listing, tier: Tier, name: str) -> Any:
    """The own entry's value, or else the tier's; a broader entry's value only if it is stricter."""
    own = entries.own.override(name) if entries.own else None
    value = getattr(tier, name) if own is None else own
    broader = [other for entry in entries.broader if (other := entry.override(name)) is not None]
    return _STRICTEST[name](value, *broader) if broader and name in _STRICTEST else value


def _role(policy: Policy, entries: Listing, tier: Tier) -> str:
    """The own entry's role, or a broader entry's role if that one includes it, so that its holders may act in both."""
    role = _role_of_entry(policy, entries.own, tier)
    for entry in entries.broader:
        broader = _role_of_entry(policy, entry, tier)
        role = broader if role in policy.roles_implied_by(broader) else role
    return role


def _role_of_entry(policy: Policy, action: Action | None, tier: Tier) -> str:
    """The entry's role, or else the tier's, unless the tool requires a role that the tier's does not include."""
    if action and action.role:
        return action.role
    least = action.tool.min_reviewer_role if action and action.tool else None
    return tier.role if least is None or least in policy.roles_implied_by(tier.role) else least


def tighten(old: Terms, new: Terms, rung: int, policy: Policy) -> Terms:
    """The new terms, for a later version or policy, with everything that the old terms already required."""
    of_role = {role: max(old.of_role.get(role, 0), new.of_role.get(role, 0)) for role in {**old.of_role, **new.of_role}}
    kept = {
        "quorum": max(old.quorum, new.quorum, sum(of_role.values())),
        "of_role": of_role,
        "comment_required": old.comment_required or new.comment_required,
        "details_first": old.details_first or new.details_first,
        "ladder_keeps": old.ladder_keeps and new.ladder_keeps,
        "soft_timeout": max(old.soft_timeout, new.soft_timeout),
        "approval_expiry": min(old.approval_expiry, new.approval_expiry),
    }
    return new.model_copy(update=kept | _ladder_from_here(old, new, rung, policy))


def _ladder_from_here(old: Terms, new: Terms, rung: int, policy: Policy) -> dict[str, object]:
    """Keep the roles up to the present rung; roles that only the new terms ask come above it."""
    if rung == 0 and old.role in policy.roles and old.role in policy.roles_implied_by(new.role):
        return {}
    climbed = (old.role, *old.ladder)[: rung + 1]
    known = frozenset(climbed) | policy.roles_implied_by(climbed[-1])
    above = [role for role in (*old.ladder[rung:], new.role, *new.ladder) if role not in known]
    return {"role": climbed[0], "ladder": (*climbed[1:], *dict.fromkeys(above))}


def terms_today(state: PackageState, policy: Policy) -> Terms:
    """The package's own terms, tightened by today's policy."""
    today = terms_for(policy, state.action_type, state.risk)
    if state.task.rung == 0 and (today is state.terms or today == state.terms):  # mostly the same object
        return state.terms
    tightened = state.terms.model_copy(update={name: getattr(today, name) for name in _TIGHTENED_TODAY})
    return tighten(state.terms, tightened, state.task.rung, policy)
