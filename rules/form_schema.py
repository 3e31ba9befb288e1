"""`FormSchema`: the subset of JSON Schema that describes a form, and the check of a value against it.

An agent sends one as `response_schema` with a question. The policy's catalogue can have one for the parameters of an
action type. It is flat: an object of texts, numbers, whole numbers, booleans, choices and dates, so that every property
is one input of a form.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, PlainValidator, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from rules.canonical import MAX_INTEGER, UNPRINTABLE, NotCanonicalError, canonical_json, canonical_json_strict
from rules.spelling import normalize_name
from rules.string_enum import StringEnum
from rules.values import Value
from rules.visible import TOWERS, is_visible, visible_form

MAX_PROPERTIES = 20
MAX_CHOICES = 50
MAX_CHOICE = 75  # characters, as many as an option of Slack shows
MAX_TEXT = 3000  # characters, as many as an input of Slack takes
MAX_SCHEMA_BYTES = 16_384

MAX_ANSWERS = 9  # radio buttons have ten options, and one is for another answer

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def is_one_visible_line(text: str) -> bool:
    """Whether a label shows the text exactly as it is."""
    return bool(text) and " ".join(text.split()) == text and all(map(is_visible, text)) and not TOWERS.search(text)


def cross_field_fault(sentence: str) -> PydanticCustomError:
    """A fault that the published JSON schema cannot exclude, because it concerns several values or their visibility."""
    return PydanticCustomError("cross_field", "{fault}", {"fault": sentence})


def _one_line(text: str) -> str:
    if is_one_visible_line(text):
        return text
    raise cross_field_fault("must be one line of visible characters")


def _printable(text: str) -> str:
    if UNPRINTABLE.search(text) or not any(is_visible(letter) and not letter.isspace() for letter in text):
        raise PydanticCustomError("unprintable", "must have visible text and no control characters")
    return text


def _choice(value: Any) -> Any:
    if isinstance(value, str):
        if len(value) > MAX_CHOICE:
            raise PydanticCustomError("long_choice", "must be at most {most} characters", {"most": MAX_CHOICE})
        return _one_line(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _canonical(value)
    raise PydanticCustomError("choice", "must be a text or a number")


def _canonical(number: float) -> float:
    try:
        canonical_json(number)
    except NotCanonicalError as fault:
        raise PydanticCustomError("not_canonical", "{fault}", {"fault": str(fault)}) from None
    return number


def _different(answers: tuple[str, ...]) -> tuple[str, ...]:
    if len({normalize_name(visible_form(text)) for text in answers}) < len(answers):
        raise cross_field_fault("each answer must be different")
    return answers


_Integer = Annotated[int, Field(strict=True, ge=-MAX_INTEGER, le=MAX_INTEGER)]
_Float = Annotated[float, Field(strict=True, ge=-MAX_INTEGER, le=MAX_INTEGER, allow_inf_nan=False)]
_Bound = _Integer | _Float
_Line = Annotated[str, Field(strict=True, min_length=1, max_length=MAX_CHOICE)]
Choice = Annotated[Any, PlainValidator(_choice, json_schema_input_type=_Line | _Integer | _Float)]
OneLine = Annotated[_Line, AfterValidator(_one_line)]
Label = Annotated[str, StringConstraints(strict=True, max_length=MAX_CHOICE), AfterValidator(_printable)]
Hint = Annotated[str, StringConstraints(strict=True, max_length=300), AfterValidator(_printable)]
Answers = Annotated[tuple[OneLine, ...], Field(max_length=MAX_ANSWERS), AfterValidator(_different)]
PropertyName = Annotated[str, Field(strict=True, min_length=1, max_length=100), AfterValidator(_one_line)]


_SAME_CHOICES = "each value of enum must be different, and look different"


class FieldType(StringEnum):
    STRING = "string"
    NUMBER = "number"
    INTEGER = "integer"
    BOOLEAN = "boolean"


class FormProperty(Value):
    """One value of a form, described in the words of JSON Schema."""

    type: FieldType | None = None
    title: Label | None = None
    description: Hint | None = None
    enum: Annotated[tuple[Choice, ...], Field(min_length=1, max_length=MAX_CHOICES)] | None = None
    format: Literal["date"] | None = None
    minimum: _Bound | None = None
    maximum: _Bound | None = None
    maxLength: Annotated[int, Field(strict=True, ge=1, le=MAX_TEXT)] | None = None  # noqa: N815 - JSON Schema's word

    @property
    def is_date(self) -> bool:
        return self.type is FieldType.STRING and self.format == "date" and not self.enum

    @model_validator(mode="after")
    def _check_answerable(self) -> Self:
        for is_fault, sentence in self._faults():
            if is_fault:
                raise cross_field_fault(sentence)
        return self

    def _faults(self) -> Iterator[tuple[bool, str]]:
        choices = self.enum or ()
        low, high = self.minimum, self.maximum
        yield self.type is None and not choices, "must have a type or an enum"
        yield len({visible_form(choice_label(choice)) for choice in choices}) < len(choices), _SAME_CHOICES
        yield low is not None and high is not None and low > high, "minimum must not exceed maximum"
        yield any(value_fault(self, choice) for choice in choices), "each value of enum must fit the other keywords"


class FormSchema(Value):
    """The properties of a form, in the order in which they are shown."""

    type: Literal["object"]
    title: Label | None = None
    description: Hint | None = None
    properties: Annotated[dict[PropertyName, FormProperty], Field(min_length=1, max_length=MAX_PROPERTIES)]
    required: Annotated[tuple[PropertyName, ...], Field(max_length=MAX_PROPERTIES)] = ()

    @model_validator(mode="after")
    def _check_whole(self) -> Self:
        unknown = [name for name in self.required if name not in self.properties]
        if unknown:
            raise cross_field_fault(f"required names {unknown[0]}, which is not a property")
        if len(canonical_json(self.plain)) > MAX_SCHEMA_BYTES:
            raise cross_field_fault(f"must not exceed {MAX_SCHEMA_BYTES} bytes as JSON")
        return self

    @property
    def plain(self) -> dict[str, Any]:
        """The schema as JSON, without what it leaves out."""
        return self.model_dump(mode="json", exclude_defaults=True)


def value_fault(expected: FormProperty, value: Any) -> str | None:
    """What is wrong with the value, as a sentence for the person who typed it; None if it fits."""
    return (
        _type_fault(expected.type, value)
        or _choice_fault(expected, value)
        or _range_fault(expected, value)
        or _text_fault(expected, value)
    )


def _type_fault(kind: FieldType | None, value: Any) -> str | None:
    is_integer = isinstance(value, int) and not isinstance(value, bool)
    fits = {
        FieldType.STRING: isinstance(value, str),
        FieldType.NUMBER: is_integer or isinstance(value, float),
        FieldType.INTEGER: is_integer,
        FieldType.BOOLEAN: isinstance(value, bool),
    }
    return None if kind is None or fits[kind] else _TYPE_SENTENCES[kind]


_TYPE_SENTENCES = {
    FieldType.STRING: "This must be a text.",
    FieldType.NUMBER: "This must be a number.",
    FieldType.INTEGER: "This must be a whole number.",
    FieldType.BOOLEAN: "This must be yes or no.",
}


def _choice_fault(expected: FormProperty, value: Any) -> str | None:
    allowed = expected.enum is None or _written(value) in map(_written, expected.enum)
    return None if allowed else "Choose one of the offered values."


def _range_fault(expected: FormProperty, value: Any) -> str | None:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    if expected.minimum is not None and value < expected.minimum:
        return f"This must be at least {_written(expected.minimum)}."
    if expected.maximum is not None and value > expected.maximum:
        return f"This must be at most {_written(expected.maximum)}."
    return None


def _text_fault(expected: FormProperty, value: Any) -> str | None:
    if not isinstance(value, str):
        return None
    if expected.maxLength is not None and len(value) > expected.maxLength:
        return f"This must be at most {expected.maxLength:,} characters, and it has {len(value):,}."
    return "This must be a date." if expected.is_date and not is_date(value) else None


def choice_label(choice: str | float) -> str:
    return choice if isinstance(choice, str) else _written(choice)


def is_date(text: str) -> bool:
    try:
        return bool(_DAY.fullmatch(text) and date.fromisoformat(text))
    except ValueError:
        return False


def _written(value: Any) -> str:
    return canonical_json(value).decode()


def data_fault(schema: FormSchema, data: dict[str, Any]) -> str | None:
    """The first fault of the data, with the name of its property; None if the data fit the schema."""
    try:
        canonical_json_strict(data)
    except NotCanonicalError as fault:
        return str(fault)
    if unknown := data.keys() - schema.properties.keys():
        return f"{min(unknown)}: this was not asked"
    if missing := [name for name in schema.required if name not in data]:
        return f"{missing[0]}: this is required"
    faults = ((name, value_fault(schema.properties[name], value)) for name, value in data.items())
    return next((f"{name}: {fault}" for name, fault in faults if fault), None)


def data_text(data: Mapping[str, Any]) -> str:
    """The data as a text: one line for each property, with its value as JSON."""
    return "\n".join(f"{name}: {_written(value)}" for name, value in data.items())
