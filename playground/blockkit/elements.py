"""What each Block Kit element may hold, and which elements each block allows.

One check for each element type: `needs` are the required keys, `takes` the optional ones, and any other key is a
fault. `IN_SECTION`, `IN_ACTIONS`, `IN_INPUT` and so on collect them for the blocks of `blocks`. All limits are those of
`blocks.kit.limits`.
"""

from __future__ import annotations

from typing import Any

from blocks.kit import limits
from playground.blockkit.checks import choice, exactly_one, flag, integer, items, ordered, pattern, shape, text
from playground.blockkit.fault import NO_FAULTS, Check, Faults, refusal
from playground.blockkit.objects import (
    CONFIRM,
    CONVERSATIONS,
    DISPATCH,
    IMAGE,
    LINKED_OPTION,
    MARKED_OPTION,
    OPTION_GROUPS,
    OPTIONS,
    PLAIN_OPTION,
    check_initial_option,
    plain,
)
from playground.blockkit.rich_text import RICH_TEXT

FOCUS = {"focus_on_load": flag}
CONFIRMED = {"confirm": CONFIRM}
PLACEHOLDER = {"placeholder": plain(limits.PLACEHOLDER)}
PICKED = {**FOCUS, **CONFIRMED, **PLACEHOLDER}
TYPED = {**FOCUS, **PLACEHOLDER, "dispatch_action_config": DISPATCH}
MANY = {"max_selected_items": integer(1, 1_000_000)}
RESPONSE = {"response_url_enabled": flag}
LISTED = {"options": OPTIONS, "option_groups": OPTION_GROUPS}
FROM_LIST = exactly_one("options", "option_groups")
FILTERED = {"filter": CONVERSATIONS, "default_to_current_conversation": flag}
FEEDBACK = shape(
    None,
    {"text": plain(limits.BUTTON_TEXT), "value": text(limits.BUTTON_VALUE)},
    {"accessibility_label": text(limits.ACCESSIBILITY_LABEL)},
)
DECIMAL = pattern(r"-?[0-9]+(\.[0-9]+)?", "that is a number, such as -10 or 0.25")


def element(kind: str, needs: dict[str, Check], takes: dict[str, Check], *rules: Check) -> dict[str, Check]:
    return {kind: shape(kind, needs, {"action_id": text(limits.ACTION_ID), **takes}, *rules)}


def _ids(key: str) -> dict[str, Check]:
    return {key: items(text(), limits.SELECT_OPTIONS)}


def _check_initial_length(element: dict[str, Any]) -> Faults:
    limit = element.get("max_length", limits.INPUT_TEXT)
    is_short_enough = len(element.get("initial_value", "")) <= limit
    return NO_FAULTS if is_short_enough else refusal("must not be longer than max_length", "/initial_value")


BUTTON = element(
    "button",
    {"text": plain(limits.BUTTON_TEXT)},
    {
        "value": text(limits.BUTTON_VALUE),
        "url": text(limits.URL),
        "style": choice("primary", "danger"),
        "accessibility_label": text(limits.ACCESSIBILITY_LABEL),
        "agent_prompt": text(limits.BUTTON_PROMPT),
        **CONFIRMED,
    },
)
OVERFLOW = element("overflow", {"options": items(LINKED_OPTION, limits.OVERFLOW_OPTIONS)}, CONFIRMED)
CHECKBOXES = element(
    "checkboxes",
    {"options": items(MARKED_OPTION, limits.CHECK_OPTIONS)},
    {"initial_options": items(MARKED_OPTION, limits.CHECK_OPTIONS), **FOCUS, **CONFIRMED},
    check_initial_option,
)
RADIO_BUTTONS = element(
    "radio_buttons",
    {"options": items(MARKED_OPTION, limits.CHECK_OPTIONS)},
    {"initial_option": MARKED_OPTION, **FOCUS, **CONFIRMED},
    check_initial_option,
)
DATEPICKER = element(
    "datepicker",
    {},
    {"initial_date": pattern("[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])", "written YYYY-MM-DD"), **PICKED},
)
TIMEPICKER = element(
    "timepicker",
    {},
    {"initial_time": pattern("([01][0-9]|2[0-3]):[0-5][0-9]", "written HH:mm"), "timezone": text(), **PICKED},
)
DATETIMEPICKER = element(
    "datetimepicker", {}, {"initial_date_time": integer(1_000_000_000, 9_999_999_999), **FOCUS, **CONFIRMED}
)

