"""Names of the policy and of enums, as people say them. Programs keep the names as they are."""

from __future__ import annotations


def plainly(name: str) -> str:
    return name.replace("_", " ")


def a(role: str) -> str:
    """With its article."""
    word = plainly(role)
    return f"{'an' if word[:1] in set('aeiou') else 'a'} {word}"
