"""Whatever the policy says, a tool that the service never allows without a person is high-impact in the SDK."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from countersign import Tools
from rules.package.model import DecisionPackage
from rules.policy.parse import read_policy
from rules.scales import HITLLevel, Reversibility, RiskLevel
from rules.state.case import Background
from rules.state.level import assess
from tests.bot.slack.office import SOFT

ROLES = {name: {"members": ["URITA"]} for name in ("reviewer", "senior_reviewer", "supervisor")}
AGENTS = (Background(), Background(earned=HITLLevel.FULL_AUTO))  # an agent that begins, and one that has earned all

levels = st.sampled_from([level.value for level in HITLLevel])
persons = st.sampled_from(["hard_approval", "human_takeover"])
shares = st.sampled_from([0, 0.5, 0.99, 1, 1.0])
data_classes = st.lists(st.sampled_from(["pii", "external"]), max_size=2)
patterns = st.sampled_from(["*", "mail", "MAIL", "mail.*", "m*", "mail.send", "Mail.Send", "mail.send.*", "db:read"])
names = st.sampled_from(["mail", "mail.send", "MAIL.send", "mail.send.all", "mail:x", "db:read", "db", "x"])
entries = st.fixed_dictionaries(
    {"reversibility": st.sampled_from([value.value for value in Reversibility])},
    optional={
        "risk": st.sampled_from([risk.value for risk in RiskLevel]),
        "floor": levels,
        "data_classes": data_classes,
        "tool": st.fixed_dictionaries({}, optional={"approval_required": st.booleans()}),
    },
)
policies = st.fixed_dictionaries(
    {"actions": st.dictionaries(patterns, entries, max_size=5)},
    optional={
        "tiers": st.fixed_dictionaries(
            {},
            optional={
                **dict.fromkeys(["low", "medium"], st.fixed_dictionaries({"level": levels})),
                **dict.fromkeys(["high", "critical"], st.fixed_dictionaries({"level": persons})),
            },
        ),
        "reversibility": st.fixed_dictionaries(
            {},
            optional={
                **dict.fromkeys(["reversible", "partially_reversible", "irreversible_low"], levels),
                "irreversible_high": persons,
            },
        ),
        "matrix": st.fixed_dictionaries(
            {},
            optional={"irreversible_soft_above": shares, "reversible_auto_above": shares, "sensitive": data_classes},
        ),
        "confidence": st.just({"takeover_below": 1.0, "hard_below": 1.0, "soft_below": 1.0}),
        "autonomy": st.fixed_dictionaries({"start": levels}),
        "kinds": st.fixed_dictionaries({}, optional={"action": levels, "tool_call": levels}),
        "soft": st.fixed_dictionaries({"enabled": st.booleans()}),
    },
)
MERGED = {
    "mail": {"reversibility": "reversible", "data_classes": ["pii"]},
    "mail.send": {"reversibility": "irreversible_low"},
}
TWO_SPELLINGS = {
    "mail.send": {"reversibility": "reversible", "data_classes": ["pii"]},
    "Mail.Send": {"reversibility": "irreversible_low"},
}


@settings(max_examples=200, deadline=None)
@example({"actions": MERGED}, "mail.send", "action")
@example({"actions": TWO_SPELLINGS}, "mail.send", "action")
@example({"actions": {"x": {"reversibility": "reversible"}}, "kinds": {"tool_call": "hard_approval"}}, "x", "tool_call")
@given(policies, names, st.sampled_from(["action", "tool_call"]))
def test_what_the_service_never_allows_without_a_person_is_high_impact(
    tmp_path_factory: pytest.TempPathFactory, policy: dict[str, Any], name: str, kind: str
) -> None:
    text = _write_toml({"version": "test-1", "roles": ROLES, **policy})
    file = tmp_path_factory.getbasetemp() / "policy.toml"
    file.write_text(text, encoding="utf-8")
    mild = {"action_type": name, "kind": kind, "risk_level": "low", "confidence": 1.0}
    package = DecisionPackage.model_validate(SOFT | mild)
    asked = [assess(package, background, read_policy(text)).level for background in AGENTS]
    assert Tools.from_policy(file).is_high_impact(name) >= (max(asked) >= HITLLevel.HARD_APPROVAL)


def _write_toml(policy: dict[str, Any]) -> str:
    return "".join(f"{key} = {_inline(value)}\n" for key, value in policy.items())


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {_inline(item)}" for key, item in value.items()) + "}"
    return json.dumps(value)
