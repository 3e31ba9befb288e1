"""The terms on which a package is decided: from the policy at submission, tightened and never loosened after."""

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
_DENIES = (OnTimeout.DEFER, OnTimeout.ESCALATE, OnTimeout.CANCEL, OnTimeout.AUTO_REJECT)  # from late to at once
# Which of two entries' values is the stricter. Who climbs when, and whom the ladder asks, is neither.
_STRICTEST: Mapping[str, Callable[..., Any]] = {
    "soft_timeout": max,
    "hard_timeout": min,
    "timeout_in_working_hours": max,
    "on_timeout": lambda *said: max(said, key=_DENIES.index),
    "approval_expiry": min,
}
_RISING = ("quorum", "of_role", "comment_required", "details_first", "soft_timeout", "approval_expiry")


def priority_of(risk: RiskLevel) -> Priority:
    return _PRIORITY[risk]


@lru_cache(maxsize=1024)
def terms_for(policy: Policy, action_type: str, risk: RiskLevel) -> Terms:
    """The tier's terms, where the catalogue does not say otherwise for this action type."""
    tier, entries = policy.tiers.of(risk), policy.listing(action_type)
    timing = {name: _strictest(entries, tier, name) for name in ReviewTimeoutPolicy.model_fields}
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
        **timing,
    )


def _strictest(entries: Listing, tier: Tier, name: str) -> Any:
    """The own entry's value, else the tier's; a broader entry's only where it is stricter."""
    own = entries.own.override(name) if entries.own else None
    value = getattr(tier, name) if own is None else own
    broader = [other for entry in entries.broader if (other := entry.override(name)) is not None]
    return _STRICTEST[name](value, *broader) if broader and name in _STRICTEST else value


def _role(policy: Policy, entries: Listing, tier: Tier) -> str:
    """A broader entry's role takes its place only where it includes it: whoever holds that one could act in both."""
    role = _role_by(policy, entries.own, tier)
    for entry in entries.broader:
        asked = _role_by(policy, entry, tier)
        role = asked if role in policy.roles_implied_by(asked) else role
    return role


def _role_by(policy: Policy, action: Action | None, tier: Tier) -> str:
    """The entry's own role; else the tier's, unless the tool asks for one that the tier's does not include."""
    if action and action.role:
        return action.role
    least = action.tool.min_reviewer_role if action and action.tool else None
    return tier.role if least is None or least in policy.roles_implied_by(tier.role) else least


def tighten(old: Terms, new: Terms, rung: int, policy: Policy) -> Terms:
    """The new terms for a version or a policy that came later, with all that the old ones already asked."""
    of_role = {role: max(old.of_role.get(role, 0), new.of_role.get(role, 0)) for role in {**old.of_role, **new.of_role}}
    kept = {
        "quorum": max(old.quorum, new.quorum, sum(of_role.values())),
        "of_role": of_role,
        "comment_required": old.comment_required or new.comment_required,
        "details_first": old.details_first or new.details_first,
        "soft_timeout": max(old.soft_timeout, new.soft_timeout),
        "approval_expiry": min(old.approval_expiry, new.approval_expiry),
    }
    return new.model_copy(update=kept | _path(old, new, rung, policy))


def _path(old: Terms, new: Terms, rung: int, policy: Policy) -> dict[str, object]:
    """Who is asked now is asked still; whom the new terms would ask beyond that comes above."""
    if rung == 0 and old.role in policy.roles and old.role in policy.roles_implied_by(new.role):
        return {}
    climbed = (old.role, *old.ladder)[: rung + 1]
    known = frozenset(climbed) | policy.roles_implied_by(climbed[-1])
    above = [role for role in (*old.ladder[rung:], new.role, *new.ladder) if role not in known]
    return {"role": climbed[0], "ladder": (*climbed[1:], *dict.fromkeys(above))}


def terms_today(state: PackageState, policy: Policy) -> Terms:
    """The package's own terms, as far as today's policy does not ask for more."""
    today = terms_for(policy, state.action_type, state.risk)
    if state.task.rung == 0 and (today is state.terms or today == state.terms):  # mostly the very same
        return state.terms
    asked = state.terms.model_copy(update={name: getattr(today, name) for name in _RISING})
    return tighten(state.terms, asked, state.task.rung, policy)
