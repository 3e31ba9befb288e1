"""What of Block Kit Slack would refuse, asked of the one validator that the service uses too."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from playground.blockkit.validate import Fault, validate_message, validate_view
from playground.model.refusals import RefusedError


def check_message(message: Mapping[str, Any], *, update: bool = False, spared: Collection[str] = ()) -> None:
    """`spared` are errors that this way of posting does not know: a response_url takes more blocks than a post."""
    _refuse(tuple(each for each in validate_message(message, update=update) if each.code not in spared))


def check_view(view: Any) -> None:
    _refuse(validate_view(view), "/view")


def _refuse(faults: tuple[Fault, ...], at: str = "") -> None:
    if faults:
        code = faults[0].code
        messages = [f"[ERROR] {each.message} [json-pointer:{at}{each.pointer}]" for each in faults]
        raise RefusedError(code, errors=messages, response_metadata={"messages": messages})
