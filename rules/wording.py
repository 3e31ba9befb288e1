"""Names from the policy and from enums, as people read them: `senior_reviewer` becomes "senior reviewer"."""

from __future__ import annotations


def humanize(name: str) -> str:
    return name.replace("_", " ")


def with_article(role: str) -> str:
    """The role with its article: "an owner", "a reviewer"."""
    word = humanize(role)
    return f"{'an' if word[:1] in set('aeiou') else 'a'} {word}"
