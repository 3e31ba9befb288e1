"""The inputs that a question's schema or an action's parameters ask for: one slot for each value.

The slots of a form are computed again when it comes back, from the package that the service has, never from the form.
A slot's block id is the field's name and the slot's number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from json import dumps
from typing import Any

from blocks.forms.entries import (
    ABSENT,
    FILL_IN,
    INCOMPLETE,
    ChoiceEntry,
    DateEntry,
    Entry,
    JsonEntry,
    NumberEntry,
    TextEntry,
    needs_escapes,
)
from blocks.forms.json_text import UnreadableError
from blocks.kit.elements import Block, input_block
from blocks.kit.ids import Field
from blocks.kit.limits import INPUT_TEXT
from rules.canonical import CONTROL
from rules.form_schema import (
    FieldType,
    FormProperty,
    FormSchema,
    choice_label,
    is_date,
    is_one_visible_line,
    value_fault,
)
from rules.package.model import DecisionPackage
from rules.visible import escape_invisible

_ONE_LINE = 60  # characters of a text that is edited in a single line
_LIKELY_YEARS = ("19", "20")  # of a text that is edited as a date
_NULL_HINT = "This is null. Leave it empty to keep null; anything else becomes a text."
_ESCAPES_HINT = r"Hidden characters are written as \u and four digits, and a backslash as \\."
_JSON_HINT = "JSON"
_CONTROL_CHARACTER = "This text contains a control character, which nobody can see. Type it again without."


class InvalidFormError(ValueError):
    """Values of a form that cannot be used: a sentence for each block."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__(", ".join(errors))
        self.errors = dict(errors)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """`original` is the value that the package has, or ABSENT. `described` is what the schema says of the value."""

    name: str
    label: str
    entry: Entry
    hint: str | None = None
    original: Any = ABSENT
    required: bool = False
    described: FormProperty | None = None

    def block(self, field: Field, number: int, value: Any) -> Block:
        element = self.entry.element(value)
        return input_block(field, self.label, element, hint=self.hint, optional=not self.required, number=number)

    def read(self, input_state: object) -> Any:
        """The entered value, or ABSENT. Raises `UnreadableError`."""
        if not isinstance(input_state, Mapping):
            raise UnreadableError(INCOMPLETE)
        if self._is_untouched(input_state):
            return self.original
        value = self.entry.read(input_state)
        if value is ABSENT and self.required:
            raise UnreadableError(FILL_IN)
        if isinstance(value, str) and CONTROL.search(value):
            raise UnreadableError(_CONTROL_CHARACTER)
        if value is not ABSENT and self.described and (fault := value_fault(self.described, value)):
            raise UnreadableError(fault)
        return value

    def _is_untouched(self, input_state: Mapping[str, Any]) -> bool:
        """Whether the input still holds what it was opened with: then the value stays exactly as it was."""
        element = self.entry.element(self.original)
        initial = element.get("initial_value")
        return initial is not None and (input_state.get("type"), input_state.get("value")) == (element["type"], initial)


def read_slots(slots: Sequence[Slot], field: Field, values: Mapping[str, Any]) -> dict[str, Any]:
    """The entered values by name, without absent ones. Raises `InvalidFormError` with every fault."""
    entered: dict[str, Any] = {}
    errors: dict[str, str] = {}
    for number, slot in enumerate(slots):
        block_id = f"{field}.{number}"
        try:
            block = values.get(block_id)
            entered[slot.name] = slot.read(block.get(field.value) if isinstance(block, Mapping) else None)
        except UnreadableError as fault:
            errors[block_id] = str(fault)
    if errors:
        raise InvalidFormError(errors)
    return {name: value for name, value in entered.items() if value is not ABSENT}


def slot_blocks(slots: Iterable[Slot], field: Field, values: Mapping[str, Any]) -> list[Block]:
    """The inputs, with these values in them."""
    return [slot.block(field, number, values.get(slot.name, ABSENT)) for number, slot in enumerate(slots)]


# The form of a question.


def response_slots(schema: FormSchema) -> list[Slot]:
    return [_response_slot(schema, name, described) for name, described in schema.properties.items()]


def _response_slot(schema: FormSchema, name: str, described: FormProperty) -> Slot:
    required = name in schema.required
    return Slot(
        name=name,
        label=described.title or name,
        hint=described.description,
        entry=_described_entry(described, leave_out=None if required else "No answer"),
        required=required,
        described=described,
    )


