"""Frames around words that the service did not write: a bar beside them, or a box. Outside a frame the service speaks.

A text can neither leave nor stretch its frame: it is cut to a number of characters and lines, and a remark outside the
frame says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from blocks.kit.elements import Element, Run, bold, paragraph, quote
from blocks.kit.text import clean, cut, one_line, pluralize

Parts = tuple[Element, ...]

LINES = 8  # of a quoted text
NOTHING = "–"  # stands for a text without a visible character


def heading(text: str) -> Element:
    return paragraph(bold(text))


def aside(text: str) -> Element:
    """A remark of the service about the frame before it."""
    return paragraph({"type": "text", "text": text, "style": {"italic": True}})


CUT = aside("Shortened. Full text in Details.")


def brief(text: str, limit: int, more: int = 0) -> list[Run]:
    """A text on one line. A note says if its end is left out, or how many more texts are in Details."""
    start = one_line(text[: 2 * limit])
    is_whole = len(text) <= 2 * limit and len(start) <= limit
    left_out = f" +{more} in Details" if more > 0 else "" if is_whole else " in Details"
    shown = (start if is_whole else cut(start + "…", limit)) or NOTHING
    return [shown, {"type": "text", "text": left_out, "style": {"italic": True}} if left_out else ""]


def labelled(label: str, text: str | None, limit: int, more: int = 0) -> list[Run]:
    """A text on one line (`brief`) after a label; empty if there is no text."""
    return [bold(f"{label}: "), *brief(text, limit, more)] if text else []


def framed_runs(lines: Iterable[Sequence[Run]]) -> Parts:
    """Lines of labelled texts in one frame."""
    runs = [run for runs in lines if runs for run in ("\n", *runs)]
    return (quote(*runs[1:]),) if runs else ()


def excerpt(text: str, limit: int, lines: int = LINES) -> tuple[str, bool]:
    """The beginning of a text, and whether that is all. Text far behind the cut is not processed."""
    start = clean(text[: 2 * limit])
    kept = "\n".join(start.split("\n")[:lines])
    is_whole = len(text) <= 2 * limit and kept == start and len(kept) <= limit
    return (kept if is_whole else cut(kept + "…", limit)), is_whole


def shorten(text: str, limit: int) -> str:
    """The beginning of a text on one line."""
    start = one_line(text[: 2 * limit])
    return cut(start if len(text) <= 2 * limit else start + "…", limit)


def framed_quote(title: str, text: str | None, limit: int, lines: int = LINES) -> Parts:
    """Quoted text under a heading of the service; empty if there is no text."""
    if not text:
        return ()
    shown, is_whole = excerpt(text, limit, lines)
    return (heading(title), quote(shown or NOTHING), *(() if is_whole else (CUT,)))


def framed_list(title: str, items: Iterable[str], count: int, limit: int) -> Parts:
    """One line for each item in one frame, and a count of the items left out."""
    all_items = tuple(items)
    return framed_lines(title, [f"• {shorten(item, limit)}" for item in all_items[:count]], len(all_items) - count)


def framed_lines(title: str, lines: Sequence[str], more: int = 0) -> Parts:
    """One frame with these lines, which are already shortened, and a note on `more` lines and on ends that are cut."""
    if not lines:
        return ()
    cut_short = any("…" in text for text in lines)
    return (heading(title), quote("\n".join(lines)), *_left_out(more, cut_short=cut_short))


def _left_out(more: int, *, cut_short: bool) -> Parts:
    missing = [pluralize(more, "more item")] if more > 0 else []
    missing += ["the full text"] if cut_short else []
    return (aside(f"In Details: {' and '.join(missing)}."),) if missing else ()
