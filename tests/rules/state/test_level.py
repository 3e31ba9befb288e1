"""The level of a package: each rule by itself, then together."""

from __future__ import annotations

import pytest

from rules.scales import HITLLevel, Reversibility, RiskLevel
from rules.state.case import Background
from rules.state.level_rules import silence_allowed
from tests.rules import world
from tests.rules.state.finding import assess_calm, levels_by_rule

AUTO, NOTIFY, SOFT, HARD, TAKEOVER = HITLLevel


def test_if_no_rule_asks_for_more_the_reason_is_that_of_the_risk_table() -> None:
    assert (assess_calm().level, levels_by_rule(assess_calm())) == (AUTO, {"risk-low": AUTO})


# The risk table.


@pytest.mark.parametrize(("risk", "level"), [("low", AUTO), ("medium", SOFT), ("high", HARD), ("critical", HARD)])
def test_each_risk_has_the_level_of_its_tier(risk: str, level: HITLLevel) -> None:
    fresh = Background()
    assert assess_calm(fresh, risk_level=risk).level is level
    assert levels_by_rule(assess_calm(fresh, risk_level=risk))[f"risk-{risk}"] is level


def test_critical_risk_needs_two_people_including_a_supervisor() -> None:
    terms = world.submitted_state(world.CRITICAL).terms
    assert (terms.quorum, terms.of_role) == (2, {"supervisor": 1})


def test_the_catalogue_can_raise_the_risk_that_an_agent_claims() -> None:
    policy = world.policy(actions={"record.read": {"reversibility": "reversible", "risk": "high"}})
    assert (assess_calm(policy=policy).risk, assess_calm(policy=policy).level) == (RiskLevel.HIGH, HARD)


def test_the_catalogue_cannot_lower_the_risk_that_an_agent_claims() -> None:
    assert assess_calm(risk_level="critical").risk is RiskLevel.CRITICAL


# The reversibility table.


@pytest.mark.parametrize(
    ("action_type", "rule", "level"),
    [
        pytest.param("record.read", "risk-low", AUTO, id="reversible"),
        pytest.param("record.update", "partially-reversible", NOTIFY, id="partially reversible"),
        pytest.param("mail.send", "irreversible-low", SOFT, id="irreversible, low"),
        pytest.param("payment.send", "irreversible-high", HARD, id="irreversible, high"),
        pytest.param("nobody.listed.this", "irreversible-high", HARD, id="unlisted"),
    ],
)
def test_each_reversibility_has_the_level_of_its_table(action_type: str, rule: str, level: HITLLevel) -> None:
    assessment = assess_calm(action_type=action_type)
    assert assessment.level is level
    assert levels_by_rule(assessment)[rule] is level


def test_an_unlisted_action_type_says_that_it_is_unlisted() -> None:
    assert "not in your policy" in assess_calm(action_type="nobody.listed.this").why[0].because


def test_an_agent_can_call_its_action_harder_to_undo_than_the_catalogue_does() -> None:
    assert assess_calm(reversibility="irreversible_high").reversibility is Reversibility.IRREVERSIBLE_HIGH


def test_an_agent_cannot_call_its_action_easier_to_undo_than_the_catalogue_does() -> None:
    assessment = assess_calm(action_type="payment.send", reversibility="reversible")
    assert (assessment.reversibility, assessment.level) == (Reversibility.IRREVERSIBLE_HIGH, HARD)


# The confidence bands.


@pytest.mark.parametrize(
    ("confidence", "level"),
    [
        pytest.param(0.0, TAKEOVER, id="none"),
        pytest.param(0.49999, TAKEOVER, id="just below 0.5"),
        pytest.param(0.5, HARD, id="exactly 0.5"),
        pytest.param(0.64999, HARD, id="just below 0.65"),
        pytest.param(0.65, SOFT, id="exactly 0.65"),
        pytest.param(0.79999, SOFT, id="just below 0.80"),
    ],
)
def test_each_confidence_band_has_its_level(confidence: float, level: HITLLevel) -> None:
    assert assess_calm(confidence=confidence).level is level
    assert levels_by_rule(assess_calm(confidence=confidence))["confidence"] is level


