"""Names of the policy and of enums, as people say them. Programs keep the names as they are."""

from __future__ import annotations


def humanize(name: str) -> str:
    return name.replace("_", " ")


def with_article(role: str) -> str:
    """With its article."""
    word = humanize(role)
    return f"{'an' if word[:1] in set('aeiou') else 'a'} {word}"
