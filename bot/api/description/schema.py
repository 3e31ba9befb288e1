"""Adds to JSON schemas what the models check and pydantic leaves out: limits of free JSON, and parameters by kind.

Client generators read the document too. So free JSON is not a recursive schema, and the conditions are one chain of
`if` and `else`: generators ignore it, while they would take an `allOf` for a base class.
"""

from __future__ import annotations

from typing import Any

from rules.canonical import MAX_INTEGER
from rules.package.fields import MAX_OBJECT_BYTES, MAX_OBJECT_DEPTH
from rules.package.model import CALLS, Kind
from rules.package.text_types import PRINTABLE

Json = dict[str, Any]

REFERENCE = "#/components/schemas/{model}"

# Written as `not`: generators and documentation pages would read a positive list of schemas as the value's type.
_VALUE: Json = {
    "not": {
        "anyOf": [
            {"type": "number", "exclusiveMinimum": MAX_INTEGER},
            {"type": "number", "exclusiveMaximum": -MAX_INTEGER},
            {"type": "string", "pattern": r"[\x00-\x08\x0b\x0c\x0e-\x1f]"},
        ]
    }
}
_LIMITS: Json = {"additionalProperties": _VALUE, "propertyNames": {"pattern": PRINTABLE.pattern}}
JSON_OBJECT: Json = {
    "description": f"Any JSON object of at most {MAX_OBJECT_DEPTH} levels and {MAX_OBJECT_BYTES:,} bytes. Its texts"
    " have no control characters, and its numbers are within ±(2^53 - 1), so that every reader reads the same.",
    "type": "object",
    **_LIMITS,
}
_ANY_OBJECT = {"$ref": REFERENCE.format(model="JsonObject")}


def with_json_limits(schema: Any) -> Any:
    """Return the schema with the limits of free JSON, and without defaults that are null, empty or true.

    Such defaults are dropped because TypeScript generators make every field with a default required.
    """
    if isinstance(schema, list):
        return [with_json_limits(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    default = schema.get("default")
    dropped = {"default"} if default in (None, [], {}) or default is True else set()
    kept = {name: with_json_limits(value) for name, value in schema.items() if name not in dropped}
    return _limit_object(kept) if kept.get("additionalProperties") is True else kept


def _limit_object(schema: Json) -> Json:
    if "properties" in schema:
        return schema | _LIMITS
    return _ANY_OBJECT | {name: schema[name] for name in schema.keys() & {"description"}}


def kind_conditions() -> Json:
    """The schema of `action_parameters` for each kind: free JSON for calls, a model for memories and exceptions."""
    chain: Json = {}
    for kind, form in ((Kind.POLICY_EXCEPTION, "ExceptionParameters"), (Kind.MEMORY, "MemoryParameters")):
        chain = _if({"const": kind.value}, {"$ref": REFERENCE.format(model=form)}, chain)
        chain["if"]["required"] = ["kind"]
    return _if({"enum": sorted(kind.value for kind in CALLS)}, _ANY_OBJECT, chain)


def _if(kind: Json, parameters: Json, otherwise: Json) -> Json:
    then = {"required": ["action_parameters"], "properties": {"action_parameters": parameters}}
    chain = {"if": {"properties": {"kind": kind}}, "then": then}
    return chain | {"else": otherwise} if otherwise else chain
