"""`blocks.validate`: Slack's validator as a method. It is public, so it needs no token."""

from __future__ import annotations

from typing import Any

from playground.api.api_call import Answer, ApiCall, Method
from playground.blockkit.validate import Fault, validate_message, validate_view
from playground.model.refusals import invalid_arguments


def blocks_validate(call: ApiCall) -> Answer:
    """Faults of a payload are an answer, not a refusal. One of `blocks`, `message` and `view` is required."""
    names = [name for name in ("blocks", "message", "view") if name in call.arguments]
    if len(names) != 1:
        raise invalid_arguments("one of blocks, message and view is required")
    payload = call.parse(names[0])
    content = {"blocks": payload} if names == ["blocks"] else payload
    if not isinstance(content, dict):
        raise invalid_arguments("a message and a view are objects")
    faults = validate_view(content) if names == ["view"] else validate_message(content)
    return {"errors": [_error(fault) for fault in (*faults, *_unknown_types(call, content.get("blocks")))]}


def _unknown_types(call: ApiCall, blocks: Any) -> list[Fault]:
    """Blocks of a type that this Slack has been told not to know."""
    unknown = call.slack.faults.unknown_blocks
    types = [block.get("type") if isinstance(block, dict) else None for block in blocks or ()]
    return [
        Fault("invalid_blocks", f"/blocks/{at}", "unknown type") for at, kind in enumerate(types) if kind in unknown
    ]


def _error(fault: Fault) -> dict[str, str]:
    return {"code": fault.code, "message": fault.message, "pointer": fault.pointer}


METHODS = {"blocks.validate": Method(blocks_validate, "special", public=True)}
