"""The differences between two versions of a package."""

from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.canonical import canonical_json
from rules.package.diff import Change, ChangeKind, difference, released_changes
from rules.package.model import DecisionPackage, action_digest, changed_identity

BASE = {
    "title": "Refund order 42",
    "action_type": "refund.issue",
    "action_parameters": {},
    "proposed_action": "Refund 12.50 EUR to the customer.",
    "rationale": "The parcel was lost.",
    "risk_level": "medium",
    "confidence": 0.8,
}
MIRRORED = {
    ChangeKind.ADDED: ChangeKind.REMOVED,
    ChangeKind.REMOVED: ChangeKind.ADDED,
    ChangeKind.CHANGED: ChangeKind.CHANGED,
}

# Few names and few values, so that they often coincide.
scalars = st.sampled_from([None, True, False, 0, 1, 1.0, "", "1", "ab"])
names = st.sampled_from(["a", "b", "a.b", "0", '"', ""])
objects = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3))
drafts = st.fixed_dictionaries(
    {"action_parameters": st.dictionaries(names, objects, max_size=3)},
    optional={
        "subject_id": st.none() | st.sampled_from(["42", "43"]),
        "alternatives": st.lists(st.sampled_from(["wait", "ask"]), max_size=3),
        "cost": st.none() | st.fixed_dictionaries({"amount": st.integers(0, 2), "currency": st.just("EUR")}),
        "metadata": st.dictionaries(names, objects, max_size=2),
    },
)


def package(**fields: Any) -> DecisionPackage:
    return DecisionPackage.model_validate(BASE | fields)


packages = drafts.map(lambda draft: package(**draft))


def between(before: Any, after: Any) -> list[tuple[str, Any, Any, str]]:
    """The changes between two values of `action_parameters.x`."""
    changes = difference(package(action_parameters={"x": before}), package(action_parameters={"x": after}))
    return [(change.path, change.before, change.after, str(change.kind)) for change in changes]


def form(one: DecisionPackage) -> bytes:
    return canonical_json(one.model_dump(mode="json"))


@pytest.mark.slow
@given(packages)
def test_a_package_does_not_differ_from_itself(one: DecisionPackage) -> None:
    assert difference(one, DecisionPackage.model_validate_json(one.model_dump_json())) == ()


@pytest.mark.slow
@given(packages, packages)
def test_there_is_no_difference_exactly_when_the_canonical_forms_agree(
    one: DecisionPackage, other: DecisionPackage
) -> None:
    assert (difference(one, other) == ()) == (form(one) == form(other))


@pytest.mark.slow
@given(packages, packages)
def test_the_other_way_round_before_and_after_change_places(one: DecisionPackage, other: DecisionPackage) -> None:
    mirrored = tuple(Change(c.path, c.after, c.before, MIRRORED[c.kind]) for c in difference(other, one))
    assert difference(one, other) == mirrored


@pytest.mark.slow
@given(packages, packages)
def test_no_leaf_is_reported_twice(one: DecisionPackage, other: DecisionPackage) -> None:
    paths = [change.path for change in difference(one, other)]
    assert len(paths) == len(set(paths))


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        pytest.param(1, 2, [("", 1, 2, "changed")], id="a-scalar"),
        pytest.param(1, 1.0, [], id="one-number-in-two-spellings"),
        pytest.param(1, True, [("", 1, True, "changed")], id="true-is-not-one"),
        pytest.param(0, False, [("", 0, False, "changed")], id="false-is-not-zero"),
        pytest.param(1, "1", [("", 1, "1", "changed")], id="a-text-is-not-a-number"),
        pytest.param(None, 1, [("", None, 1, "changed")], id="null-is-a-value"),
        pytest.param({"a": 1}, {}, [(".a", 1, None, "removed")], id="a-name-removed"),
        pytest.param({}, {"a": None}, [(".a", None, None, "added")], id="a-null-added"),
        pytest.param({}, {"a": {}}, [(".a", None, {}, "added")], id="an-empty-object-added"),
        pytest.param({}, {"a": {"b": [7]}}, [(".a.b[0]", None, 7, "added")], id="added-down-to-the-leaf"),
        pytest.param({"a": {"b": [7]}}, {}, [(".a.b[0]", 7, None, "removed")], id="removed-down-to-the-leaf"),
        pytest.param([1, 2], [1, 3, 4], [("[1]", 2, 3, "changed"), ("[2]", None, 4, "added")], id="items-by-index"),
        pytest.param({"a": 1}, "a", [("", {"a": 1}, "a", "changed")], id="an-object-became-a-text"),
        pytest.param({}, [], [("", {}, [], "changed")], id="an-object-became-a-list"),
        pytest.param({"a.b": 1}, {"a.b": 2}, [('."a.b"', 1, 2, "changed")], id="a-name-with-a-dot-is-quoted"),
        pytest.param({"a[0]": 1}, {"a[0]": 2}, [('."a[0]"', 1, 2, "changed")], id="a-name-like-an-index-is-quoted"),
        pytest.param({'"': 1}, {'"': 2}, [('."\\""', 1, 2, "changed")], id="a-quote-is-escaped"),
        pytest.param({"": 1}, {"": 2}, [('.""', 1, 2, "changed")], id="an-empty-name-is-quoted"),
        pytest.param({"größe": 1}, {"größe": 2}, [(".größe", 1, 2, "changed")], id="letters-stay-letters"),
    ],
)
def test_a_change_is_reported_by_its_leaf(before: Any, after: Any, changes: list[tuple[str, Any, Any, str]]) -> None:
    assert between(before, after) == [
        (f"action_parameters.x{path}", old, new, kind) for path, old, new, kind in changes
    ]


