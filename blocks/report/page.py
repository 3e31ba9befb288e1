"""The page of a report: headings, tables and charts. It has no script, loads nothing, and prints on A4.

Titles, headings, names and texts are plain text and are escaped here. `parts`, `content` and the cells of `table` are
HTML that was escaped before, by `text_line`, `cell` or `charts`. Text of agents must pass through one of these.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape

STYLE = """
:root {
  color-scheme: light dark;
  --ink: #1c1d22; --quiet: #5b5d66; --line: #d5d6dc; --bar: #2f6f8f; --ground: #ffffff;
}
@media (prefers-color-scheme: dark) {
  :root { --ink: #ececf0; --quiet: #a9abb6; --line: #43454f; --bar: #5fa8cc; --ground: #17181c; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 760px; margin: 0 auto; padding: 40px 20px 60px; overflow-wrap: break-word; }
h1 { font-size: 28px; line-height: 1.25; margin: 0 0 4px; }
h2 { font-size: 20px; line-height: 1.3; margin: 40px 0 8px; }
p { margin: 8px 0; max-width: 68ch; }
.quiet, td small { color: var(--quiet); }
td small { display: block; font-size: 14px; }
.scroll { overflow-x: auto; }
.wide, svg { min-width: 560px; }
table { width: 100%; border-collapse: collapse; margin: 12px 0; font-variant-numeric: tabular-nums; }
th, td { padding: 6px 12px 6px 0; border-bottom: 1px solid var(--line); text-align: start; vertical-align: top; }
th { font-size: 14px; color: var(--quiet); font-weight: 600; }
td { min-width: 5em; }
td:first-child { min-width: 9em; }
svg { display: block; width: 100%; height: auto; margin: 12px 0; }
svg text { fill: var(--ink); font: 14px system-ui, sans-serif; }
svg .label { fill: var(--quiet); }
svg .bar { fill: var(--bar); }
@media print {
  :root { --ink: #000000; --quiet: #444444; --line: #bbbbbb; --bar: #2f6f8f; --ground: #ffffff; color-scheme: light; }
  @page { size: A4; margin: 18mm; }
  body { font-size: 11pt; }
  main { max-width: none; padding: 0; }
  h2, tr, svg { break-inside: avoid; }
  h2 { break-after: avoid; }
  .scroll { overflow: visible; }
  .wide, svg { min-width: 0; }
}
"""
_PHONE_COLUMNS = 3  # the most columns that fit on a phone
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main>
{body}
</main>
</body>
</html>
"""


def page(title: str, parts: Iterable[str]) -> str:
    return _PAGE.format(title=escape(title), style=STYLE, body="\n".join(parts))


def chapter(heading: str, *parts: str) -> str:
    return "\n".join((f"<section>\n<h2>{escape(heading)}</h2>", *parts, "</section>"))


def text_line(text: str, *, quiet: bool = False) -> str:
    return f'<p class="quiet">{escape(text)}</p>' if quiet else f"<p>{escape(text)}</p>"


def scroll_box(name: str, content: str) -> str:
    """Let wide content scroll by itself, also with the keyboard. `content` is HTML."""
    return f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(name)}">\n{content}\n</div>'


def table(name: str, titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table that scrolls if it is wide. The titles are text, the cells HTML (`cell`)."""
    head = "".join(f'<th scope="col">{escape(title)}</th>' for title in titles)
    body = "\n".join(_row(row) for row in rows)
    kind = ' class="wide"' if len(titles) > _PHONE_COLUMNS else ""
    return scroll_box(name, f"<table{kind}>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>")


def _row(cells: Sequence[str]) -> str:
    return f"<tr>{''.join(f'<td>{text}</td>' for text in cells)}</tr>"


def cell(text: str, *below: str) -> str:
    """A text, which has its own direction, and smaller lines below it."""
    return "".join(_lines(text, below))


def _lines(text: str, below: Sequence[str]) -> Iterator[str]:
    yield f"<bdi>{escape(text)}</bdi>"
    yield from (f"<small><bdi>{escape(line)}</bdi></small>" for line in below if line)
