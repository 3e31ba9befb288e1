"""The frames around foreign words: a bar beside them, or a box. What stands outside of a frame, the service says.

A text cannot leave its frame, nor stretch it: it is cut by characters and by lines, and the cut is told outside.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from blocks.kit.elements import Element, bold, preformatted, quote, words
from blocks.kit.parameters import exactly
from blocks.kit.text import clean, counted, cut, line

Parts = tuple[Element, ...]

LINES = 8
NOTHING = "–"  # it was said, and nothing of it can be seen
_WIDE = 160  # characters of a line in a box


def heading(text: str) -> Element:
    return words(bold(text))


def aside(text: str) -> Element:
    """A remark of the service about what stands in the frame before it."""
    return words({"type": "text", "text": text, "style": {"italic": True}})


CUT = aside("Cut here; whole in Details.")


def brief(text: str, most: int, lines: int = LINES) -> tuple[str, bool]:
    """The beginning of a text, and whether that is all. What lies far behind the cut is not even looked at."""
    near = clean(text[: 2 * most])
    kept = "\n".join(near.split("\n")[:lines])
    whole = len(text) <= 2 * most and kept == near and len(kept) <= most
    return (kept if whole else cut(kept + "…", most)), whole


def short(text: str, most: int) -> str:
    """The same on one line."""
    near = line(text[: 2 * most])
    return cut(near if len(text) <= 2 * most else near + "…", most)


def quoted(title: str, text: str | None, most: int, lines: int = LINES) -> Parts:
    """Foreign words under a heading of the service, with a bar beside them; nothing where nothing was said."""
    if not text:
        return ()
    shown, whole = brief(text, most, lines)
    return (heading(title), quote(shown or NOTHING), *(() if whole else (CUT,)))


def listed(title: str, items: Iterable[str], count: int, most: int) -> Parts:
    """Each on its own line, beside one bar; what does not fit is counted."""
    every = tuple(items)
    return lined(title, [f"• {short(item, most)}" for item in every[:count]], len(every) - count)


def lined(title: str, lines: Sequence[str], more: int = 0) -> Parts:
    """Lines that are already short."""
    if not lines:
        return ()
    cut_short = any("…" in written for written in lines)
    return (heading(title), quote("\n".join(lines)), *_left_out(more, "item", cut_short=cut_short))


def boxed(title: str, value: object, most: int, lines: int) -> Parts:
    """A value to the letter, as JSON in a box."""
    every = exactly(value).split("\n")
    shown: list[str] = []
    for each in every[:lines]:
        shown.append(cut(each, min(_WIDE, max(most - sum(map(len, shown)), 1))))
    more = len(every) - len(shown)
    cut_short = any(each != written for each, written in zip(every, shown, strict=False))
    told = _left_out(more, "line", cut_short=cut_short)
    return (heading(title), preformatted("\n".join(shown)), *told)


def _left_out(more: int, what: str, *, cut_short: bool) -> Parts:
    told = [counted(more, f"more {what}")] if more > 0 else []
    told += ["what is cut here"] if cut_short else []
    return (aside(f"In Details: {' and '.join(told)}."),) if told else ()
