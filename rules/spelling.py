"""Comparing names regardless of spelling: case, full-width letters, invisible characters and extra spaces."""

from __future__ import annotations

import unicodedata
from functools import lru_cache


@lru_cache(maxsize=4096)  # a command compares the same few names several times
def normalize_name(name: str) -> str:
    """The form in which two names are compared. It is never shown: people and agents see the name as sent."""
    if name.isascii():  # nearly all names: the rest of this function would not change them
        return " ".join(name.lower().split())
    visible = "".join(letter for letter in name if unicodedata.category(letter) != "Cf")
    lower = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", visible).casefold())
    return " ".join(lower.split())
