"""What is different from before, leaf by leaf, each side exactly as it is."""

from __future__ import annotations

from collections.abc import Iterator

from blocks.kit.elements import Block, bold, code, preformatted, rich, words
from blocks.kit.parameters import exactly, exactly_in_line, pieces
from blocks.kit.text import cut
from rules.package.diff import Change, ChangeKind
from rules.package.visible import escape_invisible

_WORD = {ChangeKind.ADDED: "Added", ChangeKind.REMOVED: "Removed", ChangeKind.CHANGED: "Changed"}
_PATH = 200
_SIDE = 200


def in_full(change: Change) -> Iterator[Block]:
    """However long it is."""
    yield rich(words(bold(f"{_WORD[change.kind]}: "), code(cut(escape_invisible(change.path), _PATH))))
    if change.kind is not ChangeKind.ADDED:
        yield from _side("Before", exactly(change.before))
    if change.kind is not ChangeKind.REMOVED:
        yield from _side("Now", exactly(change.after))


def _side(name: str, text: str) -> Iterator[Block]:
    for piece in pieces(text):
        yield rich(words(name), preformatted(piece.strip("\n")))


def in_brief(change: Change) -> Block:
    """One block, in which a long value is cut: for where the whole can be read beside it."""
    sides = [f"- {_cut(change.before)}"] if change.kind is not ChangeKind.ADDED else []
    sides += [f"+ {_cut(change.after)}"] if change.kind is not ChangeKind.REMOVED else []
    heading = words(bold(f"{_WORD[change.kind]}: "), code(cut(escape_invisible(change.path), _PATH)))
    return rich(heading, preformatted("\n".join(sides)))


def _cut(value: object) -> str:
    return cut(exactly_in_line(value), _SIDE)
