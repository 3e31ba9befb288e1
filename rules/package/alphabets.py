"""Words that mix alphabets whose letters look alike, in the names that a reviewer decides by.

A key “amount” whose “o” is Cyrillic is another key, and looks the same. Scripts that are written together, such
as kana, kanji and Latin letters, are no cause for suspicion.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from rules.package.model import DecisionPackage

_ALIKE = frozenset(
    ["LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "COPTIC", "CHEROKEE", "GEORGIAN", "LISU", "DESERET", "OSAGE"]
)
_WORD = re.compile(r"[^\W_]+")
_TOKEN = re.compile(r"[^\s<>\"'(),;]+")
_PUNYCODE = re.compile(r"xn--[a-z0-9-]+", re.IGNORECASE)
_MICRO = "\u00b5"  # a unit's sign, which normalization would make a Greek letter


class MixedName(NamedTuple):
    """Where a word mixes alphabets, the name that it stands in, and which alphabets these are."""

    where: str
    name: str
    alphabets: tuple[str, ...]


def mixed_alphabets(package: DecisionPackage) -> tuple[MixedName, ...]:
    """In the action type, the subject, the keys of the parameters, and the addresses among their values."""
    found = (MixedName(where, name, alphabets_mixed_in(name)) for where, name in _names(package))
    return tuple(dict.fromkeys(each for each in found if each.alphabets))


def alphabets_mixed_in(name: str) -> tuple[str, ...]:
    """The alphabets that one of its words mixes; none if no word does."""
    if name.isascii() and "xn--" not in name.lower():
        return ()
    readable = _PUNYCODE.sub(lambda label: _decoded(label[0]), name)
    letters = "".join(letter for letter in readable if unicodedata.category(letter) not in ("Cf", "Mn", "Me"))
    mixes = (_alike(word) for word in _WORD.findall(letters.replace(_MICRO, "")))
    return next((tuple(sorted(mix)) for mix in mixes if len(mix) > 1), ())


def _decoded(label: str) -> str:
    try:
        return label[4:].encode().decode("punycode")
    except UnicodeError:
        return label


def _alike(word: str) -> set[str]:
    scripts = {_script(letter) for letter in unicodedata.normalize("NFKC", word) if letter.isalpha()}
    return {script.capitalize() for script in scripts & _ALIKE}


@lru_cache(maxsize=4096)
def _script(letter: str) -> str:
    return unicodedata.name(letter, "").partition(" ")[0]


def _names(package: DecisionPackage) -> Iterator[tuple[str, str]]:
    yield "action type", package.action_type
    yield from (("subject", name) for name in (package.subject_type, package.subject_id, package.subject_url) if name)
    yield from _inside(package.action_parameters)


def _inside(value: Any) -> Iterator[tuple[str, str]]:
    match value:
        case dict():
            yield from (("key", key) for key in value)
            yield from (name for item in value.values() for name in _inside(item))
        case list():
            yield from (name for item in value for name in _inside(item))
        case str():
            yield from (("address", token) for token in _TOKEN.findall(value) if "@" in token or "://" in token)
        case _:
            pass
