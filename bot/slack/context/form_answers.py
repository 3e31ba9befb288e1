"""What Slack does with a submitted form: close it, replace it, or show errors beside its fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from blocks.forms.forms import notice_modal

Answer = dict[str, Any]  # Slack's `response_action`; an empty answer closes the top view

CLOSED: Answer = {"response_action": "clear"}


def view_answer(view: Mapping[str, Any]) -> Answer:
    """Replace the form."""
    return {"response_action": "update", "view": view}


def notice_answer(sentence: str) -> Answer:
    """Replace the form with a notice: what it asks for is not possible."""
    return view_answer(notice_modal("Not possible", sentence))


def errors_answer(errors: Mapping[str, str]) -> Answer:
    """Keep the form open, with a sentence beside each of these inputs, which are named by their block ids."""
    return {"response_action": "errors", "errors": errors}


def field_error(view: Mapping[str, Any], field: str, sentence: str) -> Answer:
    """An error beside this field, or beside the first input. Without any input, a notice instead of the form."""
    inputs = [block["block_id"] for block in view["blocks"] if block["type"] == "input"]
    if not inputs:
        return notice_answer(sentence)
    place = next((block_id for block_id in inputs if block_id.split(".")[0] == field), inputs[0])
    return errors_answer({place: sentence})
