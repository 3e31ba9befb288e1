"""The terms on which a package is decided: set by the policy at submission, later only tightened.

`terms_for` takes them from the tier of the package's risk and the catalogue. When a package is decided, `terms_today`
adds what today's policy requires beyond them: a stricter policy counts at once, a looser one only for new packages.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import lru_cache, reduce
from typing import Any, NamedTuple

from rules.package.exceptions import PolicyException
from rules.people.working_time import moment_after, working_spans
from rules.policy.actions import Action, Listing
from rules.policy.model import Policy
from rules.policy.tiers import OnTimeout, ReviewTimeoutPolicy, Tier
from rules.scales import RiskLevel
from rules.state.model import PackageState, Priority, ReviewTask, Terms

_PRIORITY = {
    RiskLevel.CRITICAL: Priority.URGENT,
    RiskLevel.HIGH: Priority.HIGH,
    RiskLevel.MEDIUM: Priority.NORMAL,
    RiskLevel.LOW: Priority.LOW,
}
_ON_TIMEOUT = (OnTimeout.DEFER, OnTimeout.ESCALATE, OnTimeout.CANCEL, OnTimeout.AUTO_REJECT)  # the strictest last


def _stricter_on_timeout(one: OnTimeout, other: OnTimeout) -> OnTimeout:
    return max(one, other, key=_ON_TIMEOUT.index)


def _stricter_of_role(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return {role: max(one.get(role, 0), other.get(role, 0)) for role in {**one, **other}}


class _Strictness(NamedTuple):
    """Which of two values is the stricter. `kept`: a later version or policy cannot loosen what a package required."""

    stricter: Callable[[Any, Any], Any]
    kept: bool


# `ladder`, `reminders` and `defer_for` have no stricter value.
_STRICTNESS: Mapping[str, _Strictness] = {
    "quorum": _Strictness(max, kept=True),
    "of_role": _Strictness(_stricter_of_role, kept=True),
    "comment_required": _Strictness(max, kept=True),
    "details_first": _Strictness(max, kept=True),
    "ladder_keeps": _Strictness(min, kept=True),
    "soft_timeout": _Strictness(max, kept=True),
    "approval_expiry": _Strictness(min, kept=True),
    "hard_timeout": _Strictness(min, kept=False),
    "timeout_in_working_hours": _Strictness(max, kept=False),
    "on_timeout": _Strictness(_stricter_on_timeout, kept=False),
}
_KEPT = {name: strictness.stricter for name, strictness in _STRICTNESS.items() if strictness.kept}


def priority_of(risk: RiskLevel) -> Priority:
    return _PRIORITY[risk]


def asked_terms(policy: Policy, action_type: str, exception: PolicyException | None, risk: RiskLevel) -> Terms:
    """The terms of a package of this type; of an exception, the terms of all that it could let through."""
    return (
        terms_for_exception(policy, exception.action_types, risk) if exception else terms_for(policy, action_type, risk)
    )


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


PEOPLE_FOR_EXCEPTION = 2  # approve an exception, at least


@lru_cache(maxsize=1024)
def terms_for_exception(policy: Policy, action_types: tuple[str, ...], risk: RiskLevel) -> Terms:
    """The strictest terms of these types, decided by those who may decide all of them.

    If no role may, one person of each role has to approve.
    """
    terms = [terms_for(policy, action_type, risk) for action_type in action_types]
    role = role_for_all(policy, action_types, risk)
    gravest = next((own for own in terms if own.role == role), terms[0])
    of_role = {} if role else {own.role: 1 for own in terms}
    for name, number in (part for own in terms for part in own.of_role.items()):
        of_role[name] = max(number, of_role.get(name, 0))
    strictest = {
        "quorum": max(PEOPLE_FOR_EXCEPTION, sum(of_role.values()), *(own.quorum for own in terms)),
        "of_role": of_role,
        "comment_required": any(own.comment_required for own in terms),
        "details_first": any(own.details_first for own in terms),
        "ladder_keeps": all(own.ladder_keeps for own in terms),
        "hard_timeout": min(own.hard_timeout for own in terms),
        "look": None,
    }
    return gravest.model_copy(update=strictest)


def role_for_all(policy: Policy, action_types: tuple[str, ...], risk: RiskLevel) -> str | None:
    """The role that is asked about one of these types and whose holders may act in the roles of all others."""
    roles = {terms_for(policy, action_type, risk).role: None for action_type in action_types}
    return next((role for role in roles if roles.keys() <= policy.roles_implied_by(role)), None)


def _merge_setting(entries: Listing, tier: Tier, name: str) -> Any:
    """The own entry's value, or else the tier's; a broader entry's value only if it is stricter."""
    own = entries.own.override(name) if entries.own else None
    value = getattr(tier, name) if own is None else own
    broader = [other for entry in entries.broader if (other := entry.override(name)) is not None]
    return reduce(_STRICTNESS[name].stricter, broader, value) if name in _STRICTNESS else value


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
    kept = {name: stricter(getattr(old, name), getattr(new, name)) for name, stricter in _KEPT.items()}
    kept["quorum"] = max(kept["quorum"], sum(kept["of_role"].values()))
    return new.model_copy(update=kept | _ladder_from_here(old, new, rung, policy))


