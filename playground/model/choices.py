"""Choosing and typing: which payload field carries an element's value, and which values the client refuses.

`choose` checks a value as Slack's client does and returns it as payloads carry it; a value that nobody could choose
raises `NotPossibleError`. `state_of` builds `state.values` from what was typed and the initial values.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date, time
from typing import Any

from playground.model.elements import Element, elements
from playground.model.refusals import NotPossibleError

TEXTS = frozenset({"plain_text_input", "email_text_input", "url_text_input", "number_input"})
ONE_OPTION = frozenset({"static_select", "external_select", "radio_buttons", "overflow"})
OPTIONS = frozenset({"multi_static_select", "multi_external_select", "checkboxes"})
PLAIN = {  # the payload field of each element whose value is one word
    "users_select": "selected_user",
    "conversations_select": "selected_conversation",
    "channels_select": "selected_channel",
    "datepicker": "selected_date",
    "timepicker": "selected_time",
    "datetimepicker": "selected_date_time",
    "rich_text_input": "rich_text_value",
}
PLAIN_LISTS = {  # and of each element whose value is a list of words
    "multi_users_select": "selected_users",
    "multi_conversations_select": "selected_conversations",
    "multi_channels_select": "selected_channels",
}
INITIAL = {  # the field of a definition that gives a payload field its first value
    "selected_option": "initial_option",
    "selected_options": "initial_options",
    "selected_user": "initial_user",
    "selected_users": "initial_users",
    "selected_conversation": "initial_conversation",
    "selected_conversations": "initial_conversations",
    "selected_channel": "initial_channel",
    "selected_channels": "initial_channels",
    "selected_date": "initial_date",
    "selected_time": "initial_time",
    "selected_date_time": "initial_date_time",
    "rich_text_value": "initial_value",
    "value": "initial_value",
}
State = Mapping[str, Mapping[str, Mapping[str, Any]]]


def field_of(kind: str) -> str | None:
    """None for elements without a value, such as buttons."""
    if kind in ONE_OPTION:
        return "selected_option"
    if kind in OPTIONS:
        return "selected_options"
    return "value" if kind in TEXTS else PLAIN.get(kind) or PLAIN_LISTS.get(kind)


def choose(element: Element, choice: Any) -> dict[str, Any]:
    """The one field that holds the chosen value, after the client has checked it."""
    name = field_of(element.type)
    if name is None:
        raise NotPossibleError(f"nothing can be chosen in {element.action_id!r}, which is a {element.type}")
    try:
        return {name: _value(element, choice)}
    except (TypeError, ValueError) as fault:  # such as a number for a list, or a word for a date
        raise NotPossibleError(f"{element.action_id!r} does not take {choice!r}") from fault


def _value(element: Element, choice: Any) -> Any:
    if element.type in ONE_OPTION:
        return None if choice is None else _option(element, choice)
    if element.type in OPTIONS:
        return _options(element, choice)
    if element.type in PLAIN_LISTS:
        return list(choice or ())
    if element.type in TEXTS:
        return None if choice is None else _text(element, str(choice))
    return _parse_choice(element, choice)


def _options(element: Element, choice: Any) -> list[Mapping[str, Any]]:
    limit = element.data.get("max_selected_items")
    options = [_option(element, item) for item in choice or ()]
    if limit is not None and len(options) > limit:
        raise NotPossibleError(f"{element.action_id!r} takes at most {limit} options")
    return options


def _option(element: Element, choice: Any) -> Mapping[str, Any]:
    offered = list(_all_options(element.data))
    for option in offered:
        if choice in (option.get("value"), option["text"]["text"]):
            return {name: option[name] for name in ("text", "value", "description") if name in option}
    if element.type.endswith("external_select"):
        # The app supplies its options while the person types, so the element does not list them.
        return {"text": {"type": "plain_text", "text": str(choice)}, "value": str(choice)}
    raise NotPossibleError(
        f"{element.action_id!r} offers {[option.get('value') for option in offered]}, not {choice!r}"
    )


def _all_options(data: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from data.get("options") or ()
    for group in data.get("option_groups") or ():
        yield from group["options"]


def _parse_choice(element: Element, choice: Any) -> Any:
    if element.type == "datepicker" and choice is not None:
        return date.fromisoformat(choice).isoformat()
    if element.type == "timepicker" and choice is not None:
        return time.fromisoformat(choice).strftime("%H:%M")
    return choice


def _text(element: Element, typed: str) -> str | None:
    if not typed:
        return None
    least, limit = element.data.get("min_length", 0), element.data.get("max_length", 3000)
    if not least <= len(typed) <= limit:
        raise NotPossibleError(f"{element.action_id!r} takes {least} to {limit} characters, not {len(typed)}")
    if "\n" in typed and not element.data.get("multiline"):
        raise NotPossibleError(f"{element.action_id!r} has one line")
    _require_format(element, typed)
    return typed


def _require_format(element: Element, typed: str) -> None:
    kind = element.type
    if kind == "number_input":
        _require_number(element, typed)
    if kind == "email_text_input" and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", typed):
        raise NotPossibleError(f"{element.action_id!r} takes an e-mail address, not {typed!r}")
    if kind == "url_text_input" and not re.match(r"https?://\S+$", typed):
        raise NotPossibleError(f"{element.action_id!r} takes an address, not {typed!r}")


def _require_number(element: Element, typed: str) -> None:
    is_integer = not element.data.get("is_decimal_allowed")
    if not re.fullmatch(r"-?\d+" if is_integer else r"-?\d+(\.\d+)?", typed):
        raise NotPossibleError(f"{element.action_id!r} takes a number, not {typed!r}")
    least, limit = element.data.get("min_value", "-inf"), element.data.get("max_value", "inf")
    if not float(least) <= float(typed) <= float(limit):
        raise NotPossibleError(f"{element.action_id!r} takes {least} to {limit}, not {typed}")


def state_of(blocks: Any, typed: State) -> dict[str, dict[str, Any]]:
    """`state.values`: for every element with a value, the typed value or else its initial one."""
    values: dict[str, dict[str, Any]] = {}
    for element in elements(blocks):
        name = field_of(element.type)
        if name and element.type != "overflow":  # Slack leaves it out: a choice there is a click and is not kept
            values.setdefault(element.block_id, {})[element.action_id] = _current_value(element, name, typed)
    return values


def _current_value(element: Element, name: str, typed: State) -> Mapping[str, Any]:
    value = typed.get(element.block_id, {}).get(element.action_id)
    if value is not None and value["type"] == element.type:
        return value
    nothing: Any = [] if name.endswith("s") else None
    return {"type": element.type, name: element.data.get(INITIAL[name], nothing)}


def missing_values(blocks: Any, values: State) -> list[str]:
    """Action ids of required elements that are empty."""
    return [
        element.action_id
        for element in elements(blocks)
        if element.required and not values[element.block_id][element.action_id][field_of(element.type) or ""]
    ]
