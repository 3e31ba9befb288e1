"""Changes between two versions, value by value, each side exactly as it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Any

from blocks.kit.elements import Block, Run, bold, code, paragraph, preformatted, quote, rich
from blocks.kit.marked_texts import marked_texts, split_runs
from blocks.kit.parameters import exact_json, exact_json_line, pieces
from blocks.kit.text import cut, pluralize
from rules.package.diff import Change, ChangeKind
from rules.package.layout import lines_of_text
from rules.visible import escape_invisible

_WORD = {ChangeKind.ADDED: "Added", ChangeKind.REMOVED: "Removed", ChangeKind.CHANGED: "Changed"}
_PATH = 200  # characters of the path to a value
_SIDE = 200  # characters of a line
_LINES = 12  # of a change in brief
_BEFORE = 40  # characters shown before the first difference


def change_in_full(change: Change) -> Iterator[Block]:
    """The change with both values complete, over as many blocks as needed. Texts are shown as people read them."""
    yield rich(paragraph(bold(f"{_WORD[change.kind]}: "), code(cut(escape_invisible(change.path), _PATH))))
    if texts := _texts_of(change):
        before, after = marked_texts(*texts)
        yield from _quoted("Before", before)
        yield from _quoted("Now", after)
        return
    if change.kind is not ChangeKind.ADDED:
        yield from _side("Before", exact_json(change.before))
    if change.kind is not ChangeKind.REMOVED:
        yield from _side("Now", exact_json(change.after))


def _side(heading: str, text: str) -> Iterator[Block]:
    for piece in pieces(text):
        yield rich(paragraph(heading), preformatted(piece.strip("\n")))


def _texts_of(change: Change) -> tuple[str, str] | None:
    """Both texts, if marks can show how they differ: not if one is empty, or if only spaces and line breaks differ."""
    before, after = change.before, change.after
    if not (isinstance(before, str) and isinstance(after, str) and before.split() != after.split()):
        return None
    if not (before.strip() and after.strip()):
        return None
    return "\n".join(lines_of_text(before)), "\n".join(lines_of_text(after))


def _quoted(heading: str, runs: Iterable[Run]) -> Iterator[Block]:
    for part in split_runs(runs):
        yield rich(paragraph(heading), quote(*part))


def change_in_brief(change: Change) -> Block:
    """The change in one block, with only the lines that differ. It may be cut, so show the whole elsewhere."""
    heading = paragraph(bold(f"{_WORD[change.kind]}: "), code(cut(escape_invisible(change.path), _PATH)))
    lines = [*_changed_lines(change)]
    omitted_note = [f"… and {pluralize(len(lines) - _LINES, 'more line')}"] if len(lines) > _LINES else []
    return rich(heading, preformatted("\n".join([*lines[:_LINES], *omitted_note])))


def _changed_lines(change: Change) -> Iterator[str]:
    sides = [change.before] if change.kind is not ChangeKind.ADDED else []
    sides += [change.after] if change.kind is not ChangeKind.REMOVED else []
    draw = _text_lines if all(isinstance(side, str) for side in sides) and "\n" in "".join(sides) else _json_lines
    before = draw(change.before) if change.kind is not ChangeKind.ADDED else []
    after = draw(change.after) if change.kind is not ChangeKind.REMOVED else []
    for tag, begin, end, new_begin, new_end in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag != "equal":
            yield from _differing(before[begin:end], after[new_begin:new_end])


def _text_lines(text: str) -> list[str]:
    """The lines of a text. One that begins or ends with a space is in quotation marks, which show that."""
    return [escape_invisible(line) if line == line.strip() else exact_json_line(line) for line in text.split("\n")]


def _json_lines(value: Any) -> list[str]:
    return [exact_json_line(value)]


def _differing(before: list[str], after: list[str]) -> Iterator[str]:
    begins = [_first_difference(old, new) for old, new in zip_longest(before, after, fillvalue="")]
    yield from (f"- {_cut(line, begin)}" for line, begin in zip(before, begins, strict=False))
    yield from (f"+ {_cut(line, begin)}" for line, begin in zip(after, begins, strict=False))


def _first_difference(before: str, after: str) -> int:
    places = (place for place, (one, other) in enumerate(zip(before, after, strict=False)) if one != other)
    return next(places, min(len(before), len(after)))


def _cut(line: str, begin: int) -> str:
    """The line, or of a long one the part around the first difference."""
    start = max(begin - _BEFORE, 0) if len(line) > _SIDE else 0
    return cut(("…" if start else "") + line[start:], _SIDE)
