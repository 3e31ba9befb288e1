"""The level: earned autonomy, earlier levels, and all rules together."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.scales import HITLLevel, Reversibility, RiskLevel
from rules.state.case import Background
from rules.state.level import assess, minimum_level_today
from rules.state.noes import EarlierNo, Similarity
from tests.rules import world
from tests.rules.state.finding import FREE, assess_calm, calm, levels_by_rule
from tests.rules.world import no_to

AUTO, NOTIFY, SOFT, HARD, TAKEOVER = HITLLevel

# Earned autonomy.


def test_a_new_agent_starts_at_soft_approval() -> None:
    assessment = assess_calm(Background(), action_type="record.update")
    assert (assessment.level, levels_by_rule(assessment)["autonomy"]) == (SOFT, SOFT)


def test_a_new_agent_needs_nobody_for_reversible_actions() -> None:
    assert assess_calm(Background()).level is AUTO


def test_lost_autonomy_makes_everything_stricter() -> None:
    assessment = assess_calm(Background(earned=HARD))
    assert (assessment.level, levels_by_rule(assessment)) == (HARD, {"autonomy": HARD})


@pytest.mark.parametrize(("earned", "level"), [(SOFT, SOFT), (NOTIFY, NOTIFY), (AUTO, AUTO)])
def test_earned_autonomy_eases_the_risk_table(earned: HITLLevel, level: HITLLevel) -> None:
    assert assess_calm(Background(earned=earned), risk_level="medium").level is level


def test_an_eased_level_says_that_it_was_eased() -> None:
    assert "eased to notify_only" in assess_calm(Background(earned=NOTIFY), risk_level="medium").why[0].because


@pytest.mark.parametrize(
    ("action_type", "level"),
    [
        pytest.param("record.read", AUTO, id="reversible: fully automatic"),
        pytest.param("record.update", NOTIFY, id="partially reversible: people are told"),
        pytest.param("mail.send", SOFT, id="irreversible: people can object"),
    ],
)
def test_autonomy_eases_only_as_far_as_reversibility_lets_it(action_type: str, level: HITLLevel) -> None:
    assert assess_calm(FREE, action_type=action_type, risk_level="medium").level is level


def test_autonomy_eases_only_as_far_as_the_floor() -> None:
    policy = world.policy(actions={"record.read": {"reversibility": "reversible", "floor": "notify_only"}})
    assert assess_calm(FREE, policy, risk_level="medium").level is NOTIFY


@pytest.mark.parametrize("risk", ["high", "critical"])
def test_autonomy_never_eases_what_is_hard(risk: str) -> None:
    assert assess_calm(FREE, risk_level=risk).level is HARD


@pytest.mark.parametrize(("confidence", "level"), [(0.7, SOFT), (0.6, HARD), (0.4, TAKEOVER)])
def test_autonomy_never_eases_a_confidence_band(confidence: float, level: HITLLevel) -> None:
    assert assess_calm(FREE, confidence=confidence).level is level


def test_autonomy_never_eases_the_matrix() -> None:
    assert assess_calm(FREE, confidence=0.82).level is SOFT


# Earlier levels and earlier refusals.


@pytest.mark.parametrize("earlier", [NOTIFY, SOFT, HARD, TAKEOVER])
def test_the_same_action_never_has_a_lower_level_than_before(earlier: HITLLevel) -> None:
    assessment = assess_calm(Background(earned=AUTO, earlier=earlier))
    assert (assessment.level, levels_by_rule(assessment)) == (earlier, {"never-falls": earlier})


SAME = EarlierNo(Similarity.SAME_ACTION, no_to(world.SOFT).no)


@pytest.mark.parametrize("likeness", Similarity)
def test_after_a_no_to_a_similar_action_an_explicit_approval_is_needed(likeness: Similarity) -> None:
    assessment = assess_calm(Background(earned=AUTO, earlier_no=SAME._replace(similarity=likeness)))
    assert (levels_by_rule(assessment), assessment.earlier_no) == ({"earlier-no": HARD}, SAME.no)


def test_a_rejected_action_with_a_material_change_needs_approval() -> None:
    assert levels_by_rule(assess_calm(Background(earned=AUTO, earlier_no=SAME), material_change="Now blue")) == {
        "material-change": HARD
    }


# All rules together.


def test_the_strictest_rule_wins_and_all_reasons_are_kept_strictest_first() -> None:
    background = Background(failures=2)
    assessment = assess_calm(
        background, action_type="mail.send", confidence=0.6, data_classes=["pii"], risk_level="medium"
    )
    assert assessment.level is TAKEOVER
    assert levels_by_rule(assessment) == {
        "repeated-failures": TAKEOVER,
        "confidence": HARD,
        "irreversible-sensitive": HARD,
        "matrix-irreversible": HARD,
        "risk-medium": SOFT,
        "irreversible-low": SOFT,
        "autonomy": SOFT,
    }
    assert [why.level for why in assessment.why] == sorted((why.level for why in assessment.why), reverse=True)


def test_every_reason_says_why() -> None:
    assessment = assess_calm(Background(failures=2), action_type="mail.send", confidence=0.4, recommendation="escalate")
    assert all(len(why.because.split()) > 3 for why in assessment.why)


backgrounds = st.builds(
    Background,
    earned=st.none() | st.sampled_from(HITLLevel),
    failures=st.integers(0, 3),
    earlier=st.none() | st.sampled_from(HITLLevel),
    earlier_no=st.none() | st.builds(EarlierNo, st.sampled_from(Similarity), st.just(SAME.no)),
)
claims = st.fixed_dictionaries(
    {"confidence": st.floats(0, 1), "risk_level": st.sampled_from([risk.value for risk in RiskLevel])},
    optional={
        "reversibility": st.sampled_from([member.value for member in Reversibility]),
        "recommendation": st.sampled_from(["proceed", "clarify", "escalate"]),
        "data_classes": st.lists(st.sampled_from(["pii", "financial", "external"]), unique=True),
        "cost": st.fixed_dictionaries({"amount": st.floats(0, 1000), "currency": st.sampled_from(["USD", "XAU"])}),
    },
)
action_types = st.sampled_from([*world.BASE["actions"], "nobody.listed.this"])


@given(background=backgrounds, action_type=action_types, fields=claims)
def test_the_agent_can_only_raise_the_level(background: Background, action_type: str, fields: dict[str, Any]) -> None:
    modest = assess(calm(action_type=action_type, confidence=1.0), background, world.POLICY)
    claimed = assess(calm(action_type=action_type, **fields), background, world.POLICY)
    assert claimed.level >= modest.level
    assert claimed.risk >= modest.risk
    assert claimed.reversibility >= modest.reversibility


@given(background=backgrounds, action_type=action_types, fields=claims)
def test_grave_packages_are_never_soft_and_the_level_is_that_of_the_strictest_reason(
    background: Background, action_type: str, fields: dict[str, Any]
) -> None:
    assessment = assess(calm(action_type=action_type, **fields), background, world.POLICY)
    grave = assessment.risk >= RiskLevel.HIGH or assessment.reversibility is Reversibility.IRREVERSIBLE_HIGH
    assert assessment.level >= HARD or not grave
    assert assessment.level is max(why.level for why in assessment.why)


# The level today, which is checked again before silence counts.


@pytest.mark.parametrize(
    ("changes", "level"),
    [
        pytest.param({}, SOFT, id="as it was"),
        pytest.param({"soft": {"enabled": False}}, HARD, id="soft approval off"),
        pytest.param({"tiers": {"medium": {"level": "human_takeover"}}}, TAKEOVER, id="a stricter tier"),
        pytest.param(
            {"actions": {"record.read": {"reversibility": "irreversible_high"}}}, HARD, id="cannot be undone after all"
        ),
        pytest.param({"actions": {"record.read": {"risk": "high"}}}, HARD, id="a higher risk"),
        pytest.param({"actions": {"record.read": {"floor": "hard_approval"}}}, HARD, id="a floor"),
        pytest.param({"actions": {"record.read": {"tool": {"effect_type": "payment"}}}}, HARD, id="a tool requirement"),
        pytest.param({"reversibility": {"reversible": "hard_approval"}}, HARD, id="a stricter table"),
    ],
)
def test_the_minimum_level_today_is_found_without_the_package(changes: dict[str, Any], level: HITLLevel) -> None:
    assert minimum_level_today(world.policy(**changes), world.submitted_state(world.SOFT)) is level


def test_an_action_type_that_was_struck_from_the_catalogue_is_hard() -> None:
    struck = world.submitted_state(world.SOFT).model_copy(update={"action_type": "nobody.listed.this"})
    assert minimum_level_today(world.POLICY, struck) is HARD


@given(fields=claims, action_type=action_types)
def test_the_same_policy_never_requires_more_for_the_stored_state(fields: dict[str, Any], action_type: str) -> None:
    package = calm(action_type=action_type, **fields)
    assessment = assess(package, Background(), world.POLICY)
    facts = {name: getattr(assessment, name) for name in ("risk", "reversibility")}
    facts |= {"kind": package.kind, "confidence": package.confidence, "action_type": action_type}
    assert (
        minimum_level_today(world.POLICY, world.submitted_state(world.SOFT).model_copy(update=facts))
        <= assessment.level
    )
