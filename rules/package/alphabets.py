"""Finds words that mix alphabets with similar letters, in the names that a reviewer relies on.

A key “amount” with a Cyrillic “o” looks the same and is another key. Scripts that are normally written together, such
as kana, kanji and Latin letters, are not reported.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from rules.package.model import DecisionPackage

_CONFUSABLE = frozenset(
    ["LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "COPTIC", "CHEROKEE", "GEORGIAN", "LISU", "DESERET", "OSAGE"]
)
_WORD = re.compile(r"[^\W_]+")
_TOKEN = re.compile(r"[^\s<>\"'(),;]+")
_PUNYCODE = re.compile(r"xn--[a-z0-9-]+", re.IGNORECASE)
_MICRO = "\u00b5"  # the micro sign, which normalization would turn into a Greek letter


class MixedName(NamedTuple):
    """A name with a word that mixes alphabets: where the name is, the name, and the alphabets."""

    where: str
    name: str
    alphabets: tuple[str, ...]


def mixed_alphabets(package: DecisionPackage) -> tuple[MixedName, ...]:
    """Check the action type, the subject, the keys of the parameters, and addresses among their values."""
    checked = (MixedName(where, name, alphabets_mixed_in(name)) for where, name in _names(package))
    return tuple(dict.fromkeys(mixed for mixed in checked if mixed.alphabets))


def alphabets_mixed_in(name: str) -> tuple[str, ...]:
    """The alphabets in the first word that mixes several; none if no word does."""
    if name.isascii() and "xn--" not in name.lower():
        return ()
    readable = _PUNYCODE.sub(lambda label: _decode_punycode(label[0]), name)
    letters = "".join(letter for letter in readable if unicodedata.category(letter) not in ("Cf", "Mn", "Me"))
    mixes = (_confusable_alphabets(word) for word in _WORD.findall(letters.replace(_MICRO, "")))
    return next((tuple(sorted(mix)) for mix in mixes if len(mix) > 1), ())


def _decode_punycode(label: str) -> str:
    try:
        return label[4:].encode().decode("punycode")
    except UnicodeError:
        return label


def _confusable_alphabets(word: str) -> set[str]:
    scripts = {_script(letter) for letter in unicodedata.normalize("NFKC", word) if letter.isalpha()}
    return {script.capitalize() for script in scripts & _CONFUSABLE}


@lru_cache(maxsize=4096)
def _script(letter: str) -> str:
    return unicodedata.name(letter, "").partition(" ")[0]


def _names(package: DecisionPackage) -> Iterator[tuple[str, str]]:
    yield "action type", package.action_type
    yield from (("subject", name) for name in (package.subject_type, package.subject_id, package.subject_url) if name)
    yield from _names_in(package.action_parameters)


def _names_in(value: Any) -> Iterator[tuple[str, str]]:
    match value:
        case dict():
            yield from (("key", key) for key in value)
            yield from (name for item in value.values() for name in _names_in(item))
        case list():
            yield from (name for item in value for name in _names_in(item))
        case str():
            yield from (("address", token) for token in _TOKEN.findall(value) if "@" in token or "://" in token)
        case _:
            pass
