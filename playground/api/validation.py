"""Turns faults of the Block Kit validator into Slack's error answers."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from playground.blockkit.validate import Fault, validate_message, validate_view
from playground.model.refusals import RefusedError


def check_message(message: Mapping[str, Any], *, update: bool = False, ignored_errors: Collection[str] = ()) -> None:
    """`ignored_errors` do not apply to this method: a response_url accepts more than chat.postMessage."""
    _refuse(tuple(fault for fault in validate_message(message, update=update) if fault.code not in ignored_errors))


def check_view(view: Any) -> None:
    _refuse(validate_view(view), "/view")


def _refuse(faults: tuple[Fault, ...], at: str = "") -> None:
    if faults:
        code = faults[0].code
        messages = [f"[ERROR] {fault.message} [json-pointer:{at}{fault.pointer}]" for fault in faults]
        raise RefusedError(code, errors=messages, response_metadata={"messages": messages})
