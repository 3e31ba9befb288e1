"""What each Block Kit block may hold. Any other block type is refused.

`block` builds the check of one type from its required and optional fields; `checks` has the parts. Only what Slack
documents is allowed, so a test finds a typo that Slack would refuse. `validate` uses these tables.
"""

from __future__ import annotations

from typing import Any

from blocks.kit import limits
from playground.blockkit.checks import choice, either, flag, items, kinds, shape, text
from playground.blockkit.data import DATA_TABLE, DATA_VISUALIZATION, TABLE
from playground.blockkit.elements import BUTTON, IN_ACTIONS, IN_CONTEXT_ACTIONS, IN_INPUT, IN_SECTION
from playground.blockkit.fault import NO_FAULTS, Check, Faults, refusal
from playground.blockkit.objects import IMAGE, IMAGE_SOURCES, ONE_SOURCE, mrkdwn, plain, text_object
from playground.blockkit.rich_text import RICH_TEXT


def block(kind: str, needs: dict[str, Check], takes: dict[str, Check] | None = None, *rules: Check) -> dict[str, Check]:
    return {kind: shape(kind, needs, {"block_id": text(limits.BLOCK_ID), **(takes or {})}, *rules)}


def _folding(container: dict[str, Any]) -> Faults:
    foldable = container.get("is_collapsible", False)
    if container.get("default_collapsed", False) and not foldable:
        return refusal("may be true only if is_collapsible is", "/default_collapsed")
    if container.get("has_header_divider", False) and foldable:
        return refusal("may be true only if is_collapsible is not", "/has_header_divider")
    return NO_FAULTS


IN_CONTEXT = {"image": IMAGE, "plain_text": plain(), "mrkdwn": mrkdwn()}

# Allowed inside a container as well as at the top level.
CHILDREN = {
    **block("header", {"text": plain(limits.HEADER)}),
    **block(
        "section",
        {},
        {
            "text": text_object(limits.SECTION_TEXT),
            "fields": items(text_object(limits.SECTION_FIELD), limits.SECTION_FIELDS),
            "accessory": kinds(IN_SECTION),
            "expand": flag,
        },
        either("text", "fields"),
    ),
    **block("context", {"elements": items(kinds(IN_CONTEXT), limits.CONTEXT_ELEMENTS)}),
    **block("actions", {"elements": items(kinds(IN_ACTIONS), limits.ACTIONS_ELEMENTS)}),
    **block("divider", {}),
    **block(
        "input",
        {"label": plain(limits.INPUT_LABEL), "element": kinds(IN_INPUT)},
        {"hint": plain(limits.INPUT_HINT), "optional": flag, "dispatch_action": flag},
    ),
    **block(
        "image",
        {"alt_text": text(limits.ALT_TEXT)},
        {"title": plain(limits.IMAGE_TITLE), **IMAGE_SOURCES},
        ONE_SOURCE,
    ),
    **block(
        "video",
        {
            "video_url": text(limits.URL),
            "thumbnail_url": text(limits.URL),
            "alt_text": text(limits.ALT_TEXT),
            "title": plain(limits.VIDEO_TITLE),
        },
        {
            "title_url": text(limits.URL),
            "author_name": text(limits.VIDEO_AUTHOR),
            "provider_name": text(),
            "provider_icon_url": text(limits.URL),
            "description": plain(limits.VIDEO_DESCRIPTION),
        },
    ),
    **block("file", {"external_id": text(limits.EXTERNAL_ID), "source": choice("remote")}),
    "rich_text": RICH_TEXT,
    "table": TABLE,
}

CONTAINER = block(
    "container",
    {"child_blocks": items(kinds(CHILDREN), limits.CONTAINER_BLOCKS)},
    {
        "title": plain(limits.CONTAINER_TITLE),
        "rich_text_title": RICH_TEXT,
        "subtitle": text_object(limits.CONTAINER_SUBTITLE),
        "icon": IMAGE,
        "width": choice("narrow", "standard", "wide", "full"),
        "is_collapsible": flag,
        "default_collapsed": flag,
        "has_header_divider": flag,
    },
    either("title", "rich_text_title"),
    _folding,
)
CARD = block(
    "card",
    {},
    {
        "hero_image": IMAGE,
        "icon": IMAGE,
        "title": text_object(limits.CARD_TITLE),
        "subtitle": text_object(limits.CARD_SUBTITLE),
        "body": text_object(limits.CARD_BODY),
        "actions": items(kinds(BUTTON), limits.CARD_ACTIONS),
    },
    either("hero_image", "title", "actions", "body"),
)

BLOCK = kinds(
    {
        **CHILDREN,
        **CONTAINER,
        **CARD,
        **block(
            "alert",
            {"text": text_object(limits.ALERT)},
            {"level": choice("default", "info", "warning", "error", "success")},
        ),
        **block("markdown", {"text": text(limits.MARKDOWN)}),
        **block("context_actions", {"elements": items(kinds(IN_CONTEXT_ACTIONS), limits.CONTEXT_ACTIONS_ELEMENTS)}),
        "data_table": DATA_TABLE,
        "data_visualization": DATA_VISUALIZATION,
    }
)
