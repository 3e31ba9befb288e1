"""Lays out what people approve as lines of text, and decides how many of these lines a card shows.

The passages of a package hold what its action digest covers: the subject and every parameter of a call, and for other
kinds the content too. Cards, forms and Details show these lines and no others, so "shown whole" means the same for the
rules and for the reader. A card joins short neighbouring parameters to one line.

A value can be read back from its lines exactly: numbers are written as in canonical JSON, invisible characters are
escaped, and a text stands without quotation marks only if nothing else could be meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from json import dumps
from typing import Any, NamedTuple

from rules.canonical import canonical_json
from rules.package.model import CALLS, DecisionPackage, Kind
from rules.policy.actions import Look
from rules.string_enum import StringEnum
from rules.visible import escape_invisible

# The limits of a card. The subject has a line of its own.
CARD_LINES = 20
CARD_CHARACTERS = 2_500
SUBJECT_CHARACTERS = 450
HEADER_CHARACTERS = 130  # a longer title is a passage of its own
FORM_CHARACTERS = 240_000  # the limit of a form, over all of its steps

_MAX_WIDTH = 80  # a list or an object that fits is written on one line
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_PLAIN_WORD = re.compile(r"[A-Za-z0-9_.:/@#+-]+")
# A text without quotation marks. Letters are Latin: in other scripts, the neighbouring signs may change places.
_LATIN = "A-Za-zÀ-ÖØ-öø-ɏ"
_PLAIN_TEXT = re.compile(rf"[{_LATIN}](?:[{_LATIN}0-9_.,/@#+&'()%?=-]|:(?! )| (?! ))*(?<![ :])")
_LITERALS = frozenset(["true", "false", "null", "none", "yes", "no", "nan", "infinity"])
_JOINABLE = re.compile(rf"[ -~{_LATIN}]*[^ :]")  # a parameter on one line that may be joined to others
_JOIN = " · "
_CUT = "…"


class Content(StringEnum):
    SUBJECT = "subject"
    TITLE = "title"
    PROPOSAL = "proposed_action"
    MEMORY = "proposed_memory"
    EXCEPTION = "requested_exception"
    JUSTIFICATION = "justification"
    EMAIL = "email"
    TEXT = "text"
    BODY = "body"
    MESSAGE = "message"
    CONTENT = "content"
    PARAMETERS = "action_parameters"
    RATIONALE = "rationale"


# The parameters that are texts to read, by kind.
_PROSE: Mapping[Kind, tuple[Content, ...]] = {
    Kind.MEMORY: (Content.MEMORY,),
    Kind.POLICY_EXCEPTION: (Content.EXCEPTION, Content.JUSTIFICATION),
}

# The keys that read as an e-mail by themselves, and those that do if the catalogue says that it is one.
_EMAIL_HEADERS, _EMAIL_TEXTS = ("to", "subject"), (Content.TEXT, Content.BODY)
_RECIPIENTS = ("to", "recipient", "recipients")
_LOOK_HEADERS, _LOOK_TEXTS = (*_RECIPIENTS, "subject"), (*_EMAIL_TEXTS, Content.MESSAGE, Content.CONTENT)
EMAIL_PARTS = (Content.EMAIL, *_LOOK_TEXTS)


class _Email(NamedTuple):
    """The keys of the parameters that are laid out as an e-mail; none if they cannot be one."""

    headers: tuple[str, ...] = ()
    texts: tuple[Content, ...] = ()


class Passage(NamedTuple):
    part: Content
    lines: Iterable[str]


class Piece(NamedTuple):
    """The part of a passage that a card shows."""

    part: Content
    lines: tuple[str, ...]
    whole: bool


def passages(package: DecisionPackage, look: Look | None = None) -> Iterator[Passage]:
    """The passages of the package in reading order. `look` is that of the catalogue's entry at submission."""
    if subject := _subject(package):
        yield Passage(Content.SUBJECT, [subject])
    content = package.kind not in CALLS
    if content and not _fits_header(package.title):
        yield Passage(Content.TITLE, lines_of_text(package.title))
    if content:
        yield Passage(Content.PROPOSAL, lines_of_text(package.proposed_action))
    yield from _parameter_passages(package, look)
    if content:
        yield Passage(Content.RATIONALE, lines_of_text(package.rationale))


