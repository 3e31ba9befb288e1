"""The exact card that was shown, under an id derived from its content."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

from blocks.card.card import card
from blocks.kit.elements import Block, Element
from blocks.words.dossier import Dossier


@dataclass(frozen=True, slots=True)
class Rendering:
    """The buttons in `blocks` carry the id, so that a click says what the person had before them."""

    rendering_id: str
    text: str
    blocks: tuple[Block, ...]

    @property
    def body(self) -> str:
        """The JSON that the store keeps."""
        return json.dumps({"text": self.text, "blocks": self.blocks}, ensure_ascii=False)


def render(dossier: Dossier) -> Rendering:
    """The same dossier gives the same id; any visible difference gives another."""
    without_id = replace(dossier, rendering_id=None)
    message = card(without_id)
    rendering_id = fingerprint({"blocks": message.blocks, "text": message.text})
    before, after = str(without_id.ref), str(replace(dossier, rendering_id=rendering_id).ref)
    return Rendering(rendering_id, message.text, tuple(_with_ref(block, before, after) for block in message.blocks))


def fingerprint(content: Mapping[str, Any]) -> str:
    """An id derived from the content of a message or view."""
    # For strings, integers and booleans under ASCII keys, this is the canonical form (RFC 8785).
    canonical = json.dumps(content, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return "rnd_" + sha256(canonical.encode()).hexdigest()[:32]


def _with_ref(block: Block, before: str, after: str) -> Block:
    """The block, with the reference to the rendering in the values of its elements."""
    if "accessory" in block:
        return block | {"accessory": _element_with_ref(block["accessory"], before, after)}
    if block["type"] == "actions":
        return block | {"elements": [_element_with_ref(element, before, after) for element in block["elements"]]}
    return block


def _element_with_ref(element: Element, before: str, after: str) -> Element:
    if "options" in element:
        return element | {"options": [_element_with_ref(option, before, after) for option in element["options"]]}
    return element | {"value": element["value"].removesuffix(before) + after}
