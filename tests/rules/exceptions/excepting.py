"""Fixtures for exceptions: a policy with marked rules, a package that asks for one, and one that holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rules.package.model import DecisionPackage
from rules.policy.exceptions import EXCEPTABLE_RULES
from rules.policy.model import Policy
from rules.state.commands import Approve
from rules.state.model import PackageState
from tests.rules import world
from tests.rules.world import DAY, NOW, SENTA, SVEN, after, ask, package, submitted_state

CLERK = {"refund": {"reversibility": "reversible"}, "mail.send": {"reversibility": "irreversible_low"}}


def marking(*rules: str, **changes: Any) -> Policy:
    marks = {rule: {"exceptions": True} for rule in rules}
    return world.policy(**{"rules": marks, "actions": CLERK, **changes})


MARKED = marking(*EXCEPTABLE_RULES)
ASKED: dict[str, Any] = {
    "policy_id": "refunds",
    "requested_exception": "Refunds over 100 EUR without an approval.",
    "justification": "The warehouse burnt down, and hundreds of refunds wait.",
    "rule": "cost",
    "action_types": ["refund"],
    "expires_at": (NOW + 3 * DAY).isoformat(),
}


def asking(parameters: Mapping[str, Any] | None = None, **fields: Any) -> DecisionPackage:
    """A package that asks for an exception to the rule about costs, as low a risk as an agent can declare."""
    defaults: dict[str, Any] = {
        "kind": "policy_exception",
        "action_type": "policy_exception",
        "title": "Refund without approvals until Monday",
        "risk_level": "low",
        "action_parameters": ASKED | dict(parameters or {}),
    }
    return package(**defaults | fields)


def asked_state(parameters: Mapping[str, Any] | None = None, policy: Policy = MARKED, **bearing: Any) -> PackageState:
    fields = bearing.pop("fields", {})
    return submitted_state(asking(parameters, **fields), policy=policy, **bearing)


def granted_state(parameters: Mapping[str, Any] | None = None, policy: Policy = MARKED, **bearing: Any) -> PackageState:
    """An exception that two senior reviewers have approved."""
    state = asked_state(parameters, policy, **bearing)
    for reviewer in (SENTA, SVEN):
        state = after(state, ask(Approve, state), by=reviewer, policy=policy)
    return state


def costly(**fields: Any) -> DecisionPackage:
    """A refund for which only the rule about costs asks for an approval."""
    defaults: dict[str, Any] = {
        "action_type": "refund",
        "risk_level": "low",
        "confidence": 0.95,
        "cost": {"amount": 400, "currency": "EUR"},
    }
    return package(**defaults | fields)
