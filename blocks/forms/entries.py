"""How one value of an agent or a person becomes an input of a form, and how the input is read back.

An entry writes a value into its element and reads what comes back. Reading is strict, because what comes back may be
anything: an element of another type or an option that was not offered is refused, and nothing is guessed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from blocks.forms.json_text import UnreadableError, read_json
from blocks.kit.elements import Element, choice_of, number_input, option, raw_text_input
from blocks.kit.limits import INPUT_TEXT
from blocks.kit.parameters import compact_json, exact_json
from rules.canonical import MAX_INTEGER, canonical_json
from rules.form_schema import is_date
from rules.visible import escape_invisible

ABSENT: Any = object()  # not None, which is a value of JSON
INCOMPLETE = "This form came back incomplete. Close it and open it again."
FILL_IN = "Fill this in; blanks alone do not count."

_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?")
_PLAIN_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,10})?")  # what Slack's input for numbers certainly takes
_PLAIN_WHOLE = re.compile(r"-?[0-9]{1,15}")  # it takes no limit such as 0.5 for a whole number
_WHOLE_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,30})")
_ESCAPE = re.compile(r"\\\\|\\u([0-9a-fA-F]{4})")
_ESCAPED = re.compile(r"(\\\\|\\u[0-9a-fA-F]{4}|[^\\])*")
_SHORT_ESCAPE = re.compile(r"\\([\\trbf])")
_SHORT_FORMS = {"t": "\t", "r": "\r", "b": "\b", "f": "\f"}
_RADIO_CHOICES = 5  # more are in a list
_NO_CHOICE = "none"


class Entry(Protocol):
    def element(self, value: Any) -> Element:
        """The input with this value in it; without one if the value is ABSENT."""

    def read(self, values: Mapping[str, Any]) -> Any:
        """The value, or ABSENT. Raises `UnreadableError`."""


def written_text(values: Mapping[str, Any], *kinds: str) -> str | None:
    """The text of an input of one of these types; None if it is empty."""
    if values.get("type") not in kinds:
        raise UnreadableError(INCOMPLETE)
    value = values.get("value")
    if value is not None and not isinstance(value, str):
        raise UnreadableError(INCOMPLETE)
    return value or None


@dataclass(frozen=True, slots=True)
class TextEntry:
    """A text. `escaped`: backslashes and invisible characters are written as escapes, and read back.

    `empty` is the value of an input that is left empty. `exact`: spaces at the ends belong to the value. `limit` counts
    the characters of the value, which may be more with escapes.
    """

    multiline: bool = True
    escaped: bool = False
    exact: bool = True
    empty: Any = ABSENT
    limit: int = INPUT_TEXT

    def element(self, value: Any) -> Element:
        text = self.write(value) if isinstance(value, str) else None
        return raw_text_input(text, multiline=self.multiline, limit=INPUT_TEXT if self.escaped else self.limit)

    def write(self, value: str) -> str:
        return escape_text(value) if self.escaped else value

    def read(self, values: Mapping[str, Any]) -> Any:
        text = written_text(values, "plain_text_input") or ""
        text = text if self.exact else text.strip()
        if not text:
            return self.empty
        return unescape_text(text) if self.escaped else whole_characters(text)


def needs_escapes(text: str) -> bool:
    """Whether an input could lose or hide a part of the text: spaces at its ends, or invisible characters."""
    return text != text.strip() or escape_invisible(text) != text


def escape_text(text: str) -> str:
    """The text with escapes for everything that an input could lose or hide. Line breaks inside it stay."""
    escaped_text = _SHORT_ESCAPE.sub(_long_escape, escape_invisible(text.replace("\\", "\\\\")))
    kept = escaped_text.strip(" \n")
    begin = escaped_text.find(kept)
    return _escape_all(escaped_text[:begin]) + kept + _escape_all(escaped_text[begin + len(kept) :])


def _long_escape(match: re.Match[str]) -> str:
    """Only one form of escape, so that a backslash and a `t` that someone types are not read as a tab."""
    return match[0] if match[1] == "\\" else _escape_all(_SHORT_FORMS[match[1]])


def _escape_all(text: str) -> str:
    return "".join(f"\\u{ord(character):04x}" for character in text)


def unescape_text(text: str) -> str:
    """The text with its escapes read."""
    if not _ESCAPED.fullmatch(text):
        raise UnreadableError(r"In this field write a backslash as \\ and a hidden character as \u and four digits.")
    units = _ESCAPE.sub(lambda match: "\\" if match[0] == r"\\" else chr(int(match[1], 16)), text)
    return whole_characters(units)


def whole_characters(text: str) -> str:
    """The text, with both halves of a character joined. A single half is no character, and nobody can type it."""
    try:
        return text.encode("utf-16-be", "surrogatepass").decode("utf-16-be")
    except UnicodeDecodeError:
        raise UnreadableError("This text contains half of a character.") from None


@dataclass(frozen=True, slots=True)
class NumberEntry:
    whole: bool
    minimum: float | None = None
    maximum: float | None = None

    def element(self, value: Any) -> Element:
        text = None if value is ABSENT else canonical_json(value).decode()
        bounds = {"min_value": self.minimum, "max_value": self.maximum}
        limits = {name: canonical_json(bound).decode() for name, bound in bounds.items() if bound is not None}
        plain = _PLAIN_WHOLE if self.whole else _PLAIN_NUMBER
        if all(plain.fullmatch(number) for number in (text or "0", *limits.values())):
            return number_input(text, limits, decimal=not self.whole)
        return raw_text_input(text, multiline=False)

    def read(self, values: Mapping[str, Any]) -> Any:
        text = (written_text(values, "number_input", "plain_text_input") or "").strip()
        if not text:
            return ABSENT
        if not _NUMBER.fullmatch(text) or (self.whole and not _WHOLE_NUMBER.fullmatch(text)):
            raise UnreadableError("Write a whole number such as 12." if self.whole else "Write a number such as 12.5.")
        return int(text) if _WHOLE_NUMBER.fullmatch(text) and abs(int(text)) <= MAX_INTEGER else _exact_number(text)


def _exact_number(text: str) -> float:
    """The number, unless it would be rounded or not every reader could read it. Canonical JSON writes 12.0 as 12."""
    number = float(text)
    too_large = abs(number) > MAX_INTEGER and number.is_integer()
    if too_large or Decimal(text) != Decimal(repr(number)):
        raise UnreadableError("This number has more digits than can be kept exactly.")
    return int(number) if number.is_integer() else number


@dataclass(frozen=True, slots=True)
class ChoiceEntry:
    """One of several values, each with its label. The option's value is a position, so nothing is read from a label."""

    choices: tuple[tuple[str, Any], ...]
    leave_out: str | None = None  # the label of an option for no value

    def element(self, value: Any) -> Element:
        options = [option(label, str(number)) for number, (label, _) in enumerate(self.choices)]
        same = (number for number, (_, choice) in enumerate(self.choices) if _same_json(choice, value))
        chosen = next((options[number] for number in same), None)
        if self.leave_out:
            options.append(option(self.leave_out, _NO_CHOICE))
        kind = "radio_buttons" if len(options) <= _RADIO_CHOICES else "static_select"
        return choice_of(kind, options, chosen)

    def read(self, values: Mapping[str, Any]) -> Any:
        """The chosen value, or `ABSENT`. Raises `UnreadableError` if Slack sends anything else."""
        selected = values.get("selected_option") or {}
        if values.get("type") not in ("radio_buttons", "static_select") or not isinstance(selected, Mapping):
            raise UnreadableError(INCOMPLETE)
        value = selected.get("value")
        if value is None or (value == _NO_CHOICE and self.leave_out):
            return ABSENT
        numbers = {str(number): choice for number, (_, choice) in enumerate(self.choices)}
        if not isinstance(value, str) or value not in numbers:
            raise UnreadableError(INCOMPLETE)
        return numbers[value]


