"""HTML, element by element: what is not already HTML is escaped, so nothing can be forgotten."""

from __future__ import annotations

import re
from html import escape

_CODE = re.compile(r"`([^`]+)`|\*\*([^*]+)\*\*")
_FACT = re.compile(r"\{(\w+)\}")
_VOID = frozenset({"meta", "br"})


class Html(str):
    """Finished HTML."""

    __slots__ = ()


Child = str | None


def html(*children: Child) -> Html:
    return Html("".join(each if isinstance(each, Html) else escape(each) for each in children if each is not None))


def el(name: str, /, *children: Child, **attributes: str) -> Html:
    """One element. Attributes are written as Python can: `class_` for `class`."""
    written = "".join(f' {key.rstrip("_")}="{escape(value)}"' for key, value in attributes.items())
    return Html(f"<{name}{written}>" if name in _VOID else f"<{name}{written}>{html(*children)}</{name}>")


def prose(text: str) -> Html:
    """A sentence, with `code` and **weight** as in Markdown."""
    marked = _CODE.sub(
        lambda found: f"<code>{found[1]}</code>" if found[1] else f"<strong>{found[2]}</strong>", escape(text)
    )
    return Html(marked)


def template(text: str) -> Html:
    """A sentence whose facts are still in braces."""
    return Html(_FACT.sub(r"<var>\1</var>", prose(text)))


def paragraphs(text: str) -> Html:
    return html(*(el("p", prose(part)) for part in text.split("\n\n")))
