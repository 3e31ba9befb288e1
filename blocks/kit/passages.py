"""Complete texts and values of others: framed, under a heading of the service, over as many blocks as needed.

Nothing is shortened: a long text continues in further blocks of the same frame. Invisible characters become visible in
values, and addresses cannot be clicked. Details and its history are built from these functions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from blocks.kit.elements import Block, Element, Run, bold, code, paragraph, preformatted, quote, rich
from blocks.kit.frame import NOTHING
from blocks.kit.parameters import exact_json, pieces
from blocks.kit.text import clean, defang, host_of
from rules.visible import escape_invisible

T = TypeVar("T")


def quote_blocks(name: str, text: str, *beside: Run) -> Iterator[Block]:
    """Prose in a quote. `beside` are the service's own words after the name."""
    yield from _framed(name, clean(text), quote, *beside)


def value_blocks(name: str, value: Any) -> Iterator[Block]:
    """A value as exact JSON in a box."""
    yield from _framed(name, exact_json(value), preformatted)


def list_blocks(name: str, texts: Iterable[str]) -> Iterator[Block]:
    """Several texts under one heading, each in its own frame, so that one cannot pass for two."""
    for title, text in one_heading(name, texts):
        yield from quote_blocks(title, text)


def one_heading(name: str, items: Iterable[T]) -> Iterator[tuple[str, T]]:
    """The first item with the heading, the others without one."""
    for number, item in enumerate(items):
        yield "" if number else name, item


def line_blocks(name: str, pairs: Iterable[tuple[str, str]]) -> Iterator[Block]:
    """Short values to copy, one line each; a value cannot leave its line."""
    text = "\n".join(f"{label}: {_in_a_line(value)}" for label, value in pairs)
    if text:
        yield from _framed(name, text, preformatted)


def _in_a_line(value: str) -> str:
    return escape_invisible(value).replace("\n", r"\n")


def url_blocks(name: str, url: str) -> Iterator[Block]:
    """A URL to copy, not to click, under its true host, which its path cannot hide."""
    yield rich(paragraph(bold(f"{name}, at the host "), code(host_of(url))), preformatted(defang(url)))


def _framed(name: str, text: str, frame: Callable[[str], Element], *beside: Run) -> Iterator[Block]:
    for number, piece in enumerate(pieces(text)):
        title = name
        if number:
            title = f"{name}, continued" if name else "continued"
        heading = [paragraph(bold(title), *beside)] if title else []
        yield rich(*heading, frame(piece.strip("\n") or NOTHING))
