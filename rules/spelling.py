"""One name in several spellings: full-width or small letters, invisible characters and spaces make no difference."""

from __future__ import annotations

import unicodedata


def normalize_name(name: str) -> str:
    """The spelling by which two names are compared. It is never shown: people and agents see what was sent."""
    if name.isascii():  # as nearly all are: the rest changes nothing about them
        return " ".join(name.lower().split())
    visible = "".join(letter for letter in name if unicodedata.category(letter) != "Cf")
    lower = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", visible).casefold())
    return " ".join(lower.split())