def _parameter_passages(package: DecisionPackage, look: Look | None) -> Iterator[Passage]:
    parameters = package.action_parameters or {}
    headers, texts = _email_keys(parameters, look) if package.kind in CALLS else _Email()
    texts = texts or _PROSE.get(package.kind, ())
    if headers:
        yield Passage(Content.EMAIL, [f"{name.capitalize()}: {_on_one_line(parameters[name])}" for name in headers])
    yield from (Passage(part, lines_of_text(parameters[part])) for part in texts)
    others = {name: value for name, value in parameters.items() if name not in texts and name not in headers}
    if others or package.action_parameters == {}:
        yield Passage(Content.PARAMETERS, _members(others, "") if others else ["{}"])


def _email_keys(parameters: Mapping[str, Any], look: Look | None) -> _Email:
    """A recipient always stands first, so that no text can imitate one."""
    if look is Look.EMAIL:
        email = _fitting_keys(parameters, _LOOK_HEADERS, _LOOK_TEXTS)
        return email if email.texts and not set(email.headers).isdisjoint(_RECIPIENTS) else _Email()
    email = _fitting_keys(parameters, _EMAIL_HEADERS, _EMAIL_TEXTS)
    has_one_text = len(email.texts) == sum(name in parameters for name in _EMAIL_TEXTS) == 1
    return email if has_one_text and email.headers == _EMAIL_HEADERS else _Email()


def _fitting_keys(parameters: Mapping[str, Any], headers: Iterable[str], texts: Iterable[Content]) -> _Email:
    """Headers whose values stand on one line, and texts."""
    return _Email(
        tuple(name for name in headers if name in parameters and _on_one_line(parameters[name]) is not None),
        tuple(name for name in texts if isinstance(parameters.get(name), str)),
    )


def card_passages(package: DecisionPackage, look: Look | None = None) -> Iterator[Passage]:
    """The passages as a card lays them out."""
    for part, lines in passages(package, look):
        yield Passage(part, _joined(lines) if part is Content.PARAMETERS else lines)


def card_pieces(package: DecisionPackage, look: Look | None = None) -> tuple[Piece, ...]:
    """The passages as far as a card shows them. After the first one that is cut, only the subject follows."""
    room, shown = _Room(CARD_LINES, CARD_CHARACTERS), list[Piece]()
    for part, lines in card_passages(package, look):
        if part is Content.SUBJECT:
            shown.append(_Room(1, SUBJECT_CHARACTERS).fit(part, lines))
        elif all(piece.whole for piece in shown if piece.part is not Content.SUBJECT):
            shown.append(room.fit(part, lines))
    return tuple(shown)


def _joined(lines: Iterable[str]) -> Iterator[str]:
    """Short parameters that follow one another share a line."""
    entry = ""
    for line in lines:
        if entry and _JOINABLE.fullmatch(line) and len(entry) + len(_JOIN) + len(line) <= _MAX_WIDTH:
            entry += _JOIN + line
            continue
        if entry:
            yield entry
        entry = line if _JOINABLE.fullmatch(line) and not line.startswith(" ") else ""
        if not entry:
            yield line
    if entry:
        yield entry


def fits_on_card(package: DecisionPackage, look: Look | None = None) -> bool:
    return all(piece.whole for piece in card_pieces(package, look))


def fits_in_form(package: DecisionPackage) -> bool:
    """Without a look: `key: value` lines are never shorter than another layout."""
    room = FORM_CHARACTERS
    for _, lines in passages(package):
        for line in lines:
            room -= len(line)
            if room < 0:
                return False
    return True


