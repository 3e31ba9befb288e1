"""Rich text: sections, lists, quotes and preformatted text, and their contents."""

from __future__ import annotations

from blocks.kit import limits
from playground.blockkit.checks import ANY_LENGTH, choice, flag, integer, items, kinds, pattern, shape, text
from playground.blockkit.fault import Check

STYLE = shape(None, {}, dict.fromkeys(("bold", "italic", "strike", "code", "underline"), flag))
MENTION_STYLE = shape(
    None, {}, dict.fromkeys(("bold", "italic", "strike", "code", "highlight", "client_highlight", "unlink"), flag)
)


def inline(kind: str, needs: dict[str, Check], takes: dict[str, Check] | None = None, style: Check = STYLE) -> Check:
    return shape(kind, needs, {**(takes or {}), "style": style})


TEXT = inline("text", {"text": text()})
LINK = inline("link", {"url": text(limits.URL)}, {"text": text(), "unsafe": flag})
INLINE = {
    "text": TEXT,
    "link": LINK,
    "user": inline("user", {"user_id": text()}, style=MENTION_STYLE),
    "usergroup": inline("usergroup", {"usergroup_id": text()}, style=MENTION_STYLE),
    "team": inline("team", {"team_id": text()}, style=MENTION_STYLE),
    "channel": inline("channel", {"channel_id": text()}, style=MENTION_STYLE),
    "emoji": inline(
        "emoji", {"name": text()}, {"unicode": text(), "skin_tone": integer(1, 6), "url": text(limits.URL)}
    ),
    "date": inline(
        "date",
        {"timestamp": integer(0, 9_999_999_999), "format": text()},
        {"url": text(limits.URL), "fallback": text()},
    ),
    "color": inline("color", {"value": pattern("#[0-9a-fA-F]{6}", "such as #F405B3")}),
    "broadcast": inline("broadcast", {"range": choice("here", "channel", "everyone")}),
}

BORDER = {"border": integer(0, 1)}
MANY_INLINE = {"elements": items(kinds(INLINE), ANY_LENGTH)}
SECTION = shape("rich_text_section", MANY_INLINE)

ELEMENTS = {
    "rich_text_section": SECTION,
    "rich_text_list": shape(
        "rich_text_list",
        {"elements": items(SECTION, ANY_LENGTH), "style": choice("bullet", "ordered")},
        {"indent": integer(0, limits.LIST_INDENT), "offset": integer(0, 1_000_000), **BORDER},
    ),
    "rich_text_quote": shape("rich_text_quote", MANY_INLINE, BORDER),
    "rich_text_preformatted": shape(
        "rich_text_preformatted", {"elements": items(kinds({"text": TEXT, "link": LINK}), ANY_LENGTH)}, BORDER
    ),
}

RICH_TEXT = shape("rich_text", {"elements": items(kinds(ELEMENTS), ANY_LENGTH)}, {"block_id": text(limits.BLOCK_ID)})
