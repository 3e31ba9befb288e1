"""What others say, in full: framed, under a name that the service gives it, over as many blocks as it takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from blocks.kit.elements import Block, Element, bold, code, preformatted, quote, rich, words
from blocks.kit.frame import NOTHING, heading
from blocks.kit.parameters import exactly, pieces
from blocks.kit.text import clean, defanged, host_of
from rules.package.visible import escape_invisible

T = TypeVar("T")


def quoted(name: str, text: str) -> Iterator[Block]:
    """Prose, with a bar beside it."""
    yield from _framed(name, clean(text), quote)


def exact(name: str, value: Any) -> Iterator[Block]:
    """A value as it is, character by character."""
    yield from _framed(name, exactly(value), preformatted)


def listed(name: str, texts: Iterable[str]) -> Iterator[Block]:
    """Several texts, each in a frame of its own: none can pass for two."""
    for which, text in numbered(name, list(texts)):
        yield from quoted(which, text)


def numbered(name: str, items: Sequence[T]) -> Iterator[tuple[str, T]]:
    """Each with its name, and with its number where it is not the only one."""
    for number, item in enumerate(items, 1):
        yield (f"{name} {number} of {len(items)}" if len(items) > 1 else name), item


def lines(name: str, pairs: Iterable[tuple[str, str]]) -> Iterator[Block]:
    """Short things to read and to copy, each on a line of its own, which it cannot leave."""
    written = "\n".join(f"{label}: {_in_a_line(value)}" for label, value in pairs)
    if written:
        yield from _framed(name, written, preformatted)


def _in_a_line(value: str) -> str:
    return escape_invisible(value).replace("\n", r"\n")


def address(name: str, url: str) -> Iterator[Block]:
    """To read and to copy, never to click; beside it the true host, which the path cannot hide."""
    yield rich(words(bold(f"{name}, at the host "), code(host_of(url))), preformatted(defanged(url)))


def _framed(name: str, text: str, frame: Callable[[str], Element]) -> Iterator[Block]:
    for number, piece in enumerate(pieces(text)):
        title = f"{name}, continued" if number else name
        yield rich(heading(title), frame(piece.strip("\n") or NOTHING))