@dataclass(slots=True)
class _Room:
    """The lines and characters that are left of a limit."""

    lines: int
    characters: int

    def fit(self, part: Content, lines: Iterable[str]) -> Piece:
        """As many of these lines as there is room for. The last may be cut."""
        kept: list[str] = []
        for line in lines:
            if not self.lines or not self.characters:
                return Piece(part, tuple(kept), whole=False)
            if len(line) > self.characters:
                shortened = line[: self.characters - 1] + _CUT
                return Piece(part, (*kept, shortened), whole=False)
            kept.append(line)
            self.lines -= 1
            self.characters -= len(line)
        return Piece(part, tuple(kept), whole=True)


def _fits_header(title: str) -> bool:
    return len(title) <= HEADER_CHARACTERS and escape_invisible(title) == title == " ".join(title.split())


def _subject(package: DecisionPackage) -> str:
    kind, name = package.subject_type, package.subject_id
    return f"{_plain_or_quoted(kind)} {_plain_or_quoted(name)}" if kind or name else ""


def _plain_or_quoted(text: str | None) -> str:
    if text is None:
        return "–"
    return text if _PLAIN_WORD.fullmatch(text) else _quote(text)


def lines_of_text(text: str) -> Iterator[str]:
    return map(_escape_line, text.split("\n"))


def _escape_line(line: str) -> str:
    """The line as in JSON, without quotation marks. A space at the end is escaped, because nobody could see it."""
    shown_text = escape_invisible(line.replace("\\", "\\\\"))
    return shown_text[:-1] + r"\u0020" if shown_text.endswith(" ") else shown_text


def _members(value: Mapping[str, Any], indent: str) -> Iterator[str]:
    for name, item in value.items():
        yield from _entry(f"{indent}{_key(name)}:", item, indent + "  ")


def _items(values: Iterable[Any], indent: str) -> Iterator[str]:
    for item in values:
        yield from _entry(f"{indent}-", item, indent + "  ")


def _entry(label: str, value: Any, indent: str) -> Iterator[str]:
    """The value on the line of its label, or on lines below it. Each line of a text is marked by a bar."""
    shown_text = _on_one_line(value)
    if shown_text is not None:
        yield f"{label} {shown_text}"
        return
    yield label
    match value:
        case str():
            yield from (f"{indent}│ {line}" for line in lines_of_text(value))
        case dict():
            yield from _members(value, indent)
        case _:
            yield from _items(value, indent)


def _on_one_line(value: Any) -> str | None:
    match value:
        case str():
            return None if "\n" in value else _plain_text(value) or _quote(value)
        case dict() | list() | tuple():
            return _flow_style(value)
        case _:
            return canonical_json(value).decode()


def _flow_style(value: dict[str, Any] | list[Any] | tuple[Any, ...]) -> str | None:
    """A short list or object of scalars on one line; None if it does not fit."""
    items = list(value.values()) if isinstance(value, dict) else value
    if len(items) > _MAX_WIDTH or any(isinstance(item, dict | list | tuple) and item for item in items):
        return None
    if any(isinstance(item, str) and "\n" in item for item in items):
        return None
    shown_items = [_quote(item) if isinstance(item, str) else _on_one_line(item) for item in items]
    if isinstance(value, dict):
        text = "{" + ", ".join(f"{_key(name)}: {item}" for name, item in zip(value, shown_items, strict=True)) + "}"
    else:
        text = f"[{', '.join(map(str, shown_items))}]"
    return text if len(text) <= _MAX_WIDTH else None


def _plain_text(text: str) -> str | None:
    """The text, if it needs no quotation marks."""
    plain = _PLAIN_TEXT.fullmatch(text) and text.lower() not in _LITERALS
    return text if plain else None


def _key(name: str) -> str:
    return name if _PLAIN_KEY.fullmatch(name) else _quote(name)


def _quote(text: str) -> str:
    return escape_invisible(dumps(text, ensure_ascii=False))
