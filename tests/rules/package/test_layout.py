"""The lines of text that people approve: exact, and the same for rules and readers."""

from __future__ import annotations

import json
import re
from itertools import chain
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.canonical import canonical_json
from rules.package.layout import (
    CARD_CHARACTERS,
    CARD_LINES,
    Content,
    card_passages,
    card_pieces,
    fits_in_form,
    fits_on_card,
    passages,
)
from rules.package.model import DecisionPackage, action_digest
from rules.policy.actions import Look
from tests.rules.world import package

_texts = st.text(st.characters(codec="utf-8", exclude_characters="\ufffe\uffff"), max_size=12).filter(
    lambda text: not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f]", text)
)
_scalars = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(-1e15, 1e15) | _texts
_lures = st.sampled_from(
    ["- 1", "a: 1", "│ a", "  to: b", 'x"\\', "\\n", "line\n  to: other\n", "\n", "[1, 2]", "–", "a " * 60]
)
_values = st.recursive(
    _scalars | _lures,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_texts | _lures, inner, max_size=4),
    max_leaves=12,
)
_objects = st.dictionaries(_texts | _lures, _values, min_size=1, max_size=5)


def lines_of(proposal: DecisionPackage, part: Content = Content.PARAMETERS) -> list[str]:
    return list(chain.from_iterable(lines for name, lines in passages(proposal) if name is part))


@pytest.mark.slow
@given(_objects)
def test_parameters_read_back_exactly_from_their_lines(parameters: dict[str, Any]) -> None:
    lines = lines_of(package(action_parameters=parameters))
    assert [line for line in lines if "\n" in line] == []
    assert canonical_json(_Reader(lines).members("")) == canonical_json(parameters)


@pytest.mark.slow
@given(_objects)
def test_lines_that_a_card_joins_can_be_told_apart(parameters: dict[str, Any]) -> None:
    proposal = package(action_parameters=parameters)
    joined = chain.from_iterable(lines for part, lines in card_passages(proposal) if part is Content.PARAMETERS)
    assert [entry for line in joined for entry in _split(line)] == lines_of(proposal)


@pytest.mark.slow
@given(_objects)
def test_no_line_contains_invisible_characters(parameters: dict[str, Any]) -> None:
    written = "".join(lines_of(package(action_parameters=parameters)))
    assert re.findall("[\u200b-\u200f\u202a-\u202e\u2060-\u2064\u00ad\u00a0\ufeff\u2028\u2029\ufe0f]", written) == []


@pytest.mark.slow
@given(_objects, _objects)
def test_content_that_reads_the_same_has_the_same_digest(one: dict[str, Any], other: dict[str, Any]) -> None:
    first, second = package(action_parameters=one), package(action_parameters=other)
    assert (lines_of(first) == lines_of(second)) <= (action_digest(first) == action_digest(second))


@pytest.mark.parametrize(
    ("subject", "line"),
    [
        pytest.param({"subject_type": "case", "subject_id": "ACME-17"}, ["case ACME-17"], id="plain"),
        pytest.param({"subject_type": "a b", "subject_id": "c"}, ['"a b" c'], id="a type with a space"),
        pytest.param({"subject_type": "a", "subject_id": "b c"}, ['a "b c"'], id="an id with a space"),
        pytest.param({"subject_id": "7"}, ["– 7"], id="no type"),
        pytest.param({"subject_id": "7\u200b"}, [r'– "7\u200b"'], id="an unseen character"),
    ],
)
def test_a_subject_has_one_line(subject: dict[str, str], line: list[str]) -> None:
    assert lines_of(package(**subject), Content.SUBJECT) == line