def _same_json(one: Any, other: Any) -> bool:
    return other is not ABSENT and canonical_json(one) == canonical_json(other)


@dataclass(frozen=True, slots=True)
class DateEntry:
    def element(self, value: Any) -> Element:
        return {"type": "datepicker"} | ({} if value is ABSENT else {"initial_date": value})

    def read(self, values: Mapping[str, Any]) -> Any:
        value = values.get("selected_date")
        if values.get("type") != "datepicker" or not (value is None or (isinstance(value, str) and is_date(value))):
            raise UnreadableError(INCOMPLETE)
        return value or ABSENT


@dataclass(frozen=True, slots=True)
class JsonEntry:
    """A list or an object, as JSON: the only values that a person must write in a notation."""

    def element(self, value: Any) -> Element:
        return raw_text_input(None if value is ABSENT else json_to_edit(value))

    def read(self, values: Mapping[str, Any]) -> Any:
        text = written_text(values, "plain_text_input")
        if text is None:
            raise UnreadableError("Write the value as JSON: [] is an empty list, {} an empty object.")
        return read_json(text)


def json_to_edit(value: Any) -> str:
    """Indented JSON, or compact JSON if that is too long for an input. It may still be too long."""
    indented = exact_json(value)
    return indented if len(indented) <= INPUT_TEXT else compact_json(value)
