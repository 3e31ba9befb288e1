"""Reads blocks as a reader sees them: texts by the kind of place they are in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Json = Mapping[str, Any]

FRAMES = ("rich_text_quote", "rich_text_preformatted")


def objects(drawn: Any) -> Iterator[Json]:
    """All objects in a value, in reading order."""
    if isinstance(drawn, Mapping):
        yield drawn
    for item in drawn.values() if isinstance(drawn, Mapping) else drawn if isinstance(drawn, list | tuple) else ():
        yield from objects(item)


def of_type(drawn: Any, *kinds: str) -> list[Json]:
    return [element for element in objects(drawn) if element.get("type") in kinds]


def markup(drawn: Any) -> str:
    return "\n".join(element["text"] for element in of_type(drawn, "mrkdwn"))


def framed_text(drawn: Any) -> str:
    """The text in quotes and boxes, without breaks between them."""
    return "".join(run.get("text", "") for frame in of_type(drawn, *FRAMES) for run in frame["elements"])


def unframed_text(drawn: Any) -> str:
    """The service's own rich text."""
    return "\n".join(run.get("text", "") for part in of_type(drawn, "rich_text_section") for run in part["elements"])


def headings(drawn: Any) -> list[str]:
    return [element["text"]["text"] for element in of_type(drawn, "header")]


def buttons(drawn: Any) -> dict[str, Json]:
    return {element["action_id"]: element for element in of_type(drawn, "button")}


def inputs(view: Json) -> dict[str, Json]:
    """The inputs of a form, by field name."""
    return {block["block_id"]: block for block in view["blocks"] if block["type"] == "input"}
