"""What was shown, exactly: a card under an id that its content gives it."""

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
    """`blocks` carry the id in their buttons, so that a click says what its maker had before them."""

    rendering_id: str
    text: str
    blocks: tuple[Block, ...]

    @property
    def body(self) -> str:
        """As it is kept."""
        return json.dumps({"text": self.text, "blocks": self.blocks}, ensure_ascii=False)


def render(dossier: Dossier) -> Rendering:
    """The same dossier gives the same id, and whatever can be seen differently gives another."""
    bare = replace(dossier, rendering_id=None)
    drawn = card(bare)
    rendering_id = fingerprint({"blocks": drawn.blocks, "text": drawn.text})
    before, after = str(bare.ref), str(replace(dossier, rendering_id=rendering_id).ref)
    return Rendering(rendering_id, drawn.text, tuple(_referring(block, before, after) for block in drawn.blocks))


def fingerprint(drawn: Mapping[str, Any]) -> str:
    """The id that a message or a view has by its content."""
    # Of texts, whole numbers and truths under names in ASCII, this is the canonical form (RFC 8785).
    written = json.dumps(drawn, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return "rnd_" + sha256(written.encode()).hexdigest()[:32]


def _referring(block: Block, before: str, after: str) -> Block:
    """The block, with the reference in its values."""
    if "accessory" in block:
        return block | {"accessory": _carrying(block["accessory"], before, after)}
    if block["type"] == "actions":
        return block | {"elements": [_carrying(element, before, after) for element in block["elements"]]}
    return block


def _carrying(element: Element, before: str, after: str) -> Element:
    if "options" in element:
        return element | {"options": [_carrying(one, before, after) for one in element["options"]]}
    return element | {"value": element["value"].removesuffix(before) + after}
