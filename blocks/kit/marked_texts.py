"""Two versions of a text, with what differs: words that were removed are struck out, new ones are bold.

Texts are compared word by word. An agent writes both, so the effort is bounded: longer differences are compared line by
line, and the longest are marked whole.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from difflib import SequenceMatcher
from itertools import groupby, takewhile
from operator import eq, itemgetter
from typing import NamedTuple

from blocks.kit.elements import Element, Run, bold, struck
from blocks.kit.limits import TEXT
from blocks.kit.parameters import pieces

_GRAINS = (re.compile(r"\s*\S+|\s+"), re.compile(r"[^\n]*\n|[^\n]+"), re.compile(r".+", re.DOTALL))
_EFFORT = 40_000  # comparisons of two words
_RUNS = 200  # in one block

Marked = list[tuple[str, bool]]  # parts of a text, and whether they are missing in the other text


def marked_texts(before: str, after: str) -> tuple[list[Run], list[Run]]:
    old, new = _compare(before, after)
    return _runs(old, struck), _runs(new, bold)


def split_runs(runs: Iterable[Run]) -> Iterator[list[Run]]:
    """The runs in parts that a block can hold."""
    part: list[Run] = []
    size = 0
    for run in runs:
        length = len(run if isinstance(run, str) else run["text"])
        if part and (size + length > TEXT or len(part) == _RUNS):
            yield part
            part, size = [], 0
        part.append(run)
        size += length
    if part:
        yield part


class _Comparison(NamedTuple):
    """`begin` and `end`: how many parts are the same in both texts, at the beginning and at the end."""

    old: list[str]
    new: list[str]
    begin: int
    end: int

    @property
    def effort(self) -> int:
        return len(self.between(self.old)) * len(self.between(self.new))

    def between(self, parts: list[str]) -> list[str]:
        return parts[self.begin : len(parts) - self.end]


def _compare(before: str, after: str) -> tuple[Marked, Marked]:
    """Compare by word, by line or as a whole: the finest that is not too much effort. The last is always possible."""
    compared = (_split(grain.findall(before), grain.findall(after)) for grain in _GRAINS)
    return _mark(next(comparison for comparison in compared if comparison.effort <= _EFFORT))


def _split(old: list[str], new: list[str]) -> _Comparison:
    begin = _common_length(old, new)
    return _Comparison(old, new, begin, _common_length(old[begin:][::-1], new[begin:][::-1]))


def _common_length(old: list[str], new: list[str]) -> int:
    return len(list(takewhile(bool, map(eq, old, new))))


def _mark(compared: _Comparison) -> tuple[Marked, Marked]:
    old, new = compared.between(compared.old), compared.between(compared.new)
    kept_old, kept_new = set[int](), set[int]()
    for block in SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks():
        kept_old.update(range(block.a, block.a + block.size))
        kept_new.update(range(block.b, block.b + block.size))
    return _marked(compared.old, compared, kept_old), _marked(compared.new, compared, kept_new)


def _marked(parts: list[str], compared: _Comparison, kept: set[int]) -> Marked:
    between = range(compared.begin, len(parts) - compared.end)
    return [(part, place in between and place - compared.begin not in kept) for place, part in enumerate(parts)]


def _runs(marked: Marked, style: Callable[[str], Element]) -> list[Run]:
    return [
        style(piece) if differs else piece
        for differs, group in groupby(marked, key=itemgetter(1))
        for piece in pieces("".join(part for part, _ in group))
    ]
