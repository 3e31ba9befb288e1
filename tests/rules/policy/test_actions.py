"""The action catalogue: which entries apply to an action type, and how several are merged."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.policy.model import Policy
from rules.policy.tiers import OnTimeout
from rules.scales import HITLLevel, Reversibility, RiskLevel
from rules.spelling import normalize_name
from rules.state.case import Background
from rules.state.level import assess
from rules.state.terms import terms_for
from tests.rules.world import package, policy

HARD, SOFT = HITLLevel.HARD_APPROVAL, HITLLevel.SOFT_APPROVAL
REVERSIBLE = {"reversibility": "reversible"}
GRAVE = {"reversibility": "irreversible_high"}


def catalogue(**actions: dict[str, Any]) -> Policy:
    return policy(actions={name.replace("__", "*").replace("_dot_", "."): entry for name, entry in actions.items()})


def level(listed: Policy, action_type: str, **fields: Any) -> HITLLevel:
    return assess(package(risk_level="low", action_type=action_type, **fields), Background(), listed).level


@pytest.mark.parametrize("action_type", ["crm.Delete", "CRM.delete", "Crm.DELETE"])
def test_capital_letters_do_not_bypass_an_entry(action_type: str) -> None:
    listed = catalogue(crm_dot_delete=GRAVE, crm_dot___=REVERSIBLE)
    assert level(listed, action_type) is level(listed, "crm.delete") is HARD


@pytest.mark.parametrize("action_type", ["crm.delete", "CRM.Delete"])
def test_entries_are_matched_regardless_of_case(action_type: str) -> None:
    assert level(catalogue(CRM_dot_Delete=GRAVE, crm_dot___=REVERSIBLE), action_type) is HARD


@pytest.mark.parametrize("order", [1, -1])
def test_the_stricter_of_two_entries_that_differ_only_in_case_applies(order: int) -> None:
    entries = {"crm.delete": REVERSIBLE, "CRM.DELETE": GRAVE}
    listed = policy(actions=dict(list(entries.items())[::order]))
    assert level(listed, "crm.delete") is level(listed, "CRM.DELETE") is HARD


@pytest.mark.parametrize("separator", [".", ":"])
def test_an_entry_that_is_a_prefix_of_a_type_makes_it_stricter(separator: str) -> None:
    listed = policy(actions={"crm": GRAVE, f"crm{separator}*": REVERSIBLE, f"crm{separator}read": REVERSIBLE})
    assert level(listed, f"crm{separator}read") is HARD
    assert level(listed, f"crm{separator}list") is HARD


def test_an_entry_that_is_a_prefix_of_a_type_never_makes_it_milder() -> None:
    listed = policy(actions={"crm": REVERSIBLE, "crm.*": GRAVE})
    assert level(listed, "crm.read") is HARD
    assert level(listed, "crm") is HITLLevel.FULL_AUTO


def test_a_type_with_only_a_prefix_entry_stays_unlisted() -> None:
    listed = policy(actions={"search": REVERSIBLE})
    assessment = assess(package(risk_level="low", action_type="search.delete_all"), Background(), listed)
    assert assessment.reversibility is Reversibility.IRREVERSIBLE_HIGH
    assert "not in your policy: treated as irreversible" in assessment.why[0].because
    assert listed.listing("search.delete_all").own is None


def test_a_prefix_entry_makes_an_unlisted_type_stricter_too() -> None:
    listed = policy(actions={"crm": {**REVERSIBLE, "risk": "critical", "floor": "human_takeover"}})
    assessment = assess(package(risk_level="low", action_type="crm.purge"), Background(), listed)
    assert (assessment.level, assessment.risk) == (HITLLevel.HUMAN_TAKEOVER, RiskLevel.CRITICAL)


def test_a_prefix_ends_at_a_dot_or_a_colon() -> None:
    listed = policy(actions={"crm": GRAVE, "*": REVERSIBLE})
    assert level(listed, "crmx.read") is level(listed, "crm_read") is level(listed, "crm-read") is HITLLevel.FULL_AUTO


def test_every_prefix_entry_counts_at_any_depth() -> None:
    listed = policy(actions={"a": {**REVERSIBLE, "data_classes": ["pii"]}, "a.b:c": GRAVE, "a.b:c.d": REVERSIBLE})
    merged = listed.action("A.b:C.d")
    assert merged is not None
    assert (merged.reversibility, merged.data_classes) == (Reversibility.IRREVERSIBLE_HIGH, ("pii",))


def test_a_tool_of_a_broader_entry_requires_its_approval() -> None:
    tool = {"effect_type": "deletion", "min_reviewer_role": "supervisor"}
    listed = policy(actions={"crm": {**REVERSIBLE, "tool": tool}, "crm.read": {**REVERSIBLE, "role": "reviewer"}})
    assert level(listed, "crm.read") is HARD
    assert terms_for(listed, "crm.read", RiskLevel.LOW).role == "supervisor"


def test_a_broader_entry_keeps_earned_autonomy_above_its_floor() -> None:
    listed = policy(
        actions={"crm": {"reversibility": "irreversible_low"}, "crm.read": {**REVERSIBLE, "floor": "full_auto"}}
    )
    earned = Background(earned=HITLLevel.FULL_AUTO)
    assert assess(package(action_type="crm.read", confidence=1), earned, listed).level is SOFT


@pytest.mark.parametrize(
    ("broad", "own", "asked"),
    [
        pytest.param("supervisor", "reviewer", "supervisor", id="stricter: it includes the own one"),
        pytest.param("reviewer", "supervisor", "supervisor", id="milder"),
        pytest.param("clerk", "reviewer", "reviewer", id="neither includes the other: the own one"),
        pytest.param("supervisor", None, "supervisor", id="stricter than the tier's"),
        pytest.param("clerk", None, "reviewer", id="beside the tier's"),
    ],
)
def test_a_broader_entry_changes_the_role_only_to_one_that_includes_it(broad: str, own: str | None, asked: str) -> None:
    entries = {"crm": {**REVERSIBLE, "role": broad}, "crm.read": {**REVERSIBLE, **({"role": own} if own else {})}}
    listed = policy(actions=entries, roles={"clerk": {}})
    assert terms_for(listed, "crm.read", RiskLevel.LOW).role == asked


def test_a_broader_entry_changes_times_only_to_stricter_ones() -> None:
    lax = {"soft_timeout": "1m", "hard_timeout": "48h", "approval_expiry": "90h", "on_timeout": "defer"}
    strict = {"soft_timeout": "1h", "hard_timeout": "2h", "approval_expiry": "1h", "on_timeout": "auto_reject"}
    kept = {"ladder": ["supervisor"], "reminders": ["10m"], "defer_for": "1h"}
    for broad, own in ((lax, strict), (strict, lax)):
        listed = policy(
            actions={"crm": {**REVERSIBLE, **broad, "ladder": []}, "crm.read": {**REVERSIBLE, **own, **kept}}
        )
        terms = terms_for(listed, "crm.read", RiskLevel.LOW)
        assert (terms.soft_timeout, terms.hard_timeout) == (timedelta(hours=1), timedelta(hours=2))
        assert (terms.approval_expiry, terms.on_timeout) == (timedelta(hours=1), OnTimeout.AUTO_REJECT)
        assert (terms.ladder, terms.reminders) == (("supervisor",), (timedelta(minutes=10),))


def test_a_scope_reaches_no_further_than_its_pattern() -> None:
    role = policy(roles={"reviewer": {"scopes": ["search", "crm.delete"]}}).roles["reviewer"]
    assert not any(role.covers(name) for name in ("search.delete_all", "search:all", "crm.Delete", "Search"))
    assert role.covers("search")


_TYPES = st.from_regex(r"[a-c]([.:][a-c]){0,3}", fullmatch=True)
_ENTRIES = st.fixed_dictionaries(
    {"reversibility": st.sampled_from(list(Reversibility)), "risk": st.sampled_from(list(RiskLevel))},
    optional={"floor": st.sampled_from(list(HITLLevel)), "data_classes": st.just(["pii"])},
)


@pytest.mark.slow
@given(st.dictionaries(_TYPES, _ENTRIES, max_size=4), _TYPES, st.sampled_from([str.upper, str.lower, str.title]))
def test_no_further_entry_and_no_spelling_makes_a_type_milder(
    actions: dict[str, dict[str, Any]], action_type: str, spell: Any
) -> None:
    whole = policy(actions={**actions, "*": REVERSIBLE})
    alone = whole.model_copy(update={"actions": {"*": whole.actions["*"]}})
    assert level(whole, spell(action_type)) is level(whole, action_type)
    beyond = whole.model_copy(
        update={"actions": {key: entry for key, entry in whole.actions.items() if key != action_type}}
    )
    assert level(beyond, action_type) >= level(alone, action_type)


@pytest.mark.parametrize("spelled", [" Thr_1 ", "\uff34\uff28\uff32_1", "thr\u200b_1", "THR_1\u00a0", "thr\u2060_1"])
def test_two_spellings_of_one_name_are_normalized_alike(spelled: str) -> None:
    assert normalize_name(spelled) == normalize_name("thr_1") == "thr_1"


@given(st.text())
def test_normalizing_a_name_twice_changes_nothing(text: str) -> None:
    assert normalize_name(normalize_name(text)) == normalize_name(text)
