"""The HTML of a mail: inline styles, nothing to fetch, no form, no script, and links only to cards.

Its only colour is a grey that is visible on light and dark ground, so it looks right in both modes and on paper.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from blocks.kit.elements import Element
from blocks.mail.document import Chapter, items_of, visible_text

_GREY = "#888888"
_FRAME = "margin:4px 0 12px;white-space:pre-wrap;overflow-wrap:anywhere"
_BOX = f"{_FRAME};padding:8px 12px;border:1px solid {_GREY};border-radius:6px;font:14px/1.5 monospace"
_QUOTE = f"{_FRAME};padding:2px 0 2px 12px;border-left:3px solid {_GREY}"
_STYLES = {"bold": "strong", "italic": "em", "code": "code"}
_PAGE = """<!doctype html>
<html lang="en" style="color-scheme:light dark">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<meta name="format-detection" content="telephone=no,date=no,address=no,email=no,url=no">
<title>{title}</title>
</head>
<body style="margin:0;padding:16px;font:16px/1.5 sans-serif">
<div style="max-width:640px;margin:0 auto;overflow-wrap:anywhere">
{body}
</div>
</body>
</html>
"""


def html_page(title: str, chapters: Iterable[Chapter]) -> str:
    return _PAGE.format(title=escape(title), body="\n".join(map(_chapter, chapters)))


def _chapter(chapter: Chapter) -> str:
    parts = "\n".join([*_heading(chapter), *map(html_part, chapter.parts)])
    return f'<div style="margin:0 0 24px">\n{parts}\n</div>'


def _heading(chapter: Chapter) -> list[str]:
    level, size = ("h1", 22) if chapter.is_title else ("h2", 17)
    style = f"font-size:{size}px;line-height:1.3;margin:0 0 8px"
    return [f'<{level} style="{style}">{escape(chapter.heading)}</{level}>'] if chapter.heading else []


def html_part(part: Element) -> str:
    """A text of others has its own direction, and its neighbours keep theirs."""
    match part["type"]:
        case "rich_text_quote":
            return f'<blockquote dir="auto" style="{_QUOTE}">{_runs(part["elements"])}</blockquote>'
        case "rich_text_preformatted":
            return f'<pre dir="ltr" style="{_BOX}">{_runs(part["elements"])}</pre>'
        case "rich_text_list":
            items = "".join(f"<li>{_runs(item)}</li>" for item in items_of(part))
            return f'<ul style="margin:4px 0 12px;padding-left:20px">{items}</ul>'
        case _:
            return f'<p style="margin:4px 0">{_runs(part["elements"])}</p>'


def _runs(runs: Iterable[Element]) -> str:
    return "".join(map(_run, runs))


def _run(run: Element) -> str:
    text = escape(visible_text(run))
    if run["type"] == "link":
        return f'<a href="{escape(run["url"])}" rel="noreferrer">{text}</a>'
    for style, tag in _STYLES.items():
        text = f"<{tag}>{text}</{tag}>" if run.get("style", {}).get(style) else text
    return text
