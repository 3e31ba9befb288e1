"""Whom a message pings: the `<@U…>`, `<!subteam^S…>`, `<!here>` that are live in it, not those that were escaped."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

MENTION = re.compile(r"<(?:@([A-Z0-9]+)|!subteam\^([A-Z0-9]+)|!(here|channel|everyone))(?:\|[^>]*)?>")
BARE = re.compile(r"(?<![\w<!])@(here|channel|everyone)\b")
LITERAL = frozenset({"plain_text", "raw_text"})
RICH = {"user": "user_id", "usergroup": "usergroup_id", "broadcast": "range"}


def mentioned(text: str, blocks: Any) -> frozenset[str]:
    """User ids, group ids, and the words here, channel and everyone: in the blocks, or without these in the text."""
    return frozenset(_in_blocks(blocks) if blocks else in_text(text))


def in_text(text: str) -> Iterator[str]:
    return (next(filter(None, match.groups())) for match in MENTION.finditer(text))


def _in_blocks(it: Any) -> Iterator[str]:
    if isinstance(it, list | tuple):
        for each in it:
            yield from _in_blocks(each)
    elif isinstance(it, Mapping):
        yield from _in_one(it)


def _in_one(it: Mapping[str, Any]) -> Iterator[str]:
    kind = it.get("type")
    if kind in LITERAL:
        return
    if kind in RICH and RICH[kind] in it:
        yield str(it[RICH[kind]])
    # In rich text a text is literal; whether a `markdown` block pings is not documented, so that here it does.
    if kind in {"mrkdwn", "markdown"}:
        yield from in_text(str(it.get("text", "")))
    # Slack parses "certain mentions" by itself where a text is not verbatim; which, it does not say.
    if kind == "mrkdwn" and not it.get("verbatim"):
        yield from BARE.findall(str(it.get("text", "")))
    for name, each in it.items():
        if name != "confirm":
            yield from _in_blocks(each)
