"""What people approve, laid out in the lines in which they read it; and how many of these lines a card shows.

The passages of a package hold what its action digest covers: the subject and every parameter of a call, and for other
kinds the content too. Cards, forms and Details draw these lines and no others, so that "shown whole" means the same
for a rule and for a reader. A value reads back from its lines exactly: digits are those of the canonical JSON, and
characters that nobody can see are spelled out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from json import dumps
from typing import Any, NamedTuple

from rules.canonical import canonical_json
from rules.package.model import CALLS, DecisionPackage, Kind
from rules.package.visible import escape_invisible

# What a card shows. The subject has one line of its own.
CARD_LINES = 20
CARD_CHARACTERS = 2_500
SUBJECT_CHARACTERS = 450
HEADER_TITLE = 130
FORM_CHARACTERS = 240_000  # what a form can hold, over all of its steps

_NARROW = 80  # a list or an object that fits stands on one line
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_PLAIN_WORD = re.compile(r"[A-Za-z0-9_.:/@#+-]+")
_CUT = "…"


class Content(StrEnum):
    SUBJECT = "subject"
    TITLE = "title"
    PROPOSAL = "proposed_action"
    MEMORY = "proposed_memory"
    EXCEPTION = "requested_exception"
    JUSTIFICATION = "justification"
    PARAMETERS = "action_parameters"
    RATIONALE = "rationale"


_PROSE: Mapping[Kind, tuple[Content, ...]] = {
    Kind.MEMORY: (Content.MEMORY,),
    Kind.POLICY_EXCEPTION: (Content.EXCEPTION, Content.JUSTIFICATION),
}
"""The parameters that are texts to read, by kind."""


class Passage(NamedTuple):
    part: Content
    lines: Iterable[str]


class Piece(NamedTuple):
    """What a card shows of a passage."""

    part: Content
    lines: tuple[str, ...]
    whole: bool


def passages(package: DecisionPackage) -> Iterator[Passage]:
    """In reading order."""
    if subject := _subject(package):
        yield Passage(Content.SUBJECT, [subject])
    content = package.kind not in CALLS
    if content and not _stands_in_a_header(package.title):
        yield Passage(Content.TITLE, _prose(package.title))
    if content:
        yield Passage(Content.PROPOSAL, _prose(package.proposed_action))
    given = package.action_parameters or {}
    texts = _PROSE.get(package.kind, ())
    yield from (Passage(part, _prose(given[part])) for part in texts)
    others = {name: value for name, value in given.items() if name not in texts}
    if others or package.action_parameters == {}:
        yield Passage(Content.PARAMETERS, _members(others, "") if others else ["{}"])
    if content:
        yield Passage(Content.RATIONALE, _prose(package.rationale))


def card_pieces(package: DecisionPackage) -> tuple[Piece, ...]:
    """The passages as far as a card shows them. After the first cut, only the subject follows."""
    room, shown = _Room(CARD_LINES, CARD_CHARACTERS), list[Piece]()
    for part, lines in passages(package):
        if part is Content.SUBJECT:
            shown.append(_Room(1, SUBJECT_CHARACTERS).filled(part, lines))
        elif all(piece.whole for piece in shown if piece.part is not Content.SUBJECT):
            shown.append(room.filled(part, lines))
    return tuple(shown)


def fits_on_card(package: DecisionPackage) -> bool:
    return all(piece.whole for piece in card_pieces(package))


def fits_in_form(package: DecisionPackage) -> bool:
    room = FORM_CHARACTERS
    for _, lines in passages(package):
        for line in lines:
            room -= len(line)
            if room < 0:
                return False
    return True


@dataclass(slots=True)
class _Room:
    """What is left of a limit."""

    lines: int
    characters: int

    def filled(self, part: Content, lines: Iterable[str]) -> Piece:
        taken: list[str] = []
        for line in lines:
            if not self.lines or not self.characters:
                return Piece(part, tuple(taken), whole=False)
            if len(line) > self.characters:
                begun = line[: self.characters - 1] + _CUT
                return Piece(part, (*taken, begun), whole=False)
            taken.append(line)
            self.lines -= 1
            self.characters -= len(line)
        return Piece(part, tuple(taken), whole=True)


def _stands_in_a_header(title: str) -> bool:
    return len(title) <= HEADER_TITLE and escape_invisible(title) == title == " ".join(title.split())


def _subject(package: DecisionPackage) -> str:
    kind, name = package.subject_type, package.subject_id
    return f"{_word(kind)} {_word(name)}" if kind or name else ""


def _word(text: str | None) -> str:
    if text is None:
        return "–"
    return text if _PLAIN_WORD.fullmatch(text) else _quoted(text)


def _prose(text: str) -> Iterator[str]:
    return map(_escaped, text.split("\n"))


def _escaped(line: str) -> str:
    """As in JSON, but for its quotation marks. A space at the end could not be seen."""
    written = escape_invisible(line.replace("\\", "\\\\"))
    return written[:-1] + r"\u0020" if written.endswith(" ") else written


def _members(value: Mapping[str, Any], indent: str) -> Iterator[str]:
    for name, item in value.items():
        yield from _entry(f"{indent}{_key(name)}:", item, indent + "  ")


def _items(values: Iterable[Any], indent: str) -> Iterator[str]:
    for item in values:
        yield from _entry(f"{indent}-", item, indent + "  ")


def _entry(label: str, value: Any, indent: str) -> Iterator[str]:
    """On the line of its label, or on lines of its own below it. A bar stands beside each line of a text."""
    written = _on_one_line(value)
    if written is not None:
        yield f"{label} {written}"
        return
    yield label
    match value:
        case str():
            yield from (f"{indent}│ {line}" for line in _prose(value))
        case dict():
            yield from _members(value, indent)
        case _:
            yield from _items(value, indent)


def _on_one_line(value: Any) -> str | None:
    match value:
        case str():
            return None if "\n" in value else _quoted(value)
        case dict() | list() | tuple():
            return _flat(value)
        case _:
            return canonical_json(value).decode()


def _flat(value: dict[str, Any] | list[Any] | tuple[Any, ...]) -> str | None:
    """A short list or object of plain values."""
    items = list(value.values()) if isinstance(value, dict) else value
    if len(items) > _NARROW or any(isinstance(item, dict | list | tuple) and item for item in items):
        return None
    each = [_on_one_line(item) for item in items]
    if None in each:
        return None
    if isinstance(value, dict):
        text = "{" + ", ".join(f"{_key(name)}: {item}" for name, item in zip(value, each, strict=True)) + "}"
    else:
        text = f"[{', '.join(map(str, each))}]"
    return text if len(text) <= _NARROW else None


def _key(name: str) -> str:
    return name if _PLAIN_KEY.fullmatch(name) else _quoted(name)


def _quoted(text: str) -> str:
    return escape_invisible(dumps(text, ensure_ascii=False))
