"""A message: blocks, and a plain text for notifications and screen readers."""

from __future__ import annotations

from dataclasses import dataclass

from blocks.kit.elements import Block


@dataclass(frozen=True, slots=True)
class Message:
    text: str
    blocks: tuple[Block, ...]