def test_a_field_that_was_not_given_before_is_added() -> None:
    assert difference(package(), package(subject_id="42")) == (Change("subject_id", None, "42", ChangeKind.ADDED),)


def test_a_default_that_is_written_out_changes_nothing() -> None:
    assert difference(package(), package(kind="action", subject_id=None, alternatives=[], metadata={})) == ()


def test_fields_come_in_the_order_of_the_package_and_names_by_alphabet() -> None:
    later = package(title="Refund", cost={"currency": "EUR", "amount": 1}, action_parameters={"b": 1, "a": 2})
    paths = [change.path for change in difference(package(), later)]
    assert paths == ["title", "action_parameters.a", "action_parameters.b", "cost.amount", "cost.currency"]


ELSE = {"title": "Other", "rationale": "Other.", "proposed_action": "Other.", "confidence": 0.1, "metadata": {"a": 1}}


def test_a_call_has_the_same_digest_whatever_is_said_about_it() -> None:
    assert action_digest(package(**ELSE, kind="tool_call", risk_level="critical")) == action_digest(package())


@pytest.mark.parametrize(
    "change",
    [{"action_type": "refund.undo"}, {"action_parameters": {"a": 1}}, {"subject_id": "42"}, {"subject_type": "42"}],
    ids=lambda change: next(iter(change)),
)
def test_another_call_has_another_digest(change: dict[str, Any]) -> None:
    assert action_digest(package(**change)) != action_digest(package())


@pytest.mark.parametrize("field", ["title", "rationale", "proposed_action"])
def test_other_kinds_than_calls_are_identified_by_their_content(field: str) -> None:
    assert action_digest(package(kind="plan", **{field: "Other."})) != action_digest(package(kind="plan"))


def test_a_plan_has_another_digest_than_the_action_that_it_plans() -> None:
    assert len({action_digest(package(kind=kind)) for kind in ("action", "plan", "output", "question")}) == 4


def test_the_digest_of_a_call_covers_this_and_nothing_else() -> None:
    call = b'{"action_parameters":{"amount":12.5,"to":"Ann"},"action_type":"refund.issue","subject":{"id":"42","type":null}}'
    one = package(subject_id="42", action_parameters={"to": "Ann", "amount": 12.50})
    assert action_digest(one) == "sha256:" + sha256(call).hexdigest()


def test_the_digest_of_a_content_covers_everything_that_is_read() -> None:
    content = canonical_json(
        {
            "kind": "plan",
            **{name: BASE[name] for name in ("action_type", "title", "proposed_action", "rationale")},
            "action_parameters": None,
            "subject": {"type": None, "id": None},
        }
    )
    assert action_digest(package(kind="plan", action_parameters=None)) == "sha256:" + sha256(content).hexdigest()


def test_a_later_version_must_keep_the_identity_fields() -> None:
    later = package(**ELSE, kind="plan", action_type="refund.undo", subject_type="order", subject_id="42")
    assert changed_identity(package(), later) == ["kind", "action_type", "subject_type", "subject_id"]


def test_a_later_version_may_change_the_rest() -> None:
    assert changed_identity(package(), package(**ELSE, action_parameters={"a": 1})) == []


@pytest.mark.parametrize("kind", ["action", "output", "plan"])
@pytest.mark.parametrize(
    "change",
    [
        {"title": "Another"},
        {"proposed_action": "Another."},
        {"rationale": "Another."},
        {"action_type": "mail.other"},
        {"subject_id": "another"},
        {"action_parameters": {"another": 1}},
        {"consequence": "Another."},
        {"confidence": 0.1},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_an_approval_releases_has_changed_if_the_action_digest_has(kind: str, change: dict[str, Any]) -> None:
    before, after = package(kind=kind), package(kind=kind, **change)
    assert bool(released_changes(before, after)) == (action_digest(before) != action_digest(after))
