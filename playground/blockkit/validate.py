"""One validator of Block Kit: what Slack would refuse, and with which error.

It is strict where Slack's own models are not, and it never raises: whatever is given, what is wrong comes back as
faults. The tables in the files beside this one say what is allowed; here they meet in a message and in a view.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from blocks.kit import limits
from playground.blockkit.blocks import BLOCK
from playground.blockkit.checks import any_object, anything, flag, items, kinds, shape, text
from playground.blockkit.fault import SOUND, Fault, Faults, coded, refusal, under
from playground.blockkit.objects import plain
from playground.blockkit.places import Surface, blocks_in
from playground.blockkit.whole import in_a_message, in_any_list, in_sound_blocks

__all__ = ["Fault", "Surface", "validate", "validate_message", "validate_view"]

MESSAGE_COUNT = items(anything, limits.MESSAGE_BLOCKS, least=0)
VIEW_COUNT = items(anything, limits.VIEW_BLOCKS)


def validate(blocks: object, surface: Surface = Surface.MESSAGE) -> tuple[Fault, ...]:
    """The faults of a list of blocks; pointers begin with /blocks."""
    if surface is Surface.MESSAGE:
        return _blocks(blocks, surface)
    # The methods of views have another word for the same.
    return coded("invalid_arguments", _blocks(blocks, surface))


def _blocks(blocks: object, surface: Surface) -> Faults:
    in_message = surface is Surface.MESSAGE
    counted = under("blocks", (MESSAGE_COUNT if in_message else VIEW_COUNT)(blocks))
    if not isinstance(blocks, (list, tuple)):
        return counted
    looked_at = blocks[: limits.MESSAGE_BLOCKS if in_message else limits.VIEW_BLOCKS]
    found = [under(index, BLOCK(block)) for index, block in enumerate(looked_at)]
    sound = [block for block, faults in zip(looked_at, found, strict=True) if not faults]
    return (
        *counted,
        *under("blocks", tuple(fault for faults in found for fault in faults)),
        *in_any_list(looked_at, surface),
        *(in_a_message(looked_at) if in_message else SOUND),
        *in_sound_blocks(sound, surface),
    )


def validate_message(message: Mapping[str, object], *, update: bool = False) -> tuple[Fault, ...]:
    """The faults of what is given to chat.postMessage or, with `update`, to chat.update.

    Other arguments are passed over, as Slack does.
    """
    return (
        *_something_to_say(message),
        *_text(message.get("text"), update=update),
        *(validate(message["blocks"]) if message.get("blocks") is not None else SOUND),
        *_metadata(message.get("metadata"), update=update),
        *_attachments(message.get("attachments")),
    )


def _something_to_say(message: Mapping[str, object]) -> Faults:
    said = any(message.get(key) for key in ("text", "blocks", "attachments"))
    return SOUND if said else refusal("must have text, blocks or attachments", code="no_text")


def _text(value: object, *, update: bool) -> Faults:
    """A post that is too long is cut by Slack, and no fault; an update is refused."""
    if value is None:
        return SOUND
    if not isinstance(value, str):
        return refusal("must be a string", "/text", "invalid_arguments")
    too_long = update and len(value) > limits.UPDATE_TEXT
    message = f"must be a string of at most {limits.UPDATE_TEXT:,} characters in an update"
    return refusal(message, "/text", "msg_too_long") if too_long else SOUND


METADATA = shape(None, {"event_type": text(), "event_payload": any_object}, {"entities": anything})


def _metadata(value: object, *, update: bool) -> Faults:
    if value is None or (update and value == {}):  # an empty object takes the metadata away
        return SOUND
    if faults := METADATA(value):
        return coded("invalid_metadata_format", under("metadata", faults))
    written = _json(value)
    if written is None:
        return refusal("must be JSON", "/metadata", "invalid_metadata_format")
    message = f"must be at most {limits.METADATA_JSON:,} characters of JSON"
    return refusal(message, "/metadata", "metadata_too_large") if len(written) > limits.METADATA_JSON else SOUND


def _json(value: object) -> str | None:
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError):  # no JSON, a circle or a number without end, too deep
        return None


def _attachments(value: object) -> Faults:
    if value is None:
        return SOUND
    if not isinstance(value, (list, tuple)):
        return refusal("must be an array", "/attachments", "invalid_attachments")
    if len(value) > limits.MESSAGE_ATTACHMENTS:
        message = f"must be an array of at most {limits.MESSAGE_ATTACHMENTS} items"
        return refusal(message, "/attachments", "too_many_attachments")
    found = tuple(fault for index, item in enumerate(value) for fault in under(index, _attachment(item)))
    return coded("invalid_attachments", under("attachments", found))


def _attachment(value: object) -> Faults:
    if not isinstance(value, dict):
        return refusal("must be an object")
    return validate(value["blocks"]) if "blocks" in value else SOUND


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
    """The faults of a modal or of a home, as views.open, views.update and views.publish are given them."""
    faults = VIEW(view)
    if not isinstance(view, dict) or view.get("type") not in ("modal", "home"):
        return coded("invalid_arguments", faults)
    inside = validate(view["blocks"], Surface(view["type"])) if "blocks" in view else SOUND
    return (*coded("invalid_arguments", (*faults, *_submit(view))), *inside, *_size(view))


def _submit(view: dict[str, Any]) -> Faults:
    blocks = view.get("blocks")
    listed = blocks_in(blocks) if isinstance(blocks, (list, tuple)) else ()
    asks = view["type"] == "modal" and any(block.get("type") == "input" for _, block in listed)
    return (
        refusal("must have the key submit, because it has an input block") if asks and "submit" not in view else SOUND
    )


def _size(view: dict[str, Any]) -> Faults:
    written = _json(view)
    if written is None:
        return refusal("must be JSON", code="invalid_arguments")
    size, most = len(written.encode(errors="surrogatepass")), limits.VIEW_JSON_BYTES
    return refusal(f"must be at most {most:,} bytes of JSON", code="view_too_large") if size > most else SOUND
