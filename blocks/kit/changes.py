"""Changes between two versions, value by value, each side exactly as it is."""

from __future__ import annotations

from collections.abc import Iterator

from blocks.kit.elements import Block, bold, code, preformatted, rich, words
from blocks.kit.parameters import exact_json, exact_json_line, pieces
from blocks.kit.text import cut
from rules.package.diff import Change, ChangeKind
from rules.package.visible import escape_invisible

_WORD = {ChangeKind.ADDED: "Added", ChangeKind.REMOVED: "Removed", ChangeKind.CHANGED: "Changed"}
_PATH = 200
_SIDE = 200


def change_in_full(change: Change) -> Iterator[Block]:
    """The change with both values complete, over as many blocks as needed."""
    yield rich(words(bold(f"{_WORD[change.kind]}: "), code(cut(escape_invisible(change.path), _PATH))))
    if change.kind is not ChangeKind.ADDED:
        yield from _side("Before", exact_json(change.before))
    if change.kind is not ChangeKind.REMOVED:
        yield from _side("Now", exact_json(change.after))


def _side(heading: str, text: str) -> Iterator[Block]:
    for piece in pieces(text):
        yield rich(words(heading), preformatted(piece.strip("\n")))


def change_in_brief(change: Change) -> Block:
    """The change in one block, with long values cut. The whole must be readable elsewhere."""
    sides = [f"- {_cut(change.before)}"] if change.kind is not ChangeKind.ADDED else []
    sides += [f"+ {_cut(change.after)}"] if change.kind is not ChangeKind.REMOVED else []
    heading = words(bold(f"{_WORD[change.kind]}: "), code(cut(escape_invisible(change.path), _PATH)))
    return rich(heading, preformatted("\n".join(sides)))


def _cut(value: object) -> str:
    return cut(exact_json_line(value), _SIDE)