def _ladder_from_here(old: Terms, new: Terms, rung: int, policy: Policy) -> dict[str, object]:
    """Keep the roles up to the present rung; roles that only the new terms ask come above it."""
    if rung == 0 and old.role in policy.roles and old.role in policy.roles_implied_by(new.role):
        return {}
    climbed = (old.role, *old.ladder)[: rung + 1]
    covered_roles = frozenset(climbed) | policy.roles_implied_by(climbed[-1])
    above = [role for role in (*old.ladder[rung:], new.role, *new.ladder) if role not in covered_roles]
    return {"role": climbed[0], "ladder": (*climbed[1:], *dict.fromkeys(above))}


def terms_today(state: PackageState, policy: Policy) -> Terms:
    """The package's own terms, tightened by today's policy."""
    today = asked_terms(policy, state.action_type, state.exception, state.risk)
    if state.task.rung == 0 and (today is state.terms or today == state.terms):  # mostly the same object
        return state.terms
    tightened = state.terms.model_copy(update={name: getattr(today, name) for name in _KEPT})
    return tighten(state.terms, tightened, state.task.rung, policy)


# The deadline of a rung, in wall-clock time or in the working hours of its role, as the policy says.

_HORIZONS = (timedelta(days=28), timedelta(days=366))  # how far working hours are computed: mostly the first is enough


def deadline(terms: Terms, role: str, policy: Policy, now: datetime) -> datetime:
    """When the rung ends. The package's own `expires_at` is not considered here and may come earlier."""
    hours = policy.roles[role].hours if terms.timeout_in_working_hours and role in policy.roles else None
    if hours is None:
        return now + terms.hard_timeout
    ends = (moment_after(working_spans(hours, now, now + ahead), terms.hard_timeout) for ahead in _HORIZONS)
    return next((end for end in ends if end), now + _HORIZONS[-1])


def timing_for_role(terms: Terms, role: str, policy: Policy, now: datetime, own_end: datetime | None) -> dict[str, Any]:
    """The times of a task when the time of this role begins. `own_end`: the package's own `expires_at`."""
    return timing_until(terms, deadline(terms, role, policy, now), now, own_end)


def timing_until(terms: Terms, due_at: datetime, now: datetime, own_end: datetime | None) -> dict[str, Any]:
    """The times of a task with this deadline. Reminders that are overdue already count as sent."""
    end = min(due_at, own_end) if own_end else due_at
    return {"due_at": due_at, "timed_from": now, "reminded": reminders_passed(terms, end, now)}


def restart_task(task: ReviewTask, terms: Terms, policy: Policy, now: datetime, own_end: datetime | None) -> ReviewTask:
    """The task with its full time again."""
    return task.model_copy(update=timing_for_role(terms, task.required_role, policy, now, own_end))


def reminders_passed(terms: Terms, end: datetime, now: datetime) -> int:
    """How many of the reminders before this end are due already."""
    return sum(end - ahead <= now for ahead in terms.reminders)
