"""Which blocks and elements are allowed on which surface, and where they are in a list of blocks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Any

from playground.blockkit.fault import NO_FAULTS, Faults, refusal

Json = dict[str, Any]
Placed = tuple[str, Json]  # a pointer and the object at that place


class Surface(StrEnum):
    MESSAGE = "message"
    MODAL = "modal"
    HOME = "home"


MESSAGE, MODAL, HOME = Surface.MESSAGE, Surface.MODAL, Surface.HOME

# Anything else is allowed on every surface.
SURFACES: dict[str, tuple[Surface, ...]] = {
    "alert": (MODAL,),
    "container": (MESSAGE, HOME),
    "context_actions": (MESSAGE,),
    "data_table": (MESSAGE, HOME),
    "data_visualization": (MESSAGE, HOME),
    "file": (MESSAGE,),
    "markdown": (MESSAGE,),
    "table": (MESSAGE, HOME),
    "datetimepicker": (MESSAGE, MODAL),
    "email_text_input": (MODAL,),
    "file_input": (MODAL,),
    "number_input": (MODAL,),
    "url_text_input": (MODAL,),
}


def _objects(value: Any, pointer: str) -> Iterator[Placed]:
    if isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            if isinstance(item, dict):
                yield f"{pointer}/{index}", item


def blocks_in(blocks: Sequence[Any]) -> Iterator[Placed]:
    """Every block, and after a container its children. Other values are skipped: other checks refuse them."""
    for pointer, block in _objects(blocks, "/blocks"):
        yield pointer, block
        if "child_blocks" in block:
            yield from _objects(block["child_blocks"], f"{pointer}/child_blocks")


def elements_in(pointer: str, block: Json) -> Iterator[Placed]:
    for key in ("accessory", "element"):
        if isinstance(block.get(key), dict):
            yield f"{pointer}/{key}", block[key]
    for key in ("elements", "actions"):
        yield from _objects(block.get(key), f"{pointer}/{key}")


def check_place(placed: Placed, surface: Surface) -> Faults:
    pointer, block_or_element = placed
    kind = block_or_element.get("type")
    allowed = SURFACES.get(kind) if isinstance(kind, str) else None
    if allowed is None or surface in allowed:
        return NO_FAULTS
    return refusal(f"a {kind} stands only in: {', '.join(allowed)}", f"{pointer}/type")
