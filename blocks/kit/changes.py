"""Changes between two versions, value by value, each side exactly as it is."""

from __future__ import annotations

from collections.abc import Iterator

from blocks.kit.elements import Block, bold, code, paragraph, preformatted, rich
from blocks.kit.parameters import exact_json, exact_json_line, pieces
from blocks.kit.text import cut
from rules.package.diff import Change, ChangeKind
from rules.visible import escape_invisible

_WORD = {ChangeKind.ADDED: "Added", ChangeKind.REMOVED: "Removed", ChangeKind.CHANGED: "Changed"}
_PATH = 200
_SIDE = 200
_BEFORE = 40  # characters shown before the first difference


def change_in_full(change: Change) -> Iterator[Block]:
    """The change with both values complete, over as many blocks as needed."""
    yield rich(paragraph(bold(f"{_WORD[change.kind]}: "), code(cut(escape_invisible(change.path), _PATH))))
    if change.kind is not ChangeKind.ADDED:
        yield from _side("Before", exact_json(change.before))
    if change.kind is not ChangeKind.REMOVED:
        yield from _side("Now", exact_json(change.after))


def _side(heading: str, text: str) -> Iterator[Block]:
    for piece in pieces(text):
        yield rich(paragraph(heading), preformatted(piece.strip("\n")))


def change_in_brief(change: Change) -> Block:
    """The change in one block, with long values cut. The whole must be readable elsewhere."""
    begin = _first_difference(change.before, change.after) if change.kind is ChangeKind.CHANGED else 0
    sides = [f"- {_cut(change.before, begin)}"] if change.kind is not ChangeKind.ADDED else []
    sides += [f"+ {_cut(change.after, begin)}"] if change.kind is not ChangeKind.REMOVED else []
    heading = paragraph(bold(f"{_WORD[change.kind]}: "), code(cut(escape_invisible(change.path), _PATH)))
    return rich(heading, preformatted("\n".join(sides)))


def _first_difference(before: object, after: object) -> int:
    pairs = zip(exact_json_line(before), exact_json_line(after), strict=False)
    return next((place for place, (one, other) in enumerate(pairs) if one != other), 0)


def _cut(value: object, begin: int) -> str:
    """The value, or of a long one the part around the first difference."""
    text = exact_json_line(value)
    start = max(begin - _BEFORE, 0) if len(text) > _SIDE else 0
    return cut(("…" if start else "") + text[start:], _SIDE)
