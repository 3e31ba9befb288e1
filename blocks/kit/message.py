"""A message: blocks, and a plain text for notifications and screen readers."""

from __future__ import annotations

from dataclasses import dataclass, replace

from blocks.kit.elements import Block


@dataclass(frozen=True, slots=True)
class Message:
    """`charts` follow the blocks if Slack accepts them. They repeat what the blocks say."""

    text: str
    blocks: tuple[Block, ...]
    charts: tuple[Block, ...] = ()

    @property
    def with_charts(self) -> Message:
        return replace(self, blocks=(*self.blocks, *self.charts), charts=())
