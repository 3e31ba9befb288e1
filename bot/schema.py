"""What the models check and their JSON schemas do not say by themselves: which JSON, and what each kind requires."""

from __future__ import annotations

from typing import Any

from rules.canonical import MAX_INTEGER
from rules.package import CALLS, Kind
from rules.texts import PRINTABLE

Json = dict[str, Any]

REFERENCE = "#/components/schemas/{model}"

_ANY_JSON = {"$ref": REFERENCE.format(model="JsonValue")}
_NAMES = {"pattern": PRINTABLE.pattern}
_OBJECT: Json = {"type": "object", "additionalProperties": _ANY_JSON, "propertyNames": _NAMES}

JSON_VALUE: Json = {
    "description": "JSON that every reader reads as the same: no control characters, and numbers that a double holds."
    " At most 32 levels and 131,072 bytes in all.",
    "anyOf": [
        {"type": "null"},
        {"type": "boolean"},
        {"type": "number", "minimum": -MAX_INTEGER, "maximum": MAX_INTEGER},
        {"type": "string", "pattern": PRINTABLE.pattern},
        {"type": "array", "items": _ANY_JSON},
        _OBJECT,
    ],
}


def spelled_out(schema: Any) -> Any:
    """The same schema, with every free object held to the JSON above, and with no default that is only null."""
    if isinstance(schema, list):
        return [spelled_out(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("type") == "object" and schema.get("additionalProperties") is True:
        schema = schema | {"additionalProperties": _ANY_JSON, "propertyNames": _NAMES}
    without = {"default"} if schema.get("default", 0) is None else set()
    return {name: spelled_out(value) for name, value in schema.items() if name not in without}


def conditions() -> Json:
    """`action_parameters` by kind: the exact arguments of a call, the form of a memory or an exception."""
    is_call = {"properties": {"kind": {"enum": sorted(kind.value for kind in CALLS)}}}
    forms = {Kind.MEMORY: "MemoryParameters", Kind.POLICY_EXCEPTION: "ExceptionParameters"}
    return {"allOf": [_if(is_call, _OBJECT), *(_if_kind(kind, form) for kind, form in forms.items())]}


def _if_kind(kind: Kind, form: str) -> Json:
    is_it = {"properties": {"kind": {"const": kind.value}}, "required": ["kind"]}
    return _if(is_it, {"$ref": REFERENCE.format(model=form)})


def _if(condition: Json, parameters: Json) -> Json:
    return {
        "if": condition,
        "then": {"required": ["action_parameters"], "properties": {"action_parameters": parameters}},
    }
