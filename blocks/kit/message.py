"""What is posted: blocks for those who see, and a text for locked screens and for those who listen."""

from __future__ import annotations

from dataclasses import dataclass

from blocks.kit.elements import Block


@dataclass(frozen=True, slots=True)
class Message:
    text: str
    blocks: tuple[Block, ...]
