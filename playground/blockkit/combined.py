"""Rules across several blocks: ids that must be unique, and limits on all blocks of a message together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from blocks.kit import limits
from playground.blockkit.characters import characters
from playground.blockkit.fault import Fault, refusal
from playground.blockkit.places import Placed, Surface, blocks_in, check_place, elements_in

TABLES = {"table": limits.TABLE_TEXT, "data_table": limits.DATA_TABLE_TEXT}


def _duplicates(key: str, placed: Iterable[Placed], scope: str) -> Iterator[Fault]:
    seen = set()
    for pointer, part in placed:
        name = part.get(key)
        if not isinstance(name, str):
            continue
        if name in seen:
            yield from refusal(f"must be unique within {scope}", f"{pointer}/{key}")
        seen.add(name)


def _of_kind(kind: str, placed: Iterable[Placed]) -> list[Placed]:
    return [(pointer, block) for pointer, block in placed if block.get("type") == kind]


def check_any_blocks(blocks: Sequence[Any], surface: Surface) -> Iterator[Fault]:
    """Applied to all blocks, valid or not, so that one fault does not hide another."""
    placed = list(blocks_in(blocks))
    inside = [list(elements_in(pointer, block)) for pointer, block in placed]
    elements = [element for of_block in inside for element in of_block]
    for block_or_element in (*placed, *elements):
        yield from check_place(block_or_element, surface)
    yield from _duplicates("block_id", placed, "the message or view")
    for of_block in inside:
        yield from _duplicates("action_id", of_block, "its block")
    focused = [pointer for pointer, element in elements if element.get("focus_on_load") is True]
    for pointer in focused[1:]:
        yield from refusal("may be true for one element only", f"{pointer}/focus_on_load")


def check_message_blocks(blocks: Sequence[Any]) -> Iterator[Fault]:
    placed = list(blocks_in(blocks))
    for pointer, _ in _of_kind("data_visualization", placed)[limits.MESSAGE_CHARTS :]:
        yield from refusal(f"a message may hold {limits.MESSAGE_CHARTS} charts", pointer)
    for pointer, _ in _of_kind("table", placed)[limits.MESSAGE_TABLES :]:
        # Slack's error code, although such a table is not an attachment.
        yield from refusal("a message may hold one table", pointer, "invalid_attachments")


def check_valid_blocks(blocks: Sequence[Any], surface: Surface) -> Iterator[Fault]:
    """Texts at all depths are counted only in valid blocks, because only there the depth is bounded."""
    placed = list(blocks_in(blocks))
    for kind, limit in TABLES.items():
        if sum(characters(block["rows"]) for _, block in _of_kind(kind, placed)) > limit:
            yield from refusal(f"the cells of all {kind} blocks may hold {limit:,} characters together", "/blocks")
    total, limit = characters(blocks), limits.MESSAGE_BLOCKS_TEXT
    if surface is Surface.MESSAGE and total > limit:
        message = f"all blocks of a message may hold {limit:,} characters together; these hold {total:,}"
        yield from refusal(message, "/blocks", "msg_blocks_too_long")
