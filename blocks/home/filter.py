"""The filter of App Home: its form, what it holds now, how it is cleared, and where it is kept.

Slack keeps it in the metadata of Home and of every modal that is opened from Home, after the modal's own.
So any process can draw Home again after a decision.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from blocks.kit.elements import Block, Element, button, input_block, option, plain, statement
from blocks.kit.ids import ActionId, Field, FormId
from blocks.kit.limits import OPTION_TEXT
from blocks.words.views import View, modal
from rules.scales import RiskLevel
from rules.search import EVERYTHING, MAX_LENGTH, Search

_THEN = "|"  # between a view's own metadata and the filter; the former never contains it


def own_metadata(view: Mapping[str, Any] | None) -> str:
    """The metadata of a view without the filter."""
    return _metadata(view).partition(_THEN)[0]


def filter_of(view: Mapping[str, Any] | None) -> Search:
    """The filter that a view carries; EVERYTHING if it carries none, or one that is not exactly ours."""
    try:
        return Search.model_validate_json(_metadata(view).partition(_THEN)[2] or "{}")
    except ValueError:
        return EVERYTHING


def with_filter(view: View, search: Search) -> View:
    if search == EVERYTHING:
        return view
    return view | {"private_metadata": f"{own_metadata(view)}{_THEN}{search.model_dump_json(exclude_defaults=True)}"}


def _metadata(view: Mapping[str, Any] | None) -> str:
    return str((view or {}).get("private_metadata") or "")


def filter_form(search: Search) -> View:
    fields = [
        _text(Field.AGENT, "Agent", search.agent, "Part of the name is enough."),
        _text(Field.ACTION_TYPE, "Action type", search.action_type, "Part of the type is enough, such as refund."),
        input_block(Field.RISK, "Risk", _risks(search.risk), optional=True),
        _text(
            Field.WORDS,
            "Words",
            " ".join(search.words),
            "Each must be in the agent, type, title or subject. High, for example, means the risk.",
        ),
    ]
    return modal(FormId.FILTER, "Filter", fields, submit="Filter")


def _text(field: Field, label: str, initial: str, hint: str) -> Block:
    element: Element = {"type": "plain_text_input", "max_length": MAX_LENGTH}
    return input_block(
        field, label, element | ({"initial_value": initial} if initial else {}), hint=hint, optional=True
    )


def _risks(chosen: RiskLevel | None) -> Element:
    options = {risk: option(risk.value.capitalize(), risk) for risk in RiskLevel}
    element = {"type": "static_select", "placeholder": plain("Any", OPTION_TEXT), "options": list(options.values())}
    return element | ({"initial_option": options[chosen]} if chosen else {})


def search_of_form(values: Mapping[Field, Any]) -> Search:
    """Raises `ValueError` for values that the form does not offer."""
    names = {field.value: str(values.get(field, "")) for field in (Field.AGENT, Field.ACTION_TYPE)}
    return Search.of_words(str(values.get(Field.WORDS, "")).split(), risk=values.get(Field.RISK), **names)


def filter_button() -> Element:
    return button("Filter", ActionId.HOME_FILTER, ActionId.HOME_FILTER, accessible_label="Filter what waits for you")


def filter_line(search: Search) -> tuple[Block, ...]:
    """What the list is filtered by, and the button that clears it."""
    if search == EVERYTHING:
        return ()
    clear = button("Clear", ActionId.HOME_CLEAR, ActionId.HOME_CLEAR, accessible_label="Clear the filter")
    return (statement(f"Filter: {search.describe()}", accessory=clear),)
