"""Builds commands from clicks and form values. The command's own fields validate them; there are no rules here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from blocks.kit.ids import Field, Ref
from rules.state.commands import Command, SeenCommand, Verb
from rules.state.model import PackageState
from rules.verbs.table import SPEC_OF_VERB
from rules.verbs.trials import trial_command

Values = Mapping[Field, Any]

_COMMAND_CLASSES = {verb: row.command for verb, row in SPEC_OF_VERB.items() if row.offered}
_READERS: Mapping[Field, Callable[[Any], Any]] = {
    Field.UNTIL: lambda seconds: datetime.fromtimestamp(seconds, UTC),
    Field.CONFIRMED: tuple,
    Field.TAGS: tuple,
    Field.EVIDENCE_REFS: lambda lines: tuple(line.strip() for line in lines.splitlines() if line.strip()),
}


def command_of(verb: Verb, ref: Ref, values: Values, command_id: str) -> Command:
    """Raises `ValueError` if a value cannot be read, and names its field."""
    command_class = _COMMAND_CLASSES[verb]
    seen: dict[str, Any] = {"expected_package_version": ref.version}
    if issubclass(command_class, SeenCommand):
        seen |= {"expected_rung": ref.rung, "rendering_id": ref.rendering_id}
    content = {
        field.value: _read(field, value) for field, value in values.items() if field.value in command_class.model_fields
    }
    return command_class(command_id=command_id, decision_package_id=ref.package_id, **seen, **content)


def _read(field: Field, value: Any) -> Any:
    return _READERS[field](value) if field in _READERS and value is not None else value


def trial_of(verb: Verb, ref: Ref, state: PackageState, now: datetime, command_id: str) -> Command:
    """The verb with words that are always accepted: a trial shows whether the person may give it at all."""
    return trial_command(verb, state, now, command_id, version=ref.version, rung=ref.rung)


def values_of(view: Mapping[str, Any]) -> dict[Field, Any]:
    """Values of a form by field. Block and input have the same name. Numbered inputs are left to `read_slots`."""
    state = (view.get("state") or {}).get("values") or {}
    values = {Field(name): _value(inputs[name]) for name, inputs in state.items() if name in set(Field)}
    return {field: value for field, value in values.items() if value is not None}


def _value(element: Mapping[str, Any]) -> Any:
    match element.get("type"):
        case "plain_text_input":
            return (element.get("value") or "").strip() or None
        case "static_select" | "radio_buttons":
            return (element.get("selected_option") or {}).get("value")
        case "checkboxes":
            return [option["value"] for option in element.get("selected_options") or []] or None
        case "datetimepicker":
            return element.get("selected_date_time")
        case "users_select":
            return element.get("selected_user")
        case _:
            return None
