"""Constructors for the Block Kit blocks and elements that we use.

A `Run` is a piece of rich text. Slack shows a plain string in it literally, whatever it contains.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from blocks.kit import limits
from blocks.kit.ids import ActionId, Field
from blocks.kit.text import clean, cut, in_utc, one_line
from rules.state.commands import Verb

Block = dict[str, Any]
Element = dict[str, Any]
Run = str | Element

_CONTEXT_TEXT = 300  # ours: about two lines of small print
_STATEMENT_TEXT = 600  # ours: a paragraph; longer text belongs in rich text


def plain(text: str, limit: int) -> Element:
    return {"type": "plain_text", "text": cut(one_line(text), limit) or "–", "emoji": False}


def markup(text: str) -> Element:
    """Slack's markup, only for text that the service wrote. `verbatim`: Slack adds no links and no mentions."""
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def header(text: str) -> Block:
    return {"type": "header", "text": plain(text, limits.HEADER)}


def section(text: str, accessory: Element | None = None) -> Block:
    return {"type": "section", "text": markup(text), "expand": True} | ({"accessory": accessory} if accessory else {})


def context(*texts: str) -> Block:
    return {"type": "context", "elements": [markup(text) for text in texts]}


def plain_context(*texts: str) -> Block:
    """A context block of literal text, which may contain names of people and agents. A long text is cut."""
    return {"type": "context", "elements": [plain(text, _CONTEXT_TEXT) for text in texts if text]}


def statement(text: str, accessory: Element | None = None) -> Block:
    """Literal text, which may contain names."""
    block = {"type": "section", "text": plain(text, _STATEMENT_TEXT), "expand": True}
    return block | ({"accessory": accessory} if accessory else {})


def divider() -> Block:
    return {"type": "divider"}


def actions(elements: Iterable[Element]) -> Block:
    return {"type": "actions", "elements": list(elements)}


def bold(text: str) -> Element:
    return {"type": "text", "text": text, "style": {"bold": True}}


def struck(text: str) -> Element:
    return {"type": "text", "text": text, "style": {"strike": True}}


def code(text: str) -> Element:
    return {"type": "text", "text": text, "style": {"code": True}}


def link(url: str, text: str) -> Element:
    """Only for addresses that the service made."""
    return {"type": "link", "url": url, "text": text}


def user(user_id: str) -> Element:
    return {"type": "user", "user_id": user_id}


def moment(at: datetime, *, ago: bool = False) -> Element:
    """A time in the reader's time zone, or how long ago it was."""
    form = "{ago}" if ago else "{date_short_pretty} at {time}"
    return {"type": "date", "timestamp": int(at.timestamp()), "format": form, "fallback": in_utc(at)}


def _runs(runs: Iterable[Run]) -> list[Element]:
    return [{"type": "text", "text": run} if isinstance(run, str) else run for run in runs if run]


def rich(*parts: Element) -> Block:
    return {"type": "rich_text", "elements": list(parts)}


def paragraph(*runs: Run) -> Element:
    """Text in a rich text block. Slack calls it a section, like the block of the same name."""
    return {"type": "rich_text_section", "elements": _runs(runs)}


def quote(*runs: Run) -> Element:
    """Words of others: Slack draws a bar beside each line."""
    return {"type": "rich_text_quote", "elements": _runs(runs)}


def bullets(items: Iterable[Iterable[Run]]) -> Element:
    return {"type": "rich_text_list", "style": "bullet", "elements": [paragraph(*runs) for runs in items]}


def preformatted(text: str) -> Element:
    return {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": text or " "}]}


def button(
    label: str,
    action: ActionId | Verb,
    value: str,
    *,
    accessible_label: str | None = None,
    style: str | None = None,
) -> Element:
    """`accessible_label` is for screen readers, because the label alone does not say which package it is about."""
    element = {"type": "button", "text": plain(label, limits.BUTTON_TEXT), "action_id": action.value, "value": value}
    element |= (
        {"accessibility_label": cut(one_line(accessible_label), limits.ACCESSIBILITY_LABEL)} if accessible_label else {}
    )
    return element | ({"style": style} if style else {})


def option(label: str, value: str, description: str | None = None) -> Element:
    element: Element = {"text": plain(label, limits.OPTION_TEXT), "value": value}
    return element | ({"description": plain(description, limits.OPTION_DESCRIPTION)} if description else {})


def menu(action: ActionId, options: Iterable[Element]) -> Element:
    return {"type": "overflow", "action_id": action.value, "options": list(options)}


def input_block(
    field: Field,
    label: str,
    element: Element,
    *,
    hint: str | None = None,
    optional: bool = False,
    number: int | None = None,
) -> Block:
    """An input of a form. Its block id and action id are both the field's name; `number` tells several inputs apart."""
    block_id = field.value if number is None else f"{field.value}.{number}"
    block = {"type": "input", "block_id": block_id, "label": plain(label, limits.INPUT_LABEL), "optional": optional}
    block["element"] = element | {"action_id": field.value}
    return block | ({"hint": plain(hint, limits.INPUT_HINT)} if hint else {})


def text_input(*, initial: str | None = None) -> Element:
    element: Element = {"type": "plain_text_input", "multiline": True, "max_length": limits.INPUT_TEXT}
    return element | ({"initial_value": clean(initial)} if initial else {})


def raw_text_input(initial: str | None, *, multiline: bool = True, limit: int = limits.INPUT_TEXT) -> Element:
    """An input for an exact text: what is in it is not cleaned."""
    element: Element = {"type": "plain_text_input", "multiline": multiline, "max_length": limit}
    return element | ({"initial_value": initial} if initial else {})


def number_input(initial: str | None, bounds: Element, *, decimal: bool) -> Element:
    """`bounds` are Slack's `min_value` and `max_value`, as text."""
    element: Element = {"type": "number_input", "is_decimal_allowed": decimal, **bounds}
    return element | ({"initial_value": initial} if initial else {})


def choice_of(kind: str, options: Iterable[Element], initial: Element | None = None) -> Element:
    """`kind` is Slack's type: `radio_buttons`, or `static_select` for a list to choose from."""
    return {"type": kind, "options": list(options)} | ({"initial_option": initial} if initial else {})
