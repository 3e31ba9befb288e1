"""The plain text of a mail. Each line that the service did not write begins with a bar."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from blocks.kit.elements import Element
from blocks.mail.document import Chapter, items_of, visible_text

_BAR = "│ "


def plain_page(chapters: Iterable[Chapter]) -> str:
    return "".join(piece for chapter in chapters for piece in _pieces(chapter)).lstrip("\n") + "\n"


def _pieces(chapter: Chapter) -> Iterator[str]:
    """Paragraphs have an empty line before them. A frame stands directly below its label."""
    if chapter.heading:
        underline = "=" if chapter.is_title else "-"
        yield f"\n\n{chapter.heading}\n{underline * min(len(chapter.heading), 60)}"
    for part in chapter.parts:
        is_frame = part["type"] in ("rich_text_quote", "rich_text_preformatted")
        yield _framed(part) if is_frame else f"\n\n{_paragraph(part)}"


def _framed(part: Element) -> str:
    return "".join(f"\n{_BAR}{line}" for line in _text(part["elements"]).split("\n"))


def _paragraph(part: Element) -> str:
    if part["type"] == "rich_text_list":
        return "\n".join(f"- {_text(item)}" for item in items_of(part))
    return _text(part["elements"])


def _text(runs: Iterable[Element]) -> str:
    return "".join(map(_run, runs))


def _run(run: Element) -> str:
    text = visible_text(run)
    return f"{text}: {run['url']}" if run["type"] == "link" else text
