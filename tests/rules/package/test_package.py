"""Validation of packages: what is accepted, what is refused, and where the fault is."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from rules.canonical import canonical_json
from rules.package import fields as bounds
from rules.package.model import DECISION_NAMES, DecisionPackage, Evidence, Kind

BASE: dict[str, Any] = {
    "title": "Refund order 42",
    "action_type": "refund.issue",
    "action_parameters": {"order": "42", "amount": 12.5},
    "proposed_action": "Refund 12.50 EUR to the customer.",
    "rationale": "The parcel was lost.",
    "risk_level": "medium",
    "confidence": 0.8,
}
MEMORY = {"proposed_memory": "Ann prefers mail.", "source_refs": ["doc_1"], "sensitivity": "low", "retention": "90d"}
EXCEPTION = {
    "policy_id": "P-7",
    "requested_exception": "Skip the inspection record.",
    "justification": "It arrives on Monday.",
    "expires_at": "2026-12-01T00:00:00Z",
}
TAKEOVER = {"summary": "Half done.", "stopping_reason": "Unsure.", "current_state": {"step": 3}, "next_steps": ["Ask."]}


def package(**fields: Any) -> DecisionPackage:
    return DecisionPackage.model_validate_json(json.dumps(BASE | fields))


def refusals(draft: dict[str, Any]) -> dict[str, str]:
    """The sentence for each refused field, by its dotted location."""
    with pytest.raises(ValidationError) as caught:
        DecisionPackage.model_validate_json(json.dumps(draft))
    return {".".join(map(str, error["loc"])): error["msg"] for error in caught.value.errors()}


def outcome(draft: Any) -> DecisionPackage | ValidationError:
    try:
        return DecisionPackage.model_validate(draft)
    except ValidationError as refused:
        return refused


def nested_object(depth: int) -> dict[str, Any]:
    return {"a": nested_object(depth - 1)} if depth > 1 else {}


texts = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=9)
sentences = texts.map("It says: {}".format)
scalars = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(-1e15, 1e15) | texts
containers = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(texts, inner), max_leaves=9)
objects = st.dictionaries(texts, containers, max_size=3)
evidence = st.fixed_dictionaries({"id": sentences, "title": sentences}, optional={"excerpt": texts})
costs = st.fixed_dictionaries({"amount": st.floats(0, 1e13) | st.integers(0, 10**13), "currency": st.just("EUR")})
takeovers = {"summary": sentences, "stopping_reason": sentences, "current_state": objects | texts}
drafts = st.fixed_dictionaries(
    {name: st.just(value) for name, value in BASE.items()}
    | {"action_parameters": objects, "confidence": st.floats(0, 1) | st.integers(0, 1)},
    optional={
        "kind": st.sampled_from(["action", "plan", "question", "output", "tool_call"]),
        "evidence_refs": st.lists(sentences | evidence, max_size=3),
        "cost": st.none() | costs,
        "data_classes": st.lists(st.sampled_from(["pii", "financial", "x-1"]), max_size=5),
        "expires_at": st.sampled_from(["2026-11-20T17:00:00Z", "2026-11-20t17:00:00.123456+02:00"]),
        "metadata": objects,
        "takeover": st.fixed_dictionaries(takeovers),
        "allowed_decisions": st.none() | st.lists(st.sampled_from(sorted(DECISION_NAMES)), max_size=3),
    },
)
anything = st.recursive(
    scalars | st.text() | st.floats(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
)


@pytest.mark.slow
@given(drafts)
def test_a_package_round_trips_through_json_and_canonical_json(draft: dict[str, Any]) -> None:
    one = DecisionPackage.model_validate_json(json.dumps(draft))
    assert DecisionPackage.model_validate_json(one.model_dump_json(exclude_unset=True)) == one
    assert (
        DecisionPackage.model_validate(json.loads(canonical_json(one.model_dump(mode="json", exclude_unset=True))))
        == one
    )


@pytest.mark.slow
@given(st.dictionaries(st.sampled_from(list(DecisionPackage.model_fields)), anything).map(lambda fields: BASE | fields))
def test_any_input_is_accepted_or_refused_without_a_crash(draft: dict[str, Any]) -> None:
    assert isinstance(outcome(draft), DecisionPackage | ValidationError)


@pytest.mark.parametrize("name", BASE)
def test_a_missing_required_field_is_named(name: str) -> None:
    assert list(refusals({key: value for key, value in BASE.items() if key != name})) == [name]


def test_an_unknown_field_is_refused_by_name() -> None:
    assert refusals(BASE | {"approved": True}) == {"approved": "Extra inputs are not permitted"}


def test_all_faults_are_reported_at_once() -> None:
    draft = BASE | {"title": "", "risk_level": "High", "cost": {"amount": -1, "currency": "eur"}}
    assert set(refusals(draft)) == {"title", "risk_level", "cost.amount", "cost.currency"}


REFUSED = {
    "long-title": ("title", "x" * 151, "at most 150 characters"),
    "blank-title": ("title", " \n", "must not be empty"),
    "invisible-title": ("title", "\u200b\u200b", "must not be empty"),
    "title-is-a-number": ("title", 7, "valid string"),
    "long-action": ("proposed_action", "x" * 2001, "at most 2000 characters"),
    "blank-rationale": ("rationale", "\t", "must not be empty"),
    "long-rationale": ("rationale", "x" * 8001, "at most 8000 characters"),
    "nul": ("rationale", "a\x00b", "control character"),
    "escape": ("rollback_plan", "a\x1bb", "control character"),
    "empty-action-type": ("action_type", "", "letters, digits"),
    "action-type-with-space": ("action_type", "refund issue", "letters, digits"),
    "action-type-with-line-feed": ("action_type", "refund\n", "letters, digits"),
    "long-action-type": ("action_type", "x" * 101, "letters, digits"),
    "confidence-is-a-text": ("confidence", "0.8", "valid number"),
    "confidence-is-true": ("confidence", True, "valid number"),
    "confidence-is-nan": ("confidence", float("nan"), "finite number"),
    "confidence-over-1": ("confidence", 1.01, "less than or equal to 1"),
    "confidence-below-0": ("confidence", -0.01, "greater than or equal to 0"),
    "risk-in-capitals": ("risk_level", "High", "'low', 'medium', 'high' or 'critical'"),
    "blank-material-change": ("material_change", " ", "must not be empty"),
    "blank-run": ("run_id", " ", "must not be empty"),
    "long-run": ("run_id", "x" * 201, "at most 200 characters"),
    "many-alternatives": ("alternatives", ["x"] * 51, "at most 50 items"),
    "long-chain": ("on_behalf_of", ["U012AB3CD"] * 11, "at most 10 items"),
    "requester-with-a-space": ("requested_by", "Ann Lee", "Slack user id"),
    "requester-is-a-mention": ("requested_by", "<@U012AB3CD>", "Slack user id"),
    "requester-without-domain": ("requested_by", "ann@localhost", "e-mail address"),
    "key-beyond-ascii": ("idempotency_key", "schlüssel", "printable ASCII"),
    "key-with-a-space-before-it": ("idempotency_key", " key", "no space around it"),
    "long-key": ("idempotency_key", "x" * 256, "at most 255 characters"),
    "naive-time": ("expires_at", "2026-11-20T17:00:00", "timezone"),
    "date": ("expires_at", "2026-11-20", "RFC 3339"),
    "seconds-as-text": ("expires_at", "1700000000", "RFC 3339"),
    "seconds": ("expires_at", 1700000000, "RFC 3339"),
    "time-beyond-utc": ("expires_at", "9999-12-31T23:59:59-23:00", "RFC 3339"),
    "day-that-is-not": ("expires_at", "2026-02-30T17:00:00Z", "valid datetime"),
    "ftp": ("callback_url", "ftp://agent.example/hook", "http or https URL"),
    "no-host": ("callback_url", "https:///hook", "with a host"),
    "no-scheme": ("callback_url", "//agent.example/hook", "http or https URL"),
    "no-port": ("callback_url", "https://agent.example:99999/hook", "http or https URL"),
    "open-bracket": ("callback_url", "https://[::1/hook", "http or https URL"),
    "password": ("callback_url", "https://ann:secret@agent.example/hook", "user name or a password"),
    "empty-user": ("callback_url", "https://@agent.example/hook", "user name or a password"),
    "space-in-url": ("callback_url", "https://agent.example/ho ok", "percent-encode"),
    "backslash-in-url": ("callback_url", "https://agent.example\\@evil.example/", "percent-encode"),
    "end-of-a-slack-link": ("subject_url", "https://evil.example/|innocent>", "percent-encode"),
    "long-url": ("subject_url", "https://agent.example/" + "x" * 2000, "at most 2000 characters"),
    "parameters-are-a-list": ("action_parameters", [], "an object"),
    "nan-inside": ("action_parameters", {"a": [float("nan")]}, "/a/0: NaN"),
    "huge-integer-inside": ("action_parameters", {"a": {"b": 2**53}}, "/a/b: an integer beyond"),
    "huge-float-inside": ("action_parameters", {"a": {"b": 1e20}}, "/a/b: a whole number beyond"),
    "escape-inside": ("action_parameters", {"a": "\x1b[2K"}, "/a: must not contain a control character"),
    "nul-in-a-name": ("action_parameters", {"a\x00": 1}, "control character"),
    "deep": ("metadata", nested_object(33), "nesting is too deep"),
    "large": ("side_effect_preview", {"a": "x" * 131_072}, "must not exceed 131072 bytes"),
}


@pytest.mark.parametrize(("field", "value", "sentence"), REFUSED.values(), ids=REFUSED)
def test_a_wrong_field_is_refused_in_words(field: str, value: Any, sentence: str) -> None:
    assert [(name, sentence in message) for name, message in refusals(BASE | {field: value}).items()] == [(field, True)]


LOCATED = {
    "evidence-is-a-number": ("evidence_refs", [7], "evidence_refs.0"),
    "evidence-without-title": ("evidence_refs", [{"id": "a"}], "evidence_refs.0.title"),
    "evidence-in-a-file": ("evidence_refs", [{"id": "a", "title": "b", "url": "file:///etc"}], "evidence_refs.0.url"),
    "long-excerpt": ("evidence_refs", [{"id": "a", "title": "b", "excerpt": "x" * 2001}], "evidence_refs.0.excerpt"),
    "dissent-without-reason": ("dissent", [{"by": "critic", "position": "No."}], "dissent.0.reason"),
    "amount-is-a-text": ("cost", {"amount": "12", "currency": "EUR"}, "cost.amount"),
    "amount-is-true": ("cost", {"amount": True, "currency": "EUR"}, "cost.amount"),
    "amount-is-infinite": ("cost", {"amount": float("inf"), "currency": "EUR"}, "cost.amount"),
    "amount-below-0": ("cost", {"amount": -0.01, "currency": "EUR"}, "cost.amount"),
    "amount-beyond-cents": ("cost", {"amount": 1.1e13, "currency": "EUR"}, "cost.amount"),
    "currency-in-small-letters": ("cost", {"amount": 12, "currency": "eur"}, "cost.currency"),
    "no-currency": ("cost", {"amount": 12}, "cost.currency"),
    "class-in-capitals": ("data_classes", ["pii", "PII"], "data_classes.1"),
    "long-class": ("data_classes", ["x" * 41], "data_classes.0"),
    "unknown-decision": ("allowed_decisions", ["approve", "vote"], "allowed_decisions.1"),
    "takeover-without-reason": ("takeover", {"summary": "Half done."}, "takeover.stopping_reason"),
    "state-is-a-number": ("takeover", TAKEOVER | {"current_state": 3}, "takeover.current_state"),
    "long-state": ("takeover", TAKEOVER | {"current_state": "x" * 8001}, "takeover.current_state"),
}


@pytest.mark.parametrize(("field", "value", "location"), LOCATED.values(), ids=LOCATED)
def test_a_fault_inside_a_field_is_located_there(field: str, value: Any, location: str) -> None:
    assert list(refusals(BASE | {field: value})) == [location]


def test_half_of_a_surrogate_pair_is_refused_in_every_text() -> None:
    refused = outcome(BASE | {"title": "\ud83d", "metadata": {"a": "\ud83d"}})
    assert isinstance(refused, ValidationError)
    assert [error["loc"] for error in refused.errors()] == [("title",), ("metadata",)]


def test_a_datetime_without_a_zone_is_refused() -> None:
    assert isinstance(outcome(BASE | {"expires_at": datetime(2026, 11, 20)}), ValidationError)  # noqa: DTZ001 - the point


@pytest.mark.parametrize("kind", ["action", "tool_call"])
@pytest.mark.parametrize("parameters", [{}, {"action_parameters": None}], ids=["absent", "null"])
def test_calls_require_parameters(kind: str, parameters: dict[str, Any]) -> None:
    draft = {name: value for name, value in BASE.items() if name != "action_parameters"}
    assert list(refusals(draft | {"kind": kind} | parameters)) == ["action_parameters"]


@pytest.mark.parametrize("kind", ["output", "plan", "question"])
def test_other_kinds_than_calls_need_no_parameters(kind: str) -> None:
    assert package(kind=kind, action_parameters=None).action_parameters is None


@pytest.mark.parametrize(
    ("kind", "whole"), [("memory", MEMORY), ("policy_exception", EXCEPTION)], ids=["memory", "exception"]
)
class TestParametersThatAKindRequires:
    def test_all_parameter_fields_are_reported_missing_without_parameters(
        self, kind: str, whole: dict[str, Any]
    ) -> None:
        wanted = {f"action_parameters.{name}" for name in whole}
        assert set(refusals(BASE | {"kind": kind, "action_parameters": None})) == wanted

    def test_each_wrong_parameter_is_refused_by_name(self, kind: str, whole: dict[str, Any]) -> None:
        faults = [list(refusals(BASE | {"kind": kind, "action_parameters": whole | {name: 7}})) for name in whole]
        assert faults == [[f"action_parameters.{name}"] for name in whole]

    def test_parameters_are_kept_as_posted_with_unknown_fields(self, kind: str, whole: dict[str, Any]) -> None:
        assert package(kind=kind, action_parameters=whole | {"more": 1}).action_parameters == whole | {"more": 1}


def test_a_policy_exception_cannot_end_at_a_time_without_a_zone() -> None:
    draft = BASE | {"kind": "policy_exception", "action_parameters": EXCEPTION | {"expires_at": "2026-12-01T00:00:00"}}
    assert list(refusals(draft)) == ["action_parameters.expires_at"]


def test_a_package_is_an_action_unless_it_says_otherwise() -> None:
    assert package().kind is Kind.ACTION


def test_a_package_at_the_limits_is_accepted() -> None:
    full = package(
        title="x" * bounds.MAX_TITLE, proposed_action="x" * bounds.MAX_SENTENCE, rationale="ä" * bounds.MAX_ESSAY,
        action_type="A" * 100, run_id="x" * bounds.MAX_ID, metadata=nested_object(bounds.MAX_OBJECT_DEPTH),
        alternatives=["x"] * bounds.MAX_ITEMS, cost={"amount": bounds.MAX_COST, "currency": "EUR"},
        idempotency_key="k" * bounds.MAX_WORD, callback_url="https://[2001:db8::1]:8443/a?b=c#d", takeover=TAKEOVER,
    )  # fmt: skip
    assert len(full.rationale) == bounds.MAX_ESSAY


NORMAL = {
    "a-whole-confidence-is-a-number-too": ("confidence", 1, 1.0),
    "layout-is-no-control-character": ("rationale", "a\tb\r\nc", "a\tb\r\nc"),
    "a-string-is-evidence-titled-by-itself": ("evidence_refs", ["doc_1"], (Evidence(id="doc_1", title="doc_1"),)),
    "a-class-said-twice-counts-once": ("data_classes", ["pii", "financial", "pii"], ("pii", "financial")),
    "an-address-is-one-person-in-any-case": ("requested_by", "Ann@Example.COM", "ann@example.com"),
    "a-deadline-is-kept-in-utc": ("expires_at", "2026-11-20T17:00:00+02:00", datetime(2026, 11, 20, 15, tzinfo=UTC)),
}


@pytest.mark.parametrize(("field", "posted", "kept"), NORMAL.values(), ids=NORMAL)
def test_alternative_forms_of_a_field_are_stored_in_one_form(field: str, posted: Any, kept: Any) -> None:
    assert getattr(package(**{field: posted}), field) == kept


@pytest.mark.parametrize(
    ("allowed", "effective"),
    [
        pytest.param(None, None, id="not-said-means-all"),
        pytest.param([], {"reject", "escalate", "take_over"}, id="the-ways-out-stay"),
        pytest.param(["approve"], {"approve", "reject", "escalate", "take_over"}, id="what-is-named-is-added"),
    ],
)
def test_an_agent_cannot_exclude_rejecting_escalating_or_taking_over(
    allowed: list[str] | None, effective: set[str] | None
) -> None:
    assert package(allowed_decisions=allowed).effective_decisions == effective
