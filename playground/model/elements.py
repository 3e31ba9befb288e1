"""What in a list of blocks can be pressed, chosen or filled in, and what its words are."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from playground.model.ids import short

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
    """Something that a person can act on, and the block in which it stands."""

    block: Mapping[str, Any]
    its: Mapping[str, Any]

    @property
    def block_id(self) -> str:
        return str(self.block["block_id"])

    @property
    def action_id(self) -> str:
        return str(self.its["action_id"])

    @property
    def type(self) -> str:
        return str(self.its["type"])

    @property
    def label(self) -> str:
        words = self.its.get("text") or self.block.get("label") or {}
        return str(words.get("text", ""))

    @property
    def required(self) -> bool:
        return self.block["type"] == "input" and not self.block.get("optional", False)


def elements(blocks: Any, block: Mapping[str, Any] | None = None) -> Iterator[Element]:
    """All of them, wherever they stand: new kinds of blocks are searched like the old ones."""
    if isinstance(blocks, Mapping):
        yield from _within(blocks, block)
    elif isinstance(blocks, list | tuple):
        for each in blocks:
            yield from elements(each, block)


def _within(it: Mapping[str, Any], block: Mapping[str, Any] | None) -> Iterator[Element]:
    inner = it if "block_id" in it else block
    if it.get("type") in INTERACTIVE and inner is not None and "action_id" in it:
        yield Element(inner, it)
        return
    for each in it.values():
        yield from elements(each, inner)


def named(blocks: Any) -> list[dict[str, Any]]:
    """A copy, in which each block and each element has the name that Slack gives to what came without."""
    copied: list[dict[str, Any]] = copy.deepcopy(list(blocks or []))
    _name_blocks(copied)
    _name_elements(copied)
    return copied


def _name_blocks(blocks: list[dict[str, Any]]) -> None:
    for block in blocks:
        block["block_id"] = block.get("block_id") or short()
        _name_blocks(block.get("child_blocks") or [])


def _name_elements(it: Any) -> None:
    if isinstance(it, list):
        for each in it:
            _name_elements(each)
    elif isinstance(it, dict):
        if it.get("type") in INTERACTIVE:
            it["action_id"] = it.get("action_id") or short()
        _name_elements(list(it.values()))


def shown(blocks: Any) -> str:
    """The words of the blocks, in their order, a line for each text."""
    return "\n".join(_words(blocks))


def _words(it: Any) -> Iterator[str]:
    if isinstance(it, list | tuple):
        for each in it:
            yield from _words(each)
    elif isinstance(it, Mapping):
        if isinstance(it.get("text"), str):
            yield it["text"]
        for name, each in it.items():
            # What a dialog says stands nowhere until somebody presses.
            if name != "confirm":
                yield from _words(each)
