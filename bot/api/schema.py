"""What the models check and pydantic does not put into JSON schemas: limits of free JSON, and each kind's parameters.

Client generators read the document too. So free JSON is no recursive schema, and the conditions are one chain of
`if` and `else`: generators pass over it, while in an `allOf` it would be taken for a base class.
"""

from __future__ import annotations

from typing import Any

from rules.canonical import MAX_INTEGER
from rules.package.model import CALLS, MAX_OBJECT_BYTES, MAX_OBJECT_DEPTH, Kind
from rules.package.text_types import PRINTABLE

Json = dict[str, Any]

REFERENCE = "#/components/schemas/{model}"

# What a value may not be, because generators and pages read what it may be as its type.
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


def spelled_out(schema: Any) -> Any:
    """The same schema with the limits of free JSON, and without defaults that are null or empty.

    Generators of TypeScript make a field with a default required.
    """
    if isinstance(schema, list):
        return [spelled_out(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    without = {"default"} if schema.get("default") in (None, [], {}) else set()
    kept = {name: spelled_out(value) for name, value in schema.items() if name not in without}
    return _limited(kept) if kept.get("additionalProperties") is True else kept


def _limited(schema: Json) -> Json:
    if "properties" in schema:
        return schema | _LIMITS
    return _ANY_OBJECT | {name: schema[name] for name in schema.keys() & {"description"}}


def conditions() -> Json:
    """`action_parameters` by kind: the exact arguments of a call, the form of a memory or an exception."""
    chain: Json = {}
    for kind, form in ((Kind.POLICY_EXCEPTION, "ExceptionParameters"), (Kind.MEMORY, "MemoryParameters")):
        chain = _if({"const": kind.value}, {"$ref": REFERENCE.format(model=form)}, chain)
        chain["if"]["required"] = ["kind"]
    return _if({"enum": sorted(kind.value for kind in CALLS)}, _ANY_OBJECT, chain)


def _if(kind: Json, parameters: Json, otherwise: Json) -> Json:
    then = {"required": ["action_parameters"], "properties": {"action_parameters": parameters}}
    chain = {"if": {"properties": {"kind": kind}}, "then": then}
    return chain | {"else": otherwise} if otherwise else chain