def test_digits_are_those_of_the_canonical_json() -> None:
    lines = lines_of(package(action_parameters={"amount": 120.0, "rate": 1e-7, "large": 1e21, "text": "120.00"}))
    assert lines == ["amount: 120", "rate: 1e-7", "large: 1e+21", 'text: "120.00"']


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("EUR", "p: EUR"),
        ("Entity ABC, 4 Quay Street, Northport", "p: Entity ABC, 4 Quay Street, Northport"),
        ("https://a.example/b?c=1", "p: https://a.example/b?c=1"),
        ("legal@acme.example", "p: legal@acme.example"),
        ("Zoë Müller", "p: Zoë Müller"),
        ("120.00", 'p: "120.00"'),
        ("1e5", 'p: "1e5"'),
        ("true", 'p: "true"'),
        ("No", 'p: "No"'),
        ("null", 'p: "null"'),
        ("EUR · amount: 5", 'p: "EUR · amount: 5"'),
        ("EUR amount: 5", 'p: "EUR amount: 5"'),
        ("EUR  5", 'p: "EUR  5"'),
        ("EUR ", 'p: "EUR "'),
        ("EUR:", 'p: "EUR:"'),
        ('EUR"', 'p: "EUR\\""'),
        ("EU\u200bR", r'p: "EU\u200bR"'),
        ("\u0415UR", 'p: "\u0415UR"'),
        ("", 'p: ""'),
    ],
)
def test_a_text_has_no_quotation_marks_only_if_nothing_else_could_be_meant(text: str, line: str) -> None:
    assert lines_of(package(action_parameters={"p": text})) == [line]


def test_short_parameters_share_a_line_on_a_card() -> None:
    given_ = {"amount": "120.00", "currency": "EUR", "list": [[1]], "order": "456", "note": "x" * 80, "last": None}
    (piece,) = card_pieces(package(action_parameters=given_))
    assert piece.lines == (
        'amount: "120.00" · currency: EUR',
        "list:",
        "  - [1]",
        'order: "456"',
        f"note: {'x' * 80}",
        "last: null",
    )


EMAIL = {
    "to": "legal@acme.example",
    "subject": "Your order",
    "text": "Dear Ms Lane,\n\nIt is on its way.",
    "bcc": "x@y.z",
}


def test_an_email_reads_as_one_and_its_other_parameters_stand_below() -> None:
    shown = [(passage.part, list(passage.lines)) for passage in passages(package(action_parameters=EMAIL))]
    assert shown == [
        (Content.EMAIL, ["To: legal@acme.example", "Subject: Your order"]),
        (Content.TEXT, ["Dear Ms Lane,", "", "It is on its way."]),
        (Content.PARAMETERS, ["bcc: x@y.z"]),
    ]


@pytest.mark.parametrize(
    "change",
    [{"subject": None}, {"to": [["a@b.c"]]}, {"to": "a\nb"}, {"text": 5}, {"body": "Two texts"}],
    ids=["no subject", "a nested address", "an address of two lines", "a number as text", "two texts"],
)
def test_parameters_that_are_not_quite_those_of_an_email_are_shown_as_they_are(change: dict[str, Any]) -> None:
    given_ = {name: value for name, value in (EMAIL | change).items() if value is not None}
    assert [part for part, _ in passages(package(action_parameters=given_))] == [Content.PARAMETERS]


LETTER = {"recipients": ["legal@acme.example", "x@y.z"], "message": "Dear Ms Lane,\n\nHello.", "priority": 1}


def shown_parts(parameters: dict[str, Any], look: Look | None) -> list[tuple[Content, list[str]]]:
    return [(part, list(lines)) for part, lines in passages(package(action_parameters=parameters), look)]


def test_with_the_look_of_an_email_other_names_read_as_one_too_and_keep_their_names() -> None:
    assert shown_parts(LETTER, Look.EMAIL) == [
        (Content.EMAIL, ['Recipients: ["legal@acme.example", "x@y.z"]']),
        (Content.MESSAGE, ["Dear Ms Lane,", "", "Hello."]),
        (Content.PARAMETERS, ["priority: 1"]),
    ]
    assert [part for part, _ in shown_parts(LETTER, None)] == [Content.PARAMETERS]


def test_with_the_look_of_an_email_a_missing_subject_is_left_out() -> None:
    no_subject = {name: value for name, value in EMAIL.items() if name != "subject"}
    assert shown_parts(no_subject, Look.EMAIL)[0] == (Content.EMAIL, ["To: legal@acme.example"])


