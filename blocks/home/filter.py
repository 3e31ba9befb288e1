"""The filter of App Home: its form, what it holds now, and how it is cleared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from blocks.kit.elements import Block, Element, button, input_block, option, plain, statement
from blocks.kit.ids import ActionId, Field, FormId
from blocks.kit.limits import OPTION_TEXT
from blocks.words.views import View, modal
from rules.scales import RiskLevel
from rules.search import EVERYTHING, LONGEST, Search


def filter_form(search: Search) -> View:
    fields = [
        _text(Field.AGENT, "Agent", search.agent, "A part of its name is enough."),
        _text(Field.ACTION_TYPE, "Action type", search.action_type, "Part of the type is enough, such as refund."),
        input_block(Field.RISK, "Risk", _risks(search.risk), optional=True),
        _text(
            Field.WORDS,
            "Words",
            " ".join(search.words),
            "Each must be in the agent, type, title or subject.",
        ),
    ]
    return modal(FormId.FILTER, "Filter", fields, submit="Filter")


def _text(field: Field, label: str, initial: str, hint: str) -> Block:
    element: Element = {"type": "plain_text_input", "max_length": LONGEST}
    return input_block(
        field, label, element | ({"initial_value": initial} if initial else {}), hint=hint, optional=True
    )


def _risks(chosen: RiskLevel | None) -> Element:
    options = {risk: option(risk.value.capitalize(), risk) for risk in RiskLevel}
    element = {"type": "static_select", "placeholder": plain("Any", OPTION_TEXT), "options": list(options.values())}
    return element | ({"initial_option": options[chosen]} if chosen else {})


def search_of_form(values: Mapping[Field, Any]) -> Search:
    """Raises `ValueError` for values that the form does not offer."""
    return Search(
        agent=str(values.get(Field.AGENT, "")),
        action_type=str(values.get(Field.ACTION_TYPE, "")),
        risk=values.get(Field.RISK),
        words=tuple(str(values.get(Field.WORDS, "")).split()),
    )


def filter_button() -> Element:
    return button("Filter", ActionId.HOME_FILTER, ActionId.HOME_FILTER, accessible_label="Filter what waits for you")


def filter_line(search: Search) -> tuple[Block, ...]:
    """What the list is filtered by, and the button that clears it."""
    if search == EVERYTHING:
        return ()
    clear = button("Clear", ActionId.HOME_CLEAR, ActionId.HOME_CLEAR, accessible_label="Clear the filter")
    return (statement(f"Filter: {search.describe()}", accessory=clear),)
