"""The subset of JSON Schema that describes a form: what it accepts, and what fits it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from rules.canonical import canonical_json
from rules.form_schema import FormSchema, data_fault, data_text
from rules.package.model import action_digest
from tests.blocks.packages import values
from tests.rules.world import package

PROPERTIES: dict[str, Any] = {
    "street": {"type": "string", "title": "Street", "maxLength": 20},
    "units": {"type": "integer", "minimum": 1, "maximum": 9},
    "area": {"type": "number"},
    "listed": {"type": "boolean"},
    "since": {"type": "string", "format": "date"},
    "use": {"enum": ["home", "shop", 3]},
}
SCHEMA = FormSchema.model_validate({"type": "object", "properties": PROPERTIES, "required": ["street"]})
FULL = {"street": "Quay Street", "units": 4, "area": 12.5, "listed": False, "since": "2026-12-01", "use": "shop"}


def question(**fields: Any) -> Any:
    return package(kind="question", action_parameters=None, **fields)


def one_property(**keywords: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {"it": keywords}}


@pytest.mark.parametrize(
    ("schema", "field", "sentence"),
    [
        ({"type": "array"}, "type", "Input should be 'object'"),
        ({"type": "object", "properties": {}}, "properties", "at least 1 item"),
        (one_property(type="array"), "properties.it.type", "'string', 'number', 'integer' or 'boolean'"),
        (one_property(type="string", pattern="a+"), "properties.it.pattern", "not permitted"),
        (one_property(type="object", properties={}), "properties.it.type", "Input should be"),
        (one_property(title="It"), "properties.it", "must have a type or an enum"),
        (one_property(enum=[]), "properties.it.enum", "at least 1 item"),
        (one_property(enum=["a", True]), "properties.it.enum.1", "a text or a number"),
        (one_property(enum=["a", "a"]), "properties.it", "each value of enum must be different"),
        (one_property(enum=[1, 1.0]), "properties.it", "each value of enum must be different"),
        (one_property(type="integer", enum=["a"]), "properties.it", "fit the other keywords"),
        (one_property(enum=["3", 3]), "properties.it", "and look different"),
        (one_property(enum=["a", "a\ufe0f"]), "properties.it", "and look different"),
        (one_property(enum=["\u00e9", "e\u0301"]), "properties.it", "and look different"),
        (one_property(enum=["a" + "\u0301" * 6]), "properties.it.enum.0", "one line of visible characters"),
        (one_property(enum=["a\nb"]), "properties.it.enum.0", "one line of visible characters"),
        (one_property(enum=["x" * 76]), "properties.it.enum.0", "at most 75 characters"),
        (one_property(enum=[str(number) for number in range(51)]), "properties.it.enum", "at most 50 items"),
        (one_property(type="number", minimum=3, maximum=2), "properties.it", "minimum must not exceed maximum"),
        (one_property(type="string", maxLength=3001), "properties.it.maxLength", "less than or equal to 3000"),
        (one_property(type="string", format="email"), "properties.it.format", "'date'"),
        (one_property(type="string", title="\u200b"), "properties.it.title", "must have visible text"),
        (one_property(type="string") | {"required": ["other"]}, "", "required names other, which is not a property"),
        (one_property(type="string") | {"additionalProperties": False}, "additionalProperties", "not permitted"),
        (
            {"type": "object", "properties": {f"p{number}": {"type": "string"} for number in range(21)}},
            "properties",
            "at most 20 items",
        ),
        (
            {
                "type": "object",
                "properties": {f"p{number}": {"type": "string", "description": "é" * 300} for number in range(20)}
                | {"p0": {"enum": [f"{number} {'é' * 60}" for number in range(50)]}},
            },
            "",
            "must not exceed 16384 bytes",
        ),
    ],
)
def test_what_is_outside_the_subset_is_refused_with_its_field(schema: Any, field: str, sentence: str) -> None:
    with pytest.raises(ValidationError) as refused:
        question(response_schema=schema)
    errors = {".".join(map(str, error["loc"])): error["msg"] for error in refused.value.errors()}
    place = f"response_schema.{field}".rstrip(".")
    assert sentence in errors[place], errors


def test_only_a_question_has_answers_or_a_form_and_not_both() -> None:
    schema = one_property(type="string")
    for fields in ({"answers": ["Yes"]}, {"response_schema": schema}):
        with pytest.raises(ValidationError, match="is only for a question"):
            package(**fields)
    with pytest.raises(ValidationError, match="cannot be combined with answers"):
        question(answers=["Yes"], response_schema=schema)


@pytest.mark.parametrize(
    ("answers", "sentence"),
    [
        (["Yes", "YES "], "one line"),
        (["Yes", "YES"], "each answer must be different"),
        (["Yes", "\uff39\uff45\uff53"], "each answer must be different"),
        (["Yes", "Yes\ufe0f"], "each answer must be different"),
        (["Yes", "Y\u034fes"], "each answer must be different"),
        (["Yes" + "\u0301" * 6], "one line of visible characters"),
        ([""], "at least 1 character"),
        (["a\u200bb"], "one line of visible characters"),
        (["x" * 76], "at most 75 characters"),
        ([str(number) for number in range(10)], "at most 9 items"),
    ],
)
def test_answers_are_few_short_visible_and_different(answers: list[str], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        question(answers=answers)


def test_the_answers_and_the_form_are_part_of_what_is_shown_and_decided() -> None:
    forms: list[dict[str, Any]] = [
        {},
        {"answers": ["Yes"]},
        {"answers": ["Yes"], "free_answer": False},
        {"answers": ["No"]},
        {"response_schema": one_property(type="string")},
        {"response_schema": one_property(type="string", title="It")},
    ]
    assert len({action_digest(question(**form)) for form in forms}) == len(forms)


@pytest.mark.parametrize("left_out", [[], ["units", "area"], ["listed", "since", "use"]])
def test_data_that_fit_are_accepted_with_or_without_optional_values(left_out: list[str]) -> None:
    assert data_fault(SCHEMA, {name: value for name, value in FULL.items() if name not in left_out}) is None


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"street": "x" * 21}, "street: This must be at most 20 characters, and it has 21."),
        ({"street": 7}, "street: This must be a text."),
        ({"units": 0}, "units: This must be at least 1."),
        ({"units": 10}, "units: This must be at most 9."),
        ({"units": 2.5}, "units: This must be a whole number."),
        ({"units": True}, "units: This must be a whole number."),
        ({"area": "12"}, "area: This must be a number."),
        ({"area": float("inf")}, "/area: NaN and infinities are not JSON numbers"),
        ({"listed": 1}, "listed: This must be yes or no."),
        ({"since": "2026-02-30"}, "since: This must be a date."),
        ({"use": "3"}, "use: Choose one of the offered values."),
        ({"more": 1}, "more: this was not asked"),
    ],
)
def test_data_that_do_not_fit_are_named(changes: dict[str, Any], fault: str) -> None:
    assert data_fault(SCHEMA, FULL | changes) == fault


def test_a_required_value_is_missed() -> None:
    assert data_fault(SCHEMA, {"units": 1}) == "street: this is required"


@pytest.mark.slow
@given(st.dictionaries(st.sampled_from([*PROPERTIES, "more"]), values))
def test_any_data_fit_or_have_a_fault(data: dict[str, Any]) -> None:
    fault = data_fault(SCHEMA, data)
    assert fault is None or fault.startswith(tuple(f"{name}:" for name in [*PROPERTIES, "more"]))
    assert canonical_json(data)


def test_the_text_of_the_data_has_one_line_for_each_value() -> None:
    assert data_text({"street": "Quay\nStreet", "units": 4}) == 'street: "Quay\\nStreet"\nunits: 4'