@pytest.mark.parametrize("confidence", [0.80, 0.81, 1.0])
def test_above_the_last_bound_confidence_does_not_raise_the_level(confidence: float) -> None:
    assert "confidence" not in levels_by_rule(assess_calm(confidence=confidence))


# The agent's recommendation.


@pytest.mark.parametrize(
    ("recommendation", "rule", "level"), [("escalate", "agent-escalates", TAKEOVER), ("clarify", "agent-asks", HARD)]
)
def test_an_agent_that_is_unsure_is_believed(recommendation: str, rule: str, level: HITLLevel) -> None:
    assert assess_calm(recommendation=recommendation).level is level
    assert levels_by_rule(assess_calm(recommendation=recommendation)) == {rule: level}


def test_if_the_agent_accepts_no_plain_approval_silence_does_not_count() -> None:
    assert levels_by_rule(assess_calm(allowed_decisions=["revise"]))["no-plain-approval"] is HITLLevel.HARD_APPROVAL
    assert "no-plain-approval" not in levels_by_rule(assess_calm(allowed_decisions=["approve"]))


def test_a_recommendation_to_proceed_changes_nothing() -> None:
    assert assess_calm(recommendation="proceed") == assess_calm()


# The matrix.


@pytest.mark.parametrize("data", ["financial", "pii", "personal", "regulated"])
def test_irreversible_and_sensitive_is_always_hard(data: str) -> None:
    assessment = assess_calm(action_type="mail.send", confidence=1.0, data_classes=[data])
    assert assessment.level is HARD
    assert levels_by_rule(assessment)["irreversible-sensitive"] is HARD


def test_sensitive_data_of_the_catalogue_counts_even_if_the_agent_does_not_name_it() -> None:
    policy = world.policy(actions={"mail.send": {"reversibility": "irreversible_low", "data_classes": ["pii"]}})
    assert levels_by_rule(assess_calm(policy=policy, action_type="mail.send"))["irreversible-sensitive"] is HARD


@pytest.mark.parametrize(
    ("action_type", "data"),
    [
        pytest.param("record.update", "pii", id="sensitive but reversible"),
        pytest.param("mail.send", "external", id="irreversible but not sensitive"),
    ],
)
def test_the_hard_row_of_the_matrix_needs_both(action_type: str, data: str) -> None:
    assert "irreversible-sensitive" not in levels_by_rule(assess_calm(action_type=action_type, data_classes=[data]))


@pytest.mark.parametrize(
    ("action_type", "confidence", "level"),
    [
        pytest.param("mail.send", 0.75, HARD, id="irreversible, exactly 0.75"),
        pytest.param("mail.send", 0.7501, SOFT, id="irreversible, over 0.75"),
        pytest.param("record.read", 0.85, SOFT, id="reversible, exactly 0.85"),
        pytest.param("record.update", 0.85, SOFT, id="partially reversible, exactly 0.85"),
    ],
)
def test_the_matrix_depends_on_confidence_and_reversibility(
    action_type: str, confidence: float, level: HITLLevel
) -> None:
    rule = "matrix-irreversible" if action_type == "mail.send" else "matrix-reversible"
    assert levels_by_rule(assess_calm(action_type=action_type, confidence=confidence))[rule] is level


@pytest.mark.parametrize("action_type", ["record.read", "record.update"])
def test_for_reversible_actions_above_085_the_matrix_asks_for_nothing(action_type: str) -> None:
    assert "matrix-reversible" not in levels_by_rule(assess_calm(action_type=action_type, confidence=0.8501))


@pytest.mark.parametrize(
    ("amount", "currency"),
    [(100.01, "USD"), (100.01, "EUR"), (5.0, "XAU"), (0.0, "XAU")],
    ids=["over in dollars", "over in euros", "unknown currency", "zero of an unknown currency"],
)
def test_a_cost_over_the_threshold_is_hard(amount: float, currency: str) -> None:
    assert levels_by_rule(assess_calm(cost={"amount": amount, "currency": currency})) == {"cost": HARD}


