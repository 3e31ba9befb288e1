"""Whatever exceptions hold, what they cannot touch is as strict as without them: generated, over every rule."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.people.agent_keys import KeyScope
from rules.people.autonomy import AutonomyProfile
from rules.people.lineage import Lineage
from rules.policy.exceptions import EXCEPTABLE_RULES
from rules.policy.parse import PolicyError, read_policy
from rules.reasons import Refusal
from rules.scales import HITLLevel, Reversibility, RiskLevel
from rules.state.agent_commands import ClaimExecution, NewVersion
from rules.state.case import Background
from rules.state.level import assess
from rules.state.model import Status
from rules.state.service_commands import Consent
from rules.state.situation import Memory
from rules.state.transition import Transition
from rules.verbs.decide import decide
from tests.rules import world
from tests.rules.exceptions.excepting import MARKED, costly, granted_state
from tests.rules.policy.test_parse import LEAST
from tests.rules.world import (
    AGENT,
    DORA,
    HOUR,
    NOW,
    SAUL,
    SENTA,
    SILA,
    SUSI,
    SVEN,
    after,
    agent,
    ask,
    no_to,
    package,
    people,
    shown_state,
    situation,
    submission,
)

EVERY_RULE = {rule: f"pkg_{number}" for number, rule in enumerate(EXCEPTABLE_RULES)}
TYPES = ["refund", "mail.send", "payment.send", "unheard.of", "record.update"]
GRANTED = [
    granted_state({"rule": rule, "action_types": TYPES}).model_copy(update={"decision_package_id": exception_id})
    for rule, exception_id in EVERY_RULE.items()
]
MEMORY = {"proposed_memory": "a", "source_refs": [], "sensitivity": "low", "retention": "1d"}
_SENSITIVE = {"financial", "pii", "personal", "regulated"}

proposals = st.fixed_dictionaries(
    {
        "action_type": st.sampled_from(TYPES),
        "kind": st.sampled_from(["action", "tool_call", "output", "plan", "question", "memory"]),
        "risk_level": st.sampled_from([*RiskLevel]),
        "reversibility": st.sampled_from([None, *Reversibility]),
        "confidence": st.sampled_from([0.3, 0.6, 0.7, 0.8, 0.9, 1.0]),
        "data_classes": st.sampled_from([[], ["pii"], ["external", "financial"]]),
        "cost": st.sampled_from([None, {"amount": 5, "currency": "EUR"}, {"amount": 5, "currency": "XTS"}]),
        "recommendation": st.sampled_from([None, "clarify", "escalate"]),
        "action_parameters": st.sampled_from([MEMORY, MEMORY | {"text": "word " * 2000}]),
    }
)
backgrounds = st.fixed_dictionaries(
    {
        "earned": st.sampled_from([*HITLLevel]),
        "failures": st.sampled_from([0, 5]),
        "earlier": st.sampled_from([None, *HITLLevel]),
        "outsider": st.booleans(),
        "clicks_provable": st.booleans(),
    }
)


@given(proposal=proposals, background=backgrounds, rules=st.sets(st.sampled_from(EXCEPTABLE_RULES)))
def test_no_exception_lowers_what_it_cannot_touch(
    proposal: dict[str, Any], background: dict[str, Any], rules: set[str]
) -> None:
    set_aside = {rule: EVERY_RULE[rule] for rule in rules}
    with_them = assess(package(**proposal), Background(**background, set_aside=set_aside), MARKED)
    without = assess(package(**proposal), Background(**background), MARKED)
    own = {why.rule: why.level for why in without.why}
    untouchable = [level for rule, level in own.items() if rule not in EXCEPTABLE_RULES and rule not in AGAINST_SILENCE]
    assert with_them.level <= without.level
    assert with_them.level >= max(untouchable, default=HITLLevel.FULL_AUTO)
    assert (with_them.risk, with_them.reversibility) == (without.risk, without.reversibility)
    grave = without.risk >= RiskLevel.HIGH or without.reversibility is Reversibility.IRREVERSIBLE_HIGH
    sensitive = without.reversibility.irreversible and not _SENSITIVE.isdisjoint(proposal["data_classes"])
    assert with_them.level >= HITLLevel.HARD_APPROVAL or not (grave or sensitive)
    assert with_them.level is not HITLLevel.SOFT_APPROVAL or background["clicks_provable"]


AGAINST_SILENCE = ("soft-off", "not-shown-whole", "no-public-url")


@given(proposal=proposals, rules=st.sets(st.sampled_from(range(len(GRANTED))), max_size=4))
def test_each_rule_that_did_not_speak_is_cited_and_none_else(proposal: dict[str, Any], rules: set[int]) -> None:
    exceptions = [GRANTED[number] for number in rules]
    bearing: dict[str, Any] = {"policy": MARKED, "exceptions": tuple(exceptions)}
    transition = decide(None, submission(package(**proposal), "pkg_x"), situation(AGENT.actor, **bearing))
    uses = transition.after.exception_uses if isinstance(transition, Transition) else ()
    reasons = (
        [why.because for why in transition.after.why if why.rule == "exception"]
        if isinstance(transition, Transition)
        else []
    )
    silent = {use.rule for use in uses}
    assert silent <= {exception.exception.rule for exception in exceptions if exception.exception}
    assert [use.exception_id in because for use, because in zip(uses, reasons, strict=True)] == [True] * len(uses)
    assert silent.isdisjoint(why.rule for why in (transition.after.why if isinstance(transition, Transition) else ()))


UNTOUCHED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "a paused agent": ({}, {"agent": agent(standing="paused")}),
    "a freeze": ({}, {"agent": agent(frozen=True)}),
    "a key without the type": ({}, {"agent": agent(scope=KeyScope(may=("mail.*",)))}),
    "a key with less risk": ({"risk_level": "high"}, {"agent": agent(scope=KeyScope(max_risk=RiskLevel.MEDIUM))}),
    "a stopped thread": ({}, {"memory": Memory(thread_stopped_by="pkg_9")}),
    "a No to the same action": ({}, {"memory": Memory(noes=(no_to(package(action_type="refund")),))}),
    "an unknown requester": ({"requested_by": "nobody@elsewhere.example"}, {}),
    "a deadline that has passed": ({"expires_at": NOW.isoformat()}, {}),
    "nobody who could decide": (
        {"risk_level": "critical"},
        {"people": people(**{who: {"active": False} for who in (SUSI, SAUL, SILA, DORA)})},
    ),
}


@pytest.mark.parametrize(("fields", "bearing"), UNTOUCHED.values(), ids=UNTOUCHED)
def test_what_is_refused_without_exceptions_is_refused_with_them(
    fields: dict[str, Any], bearing: dict[str, Any]
) -> None:
    proposal = submission(package(**{"action_type": "refund", **fields}), "pkg_x")
    who = bearing.get("agent", AGENT)
    bearing = {"policy": MARKED, **bearing}
    alone, helped = (
        decide(None, proposal, situation(who.actor, **bearing, exceptions=exceptions))
        for exceptions in ((), tuple(GRANTED))
    )
    assert isinstance(alone, Refusal)
    assert alone == helped


INDEPENDENT = granted_state({"action_types": TYPES})
TRUSTED = AutonomyProfile(agent_id="agt_1", action_type="refund", current_level=HITLLevel.FULL_AUTO)
BEARING: dict[str, Any] = {"policy": MARKED, "profile": TRUSTED, "exceptions": (INDEPENDENT,)}
EARLIER = Memory(lineage=Lineage(agents=("agt_9",), owners=(SENTA,), parties=()))
DEPENDENT: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "the requester": ({"requested_by": SENTA}, {}),
    "on the delegation chain": ({"on_behalf_of": [SVEN]}, {}),
    "an earlier owner in the thread": ({}, {"memory": EARLIER}),
}


@pytest.mark.parametrize(("fields", "bearing"), DEPENDENT.values(), ids=DEPENDENT)
def test_an_exception_whose_approver_may_not_decide_lets_nothing_through(
    fields: dict[str, Any], bearing: dict[str, Any]
) -> None:
    bearing = BEARING | bearing
    state = after(None, submission(costly(**fields), "pkg_x"), by=AGENT.actor, **bearing)
    assert (state.exception_uses, state.level) == ((), HITLLevel.HARD_APPROVAL)
    again = ask(NewVersion, state, package=costly(**fields, title="Again"))
    version = after(state, again, by=AGENT.actor, **bearing, package=costly(**fields))
    assert (version.version, version.exception_uses, version.level) == (2, (), HITLLevel.HARD_APPROVAL)


def test_what_an_exception_spared_is_not_claimed_once_its_approver_may_not_decide() -> None:
    spared = after(None, submission(costly(), "pkg_x"), by=AGENT.actor, **BEARING)
    outcome = decide(spared, ask(ClaimExecution, spared), situation(AGENT.actor, **BEARING, memory=EARLIER))
    assert isinstance(outcome, Transition)
    assert (spared.proceeds, outcome.after.status) == (True, Status.REVOKED)


def test_silence_does_not_count_once_an_approver_of_its_exception_may_not_decide() -> None:
    bearing = BEARING | {"exceptions": (granted_state({"rule": "confidence"}),), "profile": None}
    doubtful = package(risk_level="medium", action_type="refund", confidence=0.6)
    soft = shown_state(after(None, submission(doubtful, "pkg_x"), by=AGENT.actor, **bearing), **bearing)
    hardened = after(soft, ask(Consent, soft), now=NOW + HOUR, **bearing, memory=EARLIER)
    assert (soft.soft, hardened.status, hardened.why[0].rule) == (True, Status.PENDING, "exception-lost")


@pytest.mark.parametrize(
    "rule",
    [
        "risk-high",
        "risk-critical",
        "irreversible-high",
        "irreversible-sensitive",
        "tool-requirement",
        "earlier-no",
        "never-falls",
        "repeated-failures",
        "autonomy",
        "outsider",
        "soft-off",
        "not-shown-whole",
        "no-public-url",
        "kind-question",
        "kind-policy_exception",
        "exception-asked",
        "agent-escalates",
        "cst",
    ],
)
def test_a_policy_cannot_mark_a_rule_that_no_exception_reaches(rule: str) -> None:
    with pytest.raises(PolicyError, match=f"rules.{rule}: no exception can set this rule aside"):
        read_policy(f"{LEAST}\n[rules]\n{rule} = {{ exceptions = true }}\n")


def test_every_rule_that_can_be_marked_exists() -> None:
    strict = world.policy(
        kinds=dict.fromkeys(["action", "tool_call", "output", "plan", "memory"], "hard_approval"),
        tiers={"low": {"level": "soft_approval"}},
        reversibility={"reversible": "soft_approval"},
        actions={"refund": {"reversibility": "reversible", "floor": "soft_approval"}},
    )
    spoken = {
        why.rule
        for risk in ("low", "medium")
        for action in ("refund", "record.update", "mail.send")
        for kind in ("action", "tool_call", "output", "plan", "memory")
        for sure in (0.6, 0.95)
        for why in assess(
            package(
                risk_level=risk,
                action_type=action,
                kind=kind,
                confidence=sure,
                cost={"amount": 400, "currency": "EUR"},
                action_parameters=MEMORY,
            ),
            Background(),
            strict,
        ).why
    }
    assert set(EXCEPTABLE_RULES) <= spoken