SELECTS = {
    **element(
        "static_select", {}, {**LISTED, "initial_option": PLAIN_OPTION, **PICKED}, FROM_LIST, check_initial_option
    ),
    **element("external_select", {}, {"initial_option": PLAIN_OPTION, "min_query_length": integer(0, 3_000), **PICKED}),
    **element("users_select", {}, {"initial_user": text(), **PICKED}),
    **element("conversations_select", {}, {"initial_conversation": text(), **FILTERED, **RESPONSE, **PICKED}),
    **element("channels_select", {}, {"initial_channel": text(), **RESPONSE, **PICKED}),
}
MULTI_SELECTS = {
    **element(
        "multi_static_select",
        {},
        {**LISTED, "initial_options": OPTIONS, **MANY, **PICKED},
        FROM_LIST,
        check_initial_option,
    ),
    **element(
        "multi_external_select",
        {},
        {"initial_options": OPTIONS, "min_query_length": integer(0, 3_000), **MANY, **PICKED},
    ),
    **element("multi_users_select", {}, {**_ids("initial_users"), **MANY, **PICKED}),
    **element("multi_conversations_select", {}, {**_ids("initial_conversations"), **FILTERED, **MANY, **PICKED}),
    **element("multi_channels_select", {}, {**_ids("initial_channels"), **MANY, **PICKED}),
}

TEXT_INPUTS = {
    **element(
        "plain_text_input",
        {},
        {
            "initial_value": text(limits.INPUT_TEXT, least=0),
            "multiline": flag,
            "min_length": integer(0, limits.INPUT_TEXT),
            "max_length": integer(1, limits.INPUT_TEXT),
            **TYPED,
        },
        ordered("min_length", "max_length"),
        _check_initial_length,
    ),
    **element(
        "number_input",
        {"is_decimal_allowed": flag},
        {"initial_value": DECIMAL, "min_value": DECIMAL, "max_value": DECIMAL, **TYPED},
        ordered("min_value", "max_value"),
    ),
    **element("email_text_input", {}, {"initial_value": text(), **TYPED}),
    **element("url_text_input", {}, {"initial_value": text(), **TYPED}),
}
RICH_TEXT_INPUT = element("rich_text_input", {}, {"initial_value": RICH_TEXT, **TYPED})
FILE_INPUT = element("file_input", {}, {"filetypes": items(text(), 1_000), "max_files": integer(1, limits.INPUT_FILES)})

FEEDBACK_BUTTONS = element("feedback_buttons", {"positive_button": FEEDBACK, "negative_button": FEEDBACK}, {})
ICON_BUTTON = element(
    "icon_button",
    {"icon": text(), "text": plain(limits.BUTTON_TEXT)},
    {
        "value": text(limits.BUTTON_VALUE),
        "accessibility_label": text(limits.ACCESSIBILITY_LABEL),
        "visible_to_user_ids": items(text(), limits.ICON_BUTTON_USERS),
        **CONFIRMED,
    },
)

CHOICES = {**CHECKBOXES, **RADIO_BUTTONS, **SELECTS, **MULTI_SELECTS, **DATEPICKER, **TIMEPICKER}
IN_ACTIONS = {**BUTTON, **OVERFLOW, **CHOICES, **DATETIMEPICKER, **RICH_TEXT_INPUT}
IN_SECTION = {**BUTTON, **OVERFLOW, **CHOICES, "image": IMAGE}
IN_INPUT = {**CHOICES, **DATETIMEPICKER, **TEXT_INPUTS, **RICH_TEXT_INPUT, **FILE_INPUT}
IN_CONTEXT_ACTIONS = {**FEEDBACK_BUTTONS, **ICON_BUTTON}
