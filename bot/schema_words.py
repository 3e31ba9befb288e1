"""A JSON schema in words: the type of a field as a person reads it."""

from __future__ import annotations

from typing import Any, NamedTuple

from bot.html import Html, el, html

Json = dict[str, Any]


class Field(NamedTuple):
    name: str
    type: Html
    text: str
    required: bool


def fields_of(schema: Json) -> list[Field]:
    required = schema.get("required", ())
    return [
        Field(name, type_of(each), each.get("description", ""), name in required)
        for name, each in schema.get("properties", {}).items()
    ]


def type_of(schema: Json) -> Html:
    return html(_kind(schema), _bounds(schema))


def _kind(schema: Json) -> Html:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return el("a", name, href=f"#{name}")
    for union in ("anyOf", "oneOf"):
        if union in schema:
            return _either([type_of(each) for each in schema[union]])
    if "const" in schema:
        return el("code", str(schema["const"]))
    if "enum" in schema:
        return _either([el("code", str(each)) for each in schema["enum"]])
    return _plain(schema)


def _either(parts: list[Html]) -> Html:
    return html(*(html(" or " if number else None, part) for number, part in enumerate(parts)))


def _plain(schema: Json) -> Html:
    kind: str = schema.get("type", "any")
    if kind == "array":
        return html("list of ", type_of(schema["items"]))
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        return html("object of ", type_of(schema["additionalProperties"]))
    return html(_SAID.get(schema.get("format", kind), kind))


def _bounds(schema: Json) -> Html | None:
    said = [words.format(schema[name]) for name, words in _BOUNDS.items() if name in schema]
    if "minimum" in schema:
        said.append(
            f"{schema['minimum']:,} to {schema['maximum']:,}" if "maximum" in schema else f"from {schema['minimum']}"
        )
    if "default" in schema and schema["default"] not in ([], {}):
        said.append(f"default {schema['default']}")
    return html(" (", ", ".join(said), ")") if said else None


_SAID = {"string": "text", "date-time": "time"}
_BOUNDS = {
    "maxLength": "at most {:,} characters",
    "maxItems": "at most {} items",
}