def test_with_the_look_of_an_email_every_text_is_shown_under_its_own_name() -> None:
    parts = [part for part, _ in shown_parts(EMAIL | {"body": "Two texts"}, Look.EMAIL)]
    assert parts == [Content.EMAIL, Content.TEXT, Content.BODY, Content.PARAMETERS]


def test_with_the_look_of_an_email_a_value_that_is_no_header_or_text_stands_below() -> None:
    given_ = EMAIL | {"subject": "two\nlines", "body": 5}
    (_, headers), _, (_, below) = shown_parts(given_, Look.EMAIL)
    assert headers == ["To: legal@acme.example"]
    assert below == ["subject:", "  │ two", "  │ lines", "bcc: x@y.z", "body: 5"]


@pytest.mark.parametrize(
    "parameters",
    [
        {"text": "To: a@b.c\nSubject: Hi"},
        {"subject": "Hi", "text": "x"},
        {"to": "a@b.c", "subject": "Hi"},
        {"to": "a\nb", "text": "x"},
    ],
    ids=["only a text", "no recipient", "no text", "a recipient of two lines"],
)
def test_the_look_of_an_email_needs_a_recipient_and_a_text(parameters: dict[str, Any]) -> None:
    assert [part for part, _ in shown_parts(parameters, Look.EMAIL)] == [Content.PARAMETERS]


@pytest.mark.slow
@given(st.dictionaries(st.sampled_from(["to", "recipients", "subject", "text", "message", "cc"]), _values, min_size=1))
def test_parameters_read_back_exactly_from_the_layout_of_an_email(parameters: dict[str, Any]) -> None:
    read: dict[str, Any] = {}
    for part, lines in shown_parts(parameters, Look.EMAIL):
        match part:
            case Content.PARAMETERS:
                read |= _Reader(lines).members("")
            case Content.EMAIL:
                read |= {name.lower(): _entry(value) for name, value in (line.split(": ", 1) for line in lines)}
            case _:
                read[part] = _Reader([f"│ {line}" for line in lines]).text("│ ")
    assert canonical_json(read) == canonical_json(parameters)


def test_a_call_without_parameters_says_so() -> None:
    assert lines_of(package(action_parameters={})) == ["{}"]


