"""Whom a message notifies: the unescaped `<@U…>`, `<!subteam^S…>` and `<!here>` in its text or blocks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

MENTION = re.compile(r"<(?:@([A-Z0-9]+)|!subteam\^([A-Z0-9]+)|!(here|channel|everyone))(?:\|[^>]*)?>")
BARE = re.compile(r"(?<![\w<!])@(here|channel|everyone)\b")
LITERAL = frozenset({"plain_text", "raw_text"})
RICH = {"user": "user_id", "usergroup": "usergroup_id", "broadcast": "range"}


def find_mentions(text: str, blocks: Any) -> frozenset[str]:
    """Ids of users and groups, and the words here, channel and everyone. Blocks replace the text if there are any."""
    return frozenset(_in_blocks(blocks) if blocks else mentions_in_text(text))


def mentions_in_text(text: str) -> Iterator[str]:
    return (next(filter(None, match.groups())) for match in MENTION.finditer(text))


def _in_blocks(node: Any) -> Iterator[str]:
    if isinstance(node, list | tuple):
        for child in node:
            yield from _in_blocks(child)
    elif isinstance(node, Mapping):
        yield from _in_object(node)


def _in_object(node: Mapping[str, Any]) -> Iterator[str]:
    kind = node.get("type")
    if kind in LITERAL:
        return
    if kind in RICH and RICH[kind] in node:
        yield str(node[RICH[kind]])
    # Text inside rich text is literal. Whether a `markdown` block notifies is undocumented; here it does.
    if kind in {"mrkdwn", "markdown"}:
        yield from mentions_in_text(str(node.get("text", "")))
    # Slack parses "certain mentions" where a text is not verbatim, without saying which.
    if kind == "mrkdwn" and not node.get("verbatim"):
        yield from BARE.findall(str(node.get("text", "")))
    for name, child in node.items():
        if name != "confirm":
            yield from _in_blocks(child)
