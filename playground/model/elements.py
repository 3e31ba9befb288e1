"""Finds the interactive elements in blocks, and the visible text.

`elements` walks through blocks of any depth, `with_ids` fills in the ids that Slack would generate, and `visible_text`
is what tests compare with.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from playground.model.ids import random_id

INTERACTIVE = frozenset(
    {
        "button",
        "overflow",
        "static_select",
        "external_select",
        "users_select",
        "conversations_select",
        "channels_select",
        "multi_static_select",
        "multi_external_select",
        "multi_users_select",
        "multi_conversations_select",
        "multi_channels_select",
        "checkboxes",
        "radio_buttons",
        "datepicker",
        "timepicker",
        "datetimepicker",
        "plain_text_input",
        "rich_text_input",
        "email_text_input",
        "url_text_input",
        "number_input",
        "icon_button",
        "feedback_buttons",
    }
)


@dataclass(frozen=True, slots=True)
class Element:
    """An interactive element, and the block that contains it."""

    block: Mapping[str, Any]
    data: Mapping[str, Any]

    @property
    def block_id(self) -> str:
        return str(self.block["block_id"])

    @property
    def action_id(self) -> str:
        return str(self.data["action_id"])

    @property
    def type(self) -> str:
        return str(self.data["type"])

    @property
    def label(self) -> str:
        words = self.data.get("text") or self.block.get("label") or {}
        return str(words.get("text", ""))

    @property
    def required(self) -> bool:
        return self.block["type"] == "input" and not self.block.get("optional", False)


def elements(blocks: Any, block: Mapping[str, Any] | None = None) -> Iterator[Element]:
    """All interactive elements at any depth. New kinds of blocks are searched like the old ones."""
    if isinstance(blocks, Mapping):
        yield from _within(blocks, block)
    elif isinstance(blocks, list | tuple):
        for child in blocks:
            yield from elements(child, block)


def _within(node: Mapping[str, Any], block: Mapping[str, Any] | None) -> Iterator[Element]:
    inner = node if "block_id" in node else block
    if node.get("type") in INTERACTIVE and inner is not None and "action_id" in node:
        yield Element(inner, node)
        return
    for child in node.values():
        yield from elements(child, inner)


def with_ids(blocks: Any) -> list[dict[str, Any]]:
    """A copy in which every block and element has an id, as Slack adds missing ones."""
    copied: list[dict[str, Any]] = copy.deepcopy(list(blocks or []))
    _add_block_ids(copied)
    _add_action_ids(copied)
    return copied


def _add_block_ids(blocks: list[dict[str, Any]]) -> None:
    for block in blocks:
        block["block_id"] = block.get("block_id") or random_id()
        _add_block_ids(block.get("child_blocks") or [])


def _add_action_ids(node: Any) -> None:
    if isinstance(node, list):
        for child in node:
            _add_action_ids(child)
    elif isinstance(node, dict):
        if node.get("type") in INTERACTIVE:
            node["action_id"] = node.get("action_id") or random_id()
        _add_action_ids(list(node.values()))


def visible_text(blocks: Any) -> str:
    """The text of the blocks in order, one line per text."""
    return "\n".join(_words(blocks))


def _words(node: Any) -> Iterator[str]:
    if isinstance(node, list | tuple):
        for child in node:
            yield from _words(child)
    elif isinstance(node, Mapping):
        if isinstance(node.get("text"), str):
            yield node["text"]
        for name, child in node.items():
            # The text of a confirmation dialog is only shown after a click.
            if name != "confirm":
                yield from _words(child)