@pytest.mark.parametrize(
    ("parameters", "whole"),
    [
        pytest.param(
            {f"p{number}": [[1]] for number in range(CARD_LINES // 2)}, True, id="as many lines as there may be"
        ),
        pytest.param({f"p{number}": [[1]] for number in range(CARD_LINES // 2 + 1)}, False, id="one line more"),
        pytest.param({"p": "x" * (CARD_CHARACTERS - 3)}, True, id="as many characters as there may be"),
        pytest.param({"p": "x" * (CARD_CHARACTERS - 2)}, False, id="one character more"),
        pytest.param({"p": "\u200b" * 500}, False, id="short, but long when it is spelled out"),
        pytest.param({"p": "\n" * (CARD_LINES - 2)}, True, id="empty lines"),
        pytest.param({"p": "\n" * (CARD_LINES - 1)}, False, id="one empty line more"),
    ],
)
def test_a_card_shows_twenty_lines_and_2_500_characters(parameters: dict[str, Any], whole: bool) -> None:
    assert fits_on_card(package(action_parameters=parameters)) is whole


@pytest.mark.parametrize("field", ["proposed_action", "rationale"])
def test_for_other_kinds_than_calls_the_content_is_measured_too(field: str) -> None:
    long = "line\n" * 30 + "end"
    assert fits_on_card(package(**{field: long}))
    assert not fits_on_card(package(kind="plan", action_parameters=None, **{field: long}))


@pytest.mark.parametrize("title", ["T" * 131, "two  spaces", "unseen\u200b", "two\nlines"])
def test_a_title_that_does_not_fit_the_header_is_content(title: str) -> None:
    assert lines_of(package(kind="plan", title=title), Content.TITLE) != []
    assert lines_of(package(kind="plan", title="Plain"), Content.TITLE) == []


def test_the_same_limits_hold_for_what_the_card_shows_of_a_cut_package() -> None:
    (piece,) = card_pieces(package(action_parameters={f"p{number}": "x" * 300 for number in range(41)}))
    assert (piece.whole, len(piece.lines) <= CARD_LINES) == (False, True)
    assert sum(map(len, piece.lines)) <= CARD_CHARACTERS


def test_ordinary_parameters_of_the_largest_size_fit_a_form_and_a_deep_list_does_not() -> None:
    deep: Any = list(range(7_000))
    for _ in range(25):
        deep = [deep]
    assert fits_in_form(package(action_parameters={"body": "x" * 131_000}))
    assert not fits_in_form(package(action_parameters={"deep": deep}))


class _Reader:
    """Parses a value from its lines, independently of the code that writes them."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = list(lines)

    def members(self, indent: str) -> dict[str, Any]:
        if self.lines == ["{}"]:
            return {}
        members = {}
        while self._goes_on(indent):
            name, rest = _key(self.lines.pop(0)[len(indent) :])
            members[name] = self._value(rest.removeprefix(":"), indent + "  ")
        return members

    def _goes_on(self, indent: str) -> bool:
        return bool(self.lines) and self.lines[0].startswith(indent) and self.lines[0][len(indent)] != " "

    def _value(self, rest: str, indent: str) -> Any:
        if rest:
            return _entry(rest.removeprefix(" "))
        first = self.lines[0][len(indent) :]
        if first.startswith("│ "):
            return self.text(f"{indent}│ ")
        if first == "-" or first.startswith("- "):
            return self._items(indent)
        return self.members(indent)

    def text(self, bar: str) -> str:
        lines = []
        while self.lines and self.lines[0].startswith(bar):
            line = re.sub(r'(?<!\\)((?:\\\\)*)"', r'\1\\"', self.lines.pop(0)[len(bar) :])
            lines.append(json.loads(f'"{line}"'))
        return "\n".join(lines)

    def _items(self, indent: str) -> list[Any]:
        items = []
        while self._goes_on(indent):
            items.append(self._value(self.lines.pop(0)[len(indent) + 1 :], indent + "  "))
        return items


def _split(line: str) -> list[str]:
    """The parameters on a joined line, parted outside quotation marks."""
    if line.startswith(" "):
        return [line]
    parts = re.split(r"( · )", line)
    entries = [""]
    for part in parts:
        quoted = len(re.findall(r'(?<!\\)(?:\\\\)*"', entries[-1])) % 2
        entries = [*entries, ""] if part == " · " and not quoted else [*entries[:-1], entries[-1] + part]
    return entries


def _entry(text: str) -> Any:
    """The value of a parameter. A text that begins with a letter has no quotation marks, unless it is a literal."""
    if text[0].isalpha() and text not in ("true", "false", "null"):
        return text
    value, left = _inline(text)
    assert left == ""
    return value


def _key(text: str) -> tuple[str, str]:
    if text.startswith('"'):
        name, end = json.JSONDecoder().raw_decode(text)
        return name, text[end:]
    name, colon, rest = text.partition(":")
    return name, colon + rest


def _inline(text: str) -> tuple[Any, str]:
    if text.startswith(("{}", "[]")):
        return ({} if text[0] == "{" else []), text[2:]
    if text.startswith("{"):
        members, rest = {}, "," + text[1:]
        while rest[0] == ",":
            name, rest = _key(rest[1:].lstrip(" "))
            members[name], rest = _inline(rest.removeprefix(": "))
        return members, rest[1:]
    if text.startswith("["):
        items, rest = [], "," + text[1:]
        while rest[0] == ",":
            item, rest = _inline(rest[1:].lstrip(" "))
            items.append(item)
        return items, rest[1:]
    value, end = json.JSONDecoder().raw_decode(text)
    return value, text[end:]