@pytest.mark.parametrize(("amount", "currency"), [(100.0, "USD"), (0.0, "EUR")])
def test_a_cost_at_the_threshold_is_not_hard(amount: float, currency: str) -> None:
    assert "cost" not in levels_by_rule(assess_calm(cost={"amount": amount, "currency": currency}))


def test_repeated_failures_require_a_takeover() -> None:
    assessment = assess_calm(Background(earned=AUTO, failures=2))
    assert (assessment.level, levels_by_rule(assessment)) == (TAKEOVER, {"repeated-failures": TAKEOVER})


def test_one_failure_does_not_count_as_repeated() -> None:
    assert assess_calm(Background(earned=AUTO, failures=1)).level is AUTO


# The catalogue's tool requirement and floor, and the kind.


def test_a_tool_that_requires_approval_is_hard() -> None:
    policy = world.policy(actions={"record.read": {"reversibility": "reversible", "tool": {"effect_type": "deletion"}}})
    assert levels_by_rule(assess_calm(policy=policy)) == {"tool-requirement": HARD}


def test_a_tool_that_requires_no_approval_is_not_hard() -> None:
    tool = {"effect_type": "deletion", "approval_required": False}
    assert (
        assess_calm(policy=world.policy(actions={"record.read": {"reversibility": "reversible", "tool": tool}})).level
        is AUTO
    )


@pytest.mark.parametrize("floor", [NOTIFY, SOFT, HARD, TAKEOVER])
def test_the_floor_of_an_action_type_is_its_minimum_level(floor: HITLLevel) -> None:
    policy = world.policy(actions={"record.read": {"reversibility": "reversible", "floor": floor.value}})
    assert (assess_calm(policy=policy).level, levels_by_rule(assess_calm(policy=policy))["floor"]) == (floor, floor)


@pytest.mark.parametrize(
    ("kind", "level"),
    [("output", HARD), ("plan", HARD), ("question", HARD), ("memory", SOFT), ("policy_exception", HARD)],
)
def test_each_kind_has_its_minimum_level(kind: str, level: HITLLevel) -> None:
    parameters = {
        "memory": {"proposed_memory": "Likes mail.", "source_refs": ["d"], "sensitivity": "low", "retention": "90d"},
        "policy_exception": {
            "policy_id": "P",
            "requested_exception": "Skip.",
            "justification": "Late.",
            "expires_at": "2026-12-01T00:00:00Z",
        },
    }
    assessment = assess_calm(kind=kind, action_parameters=parameters.get(kind))
    assert (assessment.level, levels_by_rule(assessment)) == (level, {f"kind-{kind}": level})


@pytest.mark.parametrize("kind", ["action", "tool_call"])
def test_calls_have_no_minimum_level(kind: str) -> None:
    assert assess_calm(kind=kind).level is AUTO


# Silence.


def test_with_soft_approval_off_soft_packages_become_hard_and_say_why() -> None:
    policy = world.policy(soft={"enabled": False})
    assessment = assess_calm(policy=policy, action_type="mail.send")
    assert (assessment.level, levels_by_rule(assessment)["soft-off"]) == (HARD, HARD)


def test_with_soft_approval_off_automatic_packages_stay_automatic() -> None:
    assert assess_calm(policy=world.policy(soft={"enabled": False})).level is AUTO


@pytest.mark.parametrize(
    ("risk", "reversibility", "may"),
    [
        (RiskLevel.MEDIUM, Reversibility.IRREVERSIBLE_LOW, True),
        (RiskLevel.HIGH, Reversibility.REVERSIBLE, False),
        (RiskLevel.CRITICAL, Reversibility.REVERSIBLE, False),
        (RiskLevel.LOW, Reversibility.IRREVERSIBLE_HIGH, False),
    ],
)
def test_silence_never_counts_for_high_risk_or_what_cannot_be_undone(
    risk: RiskLevel, reversibility: Reversibility, may: bool
) -> None:
    assert silence_allowed(world.POLICY, risk, reversibility) is may
