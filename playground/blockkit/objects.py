"""The small objects inside blocks and elements: texts, options, confirmations, images.

Each is a check (`checks.Check`): it takes a value and returns its faults. The variants differ where Slack allows other
texts in the same object.
"""

from __future__ import annotations

from typing import Any

from blocks.kit import limits
from playground.blockkit.checks import choice, either, exactly_one, flag, items, kinds, shape, text
from playground.blockkit.fault import NO_FAULTS, Check, Faults, refusal


def plain(limit: int = limits.TEXT) -> Check:
    return shape("plain_text", {"text": text(limit)}, {"emoji": flag})


def mrkdwn(limit: int = limits.TEXT) -> Check:
    return shape("mrkdwn", {"text": text(limit)}, {"verbatim": flag})


def text_object(limit: int = limits.TEXT) -> Check:
    return kinds({"plain_text": plain(limit), "mrkdwn": mrkdwn(limit)})


def option(label: Check, description: Check, **more: Check) -> Check:
    return shape(None, {"text": label, "value": text(limits.OPTION_VALUE)}, {"description": description, **more})


PLAIN_OPTION = option(plain(limits.OPTION_TEXT), plain(limits.OPTION_DESCRIPTION))
MARKED_OPTION = option(text_object(limits.OPTION_TEXT), text_object(limits.OPTION_DESCRIPTION))
LINKED_OPTION = option(plain(limits.OPTION_TEXT), plain(limits.OPTION_DESCRIPTION), url=text(limits.URL))

OPTIONS = items(PLAIN_OPTION, limits.SELECT_OPTIONS)
OPTION_GROUPS = items(
    shape(None, {"label": plain(limits.OPTION_GROUP_LABEL), "options": OPTIONS}), limits.SELECT_GROUPS
)

CONFIRM = shape(
    None,
    {
        "title": plain(limits.CONFIRM_TITLE),
        "text": plain(limits.CONFIRM_TEXT),
        "confirm": plain(limits.CONFIRM_LABEL),
        "deny": plain(limits.CONFIRM_LABEL),
    },
    {"style": choice("primary", "danger")},
)

DISPATCH = shape(None, {}, {"trigger_actions_on": items(choice("on_enter_pressed", "on_character_entered"), 2)})

CONVERSATIONS = shape(
    None,
    {},
    {
        "include": items(choice("im", "mpim", "private", "public"), 4),
        "exclude_external_shared_channels": flag,
        "exclude_bot_users": flag,
    },
    either("include", "exclude_external_shared_channels", "exclude_bot_users"),
)

ONE_SOURCE = exactly_one("image_url", "slack_file")
IMAGE_SOURCES = {
    "image_url": text(limits.URL),
    "slack_file": shape(None, {}, {"id": text(), "url": text(limits.URL)}, exactly_one("id", "url")),
}
IMAGE = shape("image", {"alt_text": text(limits.ALT_TEXT)}, IMAGE_SOURCES, ONE_SOURCE)


def _all_options(element: dict[str, Any]) -> list[Any]:
    groups = element.get("option_groups", ())
    return [*element.get("options", ()), *(option for group in groups for option in group["options"])]


def check_initial_option(element: dict[str, Any]) -> Faults:
    """Initial options must equal one of the options, in every key."""
    offered = _all_options(element)
    if "initial_option" in element and element["initial_option"] not in offered:
        return refusal("must be one of the options", "/initial_option")
    if any(option not in offered for option in element.get("initial_options", ())):
        return refusal("must be one of the options", "/initial_options")
    return NO_FAULTS
