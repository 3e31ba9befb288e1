"""What reviewers ask of an agent, as far as a script understands it: a number, a length of time, or words to add."""

from __future__ import annotations

import re
from typing import Any

NUMBERS = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
NUMBER = rf"(\d[\d,]*|{'|'.join(NUMBERS[1:])})"
UNITS = {"day": 1, "week": 7, "month": 30}
MAX_ADDED = 600  # characters that are added to a text


def days_in(words: str) -> int | None:
    """The length of time that the words name: 21 for "Give them three weeks"."""
    match = re.search(rf"\b{NUMBER}[ -](day|week|month)s?\b", words, re.IGNORECASE)
    return _number(match[1]) * UNITS[match[2].lower()] if match else None


def fewer_rows(words: str, rows: int) -> int:
    """How many rows remain: 500 for "Only 500", two less for "Leave two out", all without a number that fits."""
    if match := re.search(rf"\b(?:only|at most|first)\b\D*?\b{NUMBER}\b", words, re.IGNORECASE):
        left = _number(match[1])
    else:
        match = re.search(rf"\b{NUMBER}\b", words, re.IGNORECASE)
        left = rows - _number(match[1]) if match else rows
    return left if 0 < left <= rows else rows


def words_to_add(words: str) -> str:
    """The quoted part, if there is one; otherwise all of it."""
    quoted = re.search(r"[“\"„](.+?)[”\"“]", words, re.DOTALL)
    return (quoted[1] if quoted else words).strip()[:MAX_ADDED]


def with_evidence(package: dict[str, Any], title: str, excerpt: str) -> dict[str, Any]:
    """For a reviewer who wants more evidence: the same proposal with one more piece."""
    evidence = {"id": f"more_{len(package['evidence_refs'])}", "title": title, "excerpt": excerpt}
    return {**package, "evidence_refs": [*package["evidence_refs"], evidence]}


def _number(text: str) -> int:
    word = text.lower()
    return NUMBERS.index(word) if word in NUMBERS else int(word.replace(",", ""))
