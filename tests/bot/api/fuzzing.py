"""Hooks and checks that schemathesis loads, beyond the API's document."""

from __future__ import annotations

from typing import Any

import schemathesis

from bot.api.description.schema import JSON_OBJECT
from rules.canonical import MAX_INTEGER

MAX_WAIT = 30
REFUSED = 422
INVALID = "urn:countersign:problem:invalid"
# A schema cannot express these: they compare several values, or depend on which characters are visible.
NOT_EXPRESSIBLE = (
    "differs from the Idempotency-Key header",
    "is only for a question",
    "cannot be combined with answers",
    "each answer must be different",
    "each value of enum must",
    "minimum must not exceed maximum",
    "must have a type or an enum",
    "must be one line of visible characters",
    "must have visible text and no control characters",
    "which is not a property",
    "must not exceed 16384 bytes",
)
ANY_JSON = {"$ref": "#/components/schemas/JsonValue"}
NAMES = JSON_OBJECT["propertyNames"]
JSON_VALUE = {
    "anyOf": [
        {"type": "null"},
        {"type": "boolean"},
        {"type": "number", "minimum": -MAX_INTEGER, "maximum": MAX_INTEGER},
        {"type": "string", "pattern": NAMES["pattern"]},
        {"type": "array", "items": ANY_JSON},
        {"type": "object", "additionalProperties": ANY_JSON, "propertyNames": NAMES},
    ]
}


@schemathesis.hook
def before_load_schema(_: schemathesis.HookContext, document: dict[str, Any]) -> None:
    """Add what client generators cannot read: limits at every level of free JSON, and a link that claims a package."""
    schemas = document["components"]["schemas"]
    for free in [schema for schema in schemas.values() if schema.get("propertyNames") == NAMES]:
        free["additionalProperties"] = ANY_JSON
    schemas["JsonValue"] = JSON_VALUE
    links = document["paths"]["/v1/packages"]["post"]["responses"]["201"]["links"]
    links["execute"]["requestBody"] = {
        "state": "claimed",
        "claim_id": "worker-1",
        "action_digest": "$response.body#/action_digest",
    }


@schemathesis.hook
def before_call(_: schemathesis.HookContext, case: schemathesis.Case[Any], __: dict[str, Any]) -> None:
    """Shorten long polls, in every phase. Some phases write numbers as text."""
    query = case.query
    try:
        wait = float((query or {}).get("wait", "none"))
    except (TypeError, ValueError):
        return
    if 0 <= wait <= MAX_WAIT:
        case.query = {**(query or {}), "wait": wait / 1000}


@schemathesis.check
def what_the_schema_allows_is_never_invalid(
    ctx: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case[Any]
) -> None:
    """A rule may refuse a well-formed request, the parser may not: the document or the parser would be wrong."""
    well_formed = case.meta is not None and case.meta.generation.mode.is_positive
    # The document and its page contain this type too.
    refused = response.status_code == REFUSED and INVALID in response.text
    expressible = not any(sentence in response.text for sentence in NOT_EXPRESSIBLE)
    assert not (well_formed and refused and expressible), response.text


@schemathesis.check
def every_problem_is_one_that_the_document_lists_for_its_status(
    ctx: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case[Any]
) -> None:
    listed = case.operation.definition.raw["responses"].get(str(response.status_code), {})
    if "x-problem-types" in listed:
        problem = response.json()
        assert problem["type"] in listed["x-problem-types"]
        assert problem["status"] == response.status_code