def _described_entry(described: FormProperty, *, leave_out: str | None) -> Entry:
    if described.enum:
        return ChoiceEntry(tuple((choice_label(choice), choice) for choice in described.enum), leave_out)
    match described.type:
        case FieldType.BOOLEAN:
            return ChoiceEntry((("Yes", True), ("No", False)), leave_out)
        case FieldType.INTEGER | FieldType.NUMBER:
            is_integer = described.type is FieldType.INTEGER
            return NumberEntry(is_integer, described.minimum, described.maximum)
        case _ if described.is_date:
            return DateEntry()
        case _:
            limit = described.maxLength or INPUT_TEXT
            return TextEntry(multiline=limit > _ONE_LINE, exact=False, limit=limit)


# The parameters of an action.


def parameter_slots(package: DecisionPackage, catalogue: FormSchema | None) -> list[Slot]:
    """A slot for each parameter, in the agent's order, and for each that the schema has and the agent left out.

    The policy's schema gives labels, and says what must not be left empty. An agent's own schema gives types only: its
    labels could say anything.
    """
    schema = catalogue or package.parameters_schema
    properties = schema.properties if schema else {}
    parameters = package.action_parameters or {}
    absent = {name: ABSENT for name in properties if name not in parameters}
    return [
        _parameter_slot(name, value, properties.get(name), catalogue)
        for name, value in {**parameters, **absent}.items()
    ]


def _parameter_slot(name: str, value: Any, described: FormProperty | None, catalogue: FormSchema | None) -> Slot:
    """A property of the schema counts only if the agent's value is valid under it."""
    if described and value is not ABSENT and value_fault(described, value):
        described = None
    needed = catalogue is not None and name in catalogue.required and value is not None
    entry = _entry_of_known(described, value, needed=needed) if described else _entry_of_value(value)
    required = needed or (value is not ABSENT and not _may_be_emptied(value, entry, catalogue))
    if required and isinstance(entry, TextEntry):
        entry = replace(entry, empty=ABSENT)
    policy_property = described if catalogue else None
    return Slot(
        name=name,
        label=(policy_property.title if policy_property else None) or _key_label(name, catalogue),
        hint=_hint(entry, value) or (policy_property.description if policy_property else None),
        entry=entry,
        original=value,
        required=required,
        described=described,
    )


def _may_be_emptied(value: Any, entry: Entry, catalogue: FormSchema | None) -> bool:
    """A text that the agent left empty, or any text that the policy's schema, if there is one, does not require."""
    return isinstance(entry, TextEntry) and (catalogue is not None or not value)


def _entry_of_known(described: FormProperty, value: Any, *, needed: bool) -> Entry:
    """An input for what the schema describes. A text is exact, as it is without a schema."""
    entry = _described_entry(described, leave_out="Leave it out" if value is ABSENT and not needed else None)
    if not isinstance(entry, TextEntry):
        return entry
    return _text_entry(value, limit=entry.limit) if isinstance(value, str) else TextEntry(limit=entry.limit)


def _entry_of_value(value: Any) -> Entry:
    match value:
        case bool():
            return ChoiceEntry((("Yes", True), ("No", False)))
        case int() | float():
            return NumberEntry(whole=isinstance(value, int))
        case str() if is_date(value) and value.startswith(_LIKELY_YEARS):
            return DateEntry()
        case str():
            return _text_entry(value)
        case None:
            return TextEntry(multiline=False, empty=None)
        case _:
            return JsonEntry()


def _text_entry(value: str, limit: int = INPUT_TEXT) -> TextEntry:
    multiline = len(value) > _ONE_LINE or "\n" in value
    return TextEntry(multiline=multiline, escaped=needs_escapes(value), empty="", limit=limit)


def _hint(entry: Entry, value: Any) -> str | None:
    if isinstance(entry, JsonEntry):
        return _JSON_HINT
    if value is None:
        return _NULL_HINT
    return _ESCAPES_HINT if isinstance(entry, TextEntry) and entry.escaped else None


def _key_label(name: str, catalogue: FormSchema | None) -> str:
    """The key, in quotes if the policy gives the same words to a parameter: an agent chooses its keys."""
    titles = {described.title for described in catalogue.properties.values()} if catalogue else set()
    return dumps(name) if name in titles else written_key(name)


def written_key(name: str) -> str:
    """A parameter's name as a label: as it is if it is plain, otherwise in quotes and with escapes."""
    if is_one_visible_line(name) and escape_invisible(name) == name:
        return name
    return escape_invisible(dumps(name, ensure_ascii=False))
