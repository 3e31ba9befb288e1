"""Validates messages and views against Block Kit: what Slack would refuse, and with which error.

The tables in the neighbouring modules say what is allowed; here they are applied to whole messages and views. The
validator is stricter than Slack's own models and never raises: whatever it is given, it returns faults.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from blocks.kit import limits
from playground.blockkit.blocks import BLOCK
from playground.blockkit.checks import any_object, anything, flag, items, kinds, shape, text
from playground.blockkit.combined import check_any_blocks, check_message_blocks, check_valid_blocks
from playground.blockkit.fault import NO_FAULTS, Fault, Faults, refusal, under, with_code
from playground.blockkit.objects import plain
from playground.blockkit.places import Surface, blocks_in

__all__ = ["Fault", "Surface", "validate", "validate_message", "validate_view"]

MESSAGE_COUNT = items(anything, limits.MESSAGE_BLOCKS, least=0)
VIEW_COUNT = items(anything, limits.VIEW_BLOCKS)


def validate(blocks: object, surface: Surface = Surface.MESSAGE) -> tuple[Fault, ...]:
    """The faults of a list of blocks. Pointers begin with /blocks."""
    if surface is Surface.MESSAGE:
        return _blocks(blocks, surface)
    # Methods of views use another error code.
    return with_code("invalid_arguments", _blocks(blocks, surface))


def _blocks(blocks: object, surface: Surface) -> Faults:
    in_message = surface is Surface.MESSAGE
    faults_of_count = under("blocks", (MESSAGE_COUNT if in_message else VIEW_COUNT)(blocks))
    if not isinstance(blocks, (list, tuple)):
        return faults_of_count
    checked = blocks[: limits.MESSAGE_BLOCKS if in_message else limits.VIEW_BLOCKS]
    faults_of_blocks = [under(index, BLOCK(block)) for index, block in enumerate(checked)]
    valid = [block for block, faults in zip(checked, faults_of_blocks, strict=True) if not faults]
    return (
        *faults_of_count,
        *under("blocks", tuple(fault for faults in faults_of_blocks for fault in faults)),
        *check_any_blocks(checked, surface),
        *(check_message_blocks(checked) if in_message else NO_FAULTS),
        *check_valid_blocks(valid, surface),
    )


def validate_message(message: Mapping[str, object], *, update: bool = False) -> tuple[Fault, ...]:
    """The faults of the arguments of chat.postMessage or, with `update`, of chat.update.

    Other arguments are ignored, as Slack does.
    """
    return (
        *_not_empty(message),
        *_text(message.get("text"), update=update),
        *(validate(message["blocks"]) if message.get("blocks") is not None else NO_FAULTS),
        *_metadata(message.get("metadata"), update=update),
        *_attachments(message.get("attachments")),
    )


def _not_empty(message: Mapping[str, object]) -> Faults:
    has_content = any(message.get(key) for key in ("text", "blocks", "attachments"))
    return NO_FAULTS if has_content else refusal("must have text, blocks or attachments", code="no_text")


def _text(value: object, *, update: bool) -> Faults:
    """Slack cuts a post that is too long, but refuses such an update."""
    if value is None:
        return NO_FAULTS
    if not isinstance(value, str):
        return refusal("must be a string", "/text", "invalid_arguments")
    too_long = update and len(value) > limits.UPDATE_TEXT
    message = f"must be a string of at most {limits.UPDATE_TEXT:,} characters in an update"
    return refusal(message, "/text", "msg_too_long") if too_long else NO_FAULTS


METADATA = shape(None, {"event_type": text(), "event_payload": any_object}, {"entities": anything})


def _metadata(value: object, *, update: bool) -> Faults:
    if value is None or (update and value == {}):  # an empty object removes the metadata
        return NO_FAULTS
    if faults := METADATA(value):
        return with_code("invalid_metadata_format", under("metadata", faults))
    document = _json(value)
    if document is None:
        return refusal("must be JSON", "/metadata", "invalid_metadata_format")
    message = f"must be at most {limits.METADATA_JSON:,} characters of JSON"
    return refusal(message, "/metadata", "metadata_too_large") if len(document) > limits.METADATA_JSON else NO_FAULTS


def _json(value: object) -> str | None:
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError):  # not JSON, circular or infinite, or nested too deeply
        return None


def _attachments(value: object) -> Faults:
    if value is None:
        return NO_FAULTS
    if not isinstance(value, (list, tuple)):
        return refusal("must be an array", "/attachments", "invalid_attachments")
    if len(value) > limits.MESSAGE_ATTACHMENTS:
        message = f"must be an array of at most {limits.MESSAGE_ATTACHMENTS} items"
        return refusal(message, "/attachments", "too_many_attachments")
    faults = tuple(fault for index, item in enumerate(value) for fault in under(index, _attachment(item)))
    return with_code("invalid_attachments", under("attachments", faults))


def _attachment(value: object) -> Faults:
    if not isinstance(value, dict):
        return refusal("must be an object")
    return validate(value["blocks"]) if "blocks" in value else NO_FAULTS


SHARED = {
    "private_metadata": text(limits.PRIVATE_METADATA, least=0),
    "callback_id": text(limits.CALLBACK_ID, least=0),
    "external_id": text(limits.EXTERNAL_ID, least=0),
}
LABEL = plain(limits.VIEW_LABEL)
VIEW = kinds(
    {
        "modal": shape(
            "modal",
            {"title": LABEL, "blocks": anything},
            {
                "submit": LABEL,
                "close": LABEL,
                "clear_on_close": flag,
                "notify_on_close": flag,
                "submit_disabled": flag,
                **SHARED,
            },
        ),
        "home": shape("home", {"blocks": anything}, SHARED),
    }
)


def validate_view(view: object) -> tuple[Fault, ...]:
    """The faults of a modal or Home view, as given to views.open, views.update and views.publish."""
    faults = VIEW(view)
    if not isinstance(view, dict) or view.get("type") not in ("modal", "home"):
        return with_code("invalid_arguments", faults)
    inside = validate(view["blocks"], Surface(view["type"])) if "blocks" in view else NO_FAULTS
    return (*with_code("invalid_arguments", (*faults, *_submit(view))), *inside, *_size(view))


def _submit(view: dict[str, Any]) -> Faults:
    blocks = view.get("blocks")
    placed = blocks_in(blocks) if isinstance(blocks, (list, tuple)) else ()
    has_input = any(block.get("type") == "input" for _, block in placed)
    if view["type"] == "modal" and has_input and "submit" not in view:
        return refusal("must have the key submit, because it has an input block")
    return NO_FAULTS


def _size(view: dict[str, Any]) -> Faults:
    document = _json(view)
    if document is None:
        return refusal("must be JSON", code="invalid_arguments")
    size, limit = len(document.encode(errors="surrogatepass")), limits.VIEW_JSON_BYTES
    return refusal(f"must be at most {limit:,} bytes of JSON", code="view_too_large") if size > limit else NO_FAULTS
