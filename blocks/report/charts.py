"""Bar charts as SVG. Each bar has its number beside it, so a chart can be read without its colours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import NamedTuple

from blocks.report.page import scroll_box

# Lengths in the units of the drawing: the heights of a row and of its bar, the widths of label, number and all.
_ROW, _BAR = 28, 18
_LABEL, _NUMBER, WIDTH = 150, 130, 640


class Bar(NamedTuple):
    """`value` is drawn, `text` stands beside it."""

    label: str
    value: float
    text: str


def bar_chart(name: str, title: str, bars: Sequence[Bar]) -> str:
    """Horizontal bars. `name` is unique on the page."""
    height = _ROW * len(bars)
    most = max((bar.value for bar in bars), default=0) or 1
    described = "; ".join(f"{bar.label}: {bar.text}" for bar in bars)
    rows = "\n".join(_row(place, bar, most) for place, bar in enumerate(bars))
    drawn = (
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-labelledby="{name}-title {name}-desc">\n'
        f'<title id="{name}-title">{escape(title)}</title>\n<desc id="{name}-desc">{escape(described)}</desc>\n'
        f"{rows}\n</svg>"
    )
    return scroll_box(title, drawn)


def _row(place: int, bar: Bar, most: float) -> str:
    return "".join(_parts(place * _ROW, bar, (WIDTH - _LABEL - _NUMBER) * bar.value / most))


def _parts(top: int, bar: Bar, length: float) -> Iterator[str]:
    middle = top + _ROW / 2 + 5
    yield f'<text class="label" x="{_LABEL - 10}" y="{middle:g}" text-anchor="end">{escape(bar.label)}</text>'
    yield f'<rect class="bar" x="{_LABEL}" y="{top + (_ROW - _BAR) / 2:g}" width="{length:.1f}" height="{_BAR}"/>'
    yield f'<text x="{_LABEL + length + 8:.1f}" y="{middle:g}">{escape(bar.text)}</text>'
