"""`Search`: what someone looks for in the queue. Everything that it names must match; case does not matter."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Self

from pydantic import Field, StringConstraints

from rules.scales import RiskLevel
from rules.values import Value

LONGEST = 100  # characters of a name or an action type, and of all words together

Text = Annotated[str, StringConstraints(max_length=LONGEST)]


class Search(Value):
    """`agent` and `action_type` are parts of names. Each of `words` is in one of these, the title or the subject."""

    agent: Text = ""
    action_type: Text = ""
    risk: RiskLevel | None = None
    words: Annotated[tuple[Text, ...], Field(max_length=LONGEST)] = ()

    @classmethod
    def of_words(cls, words: Iterable[str]) -> Self:
        """The first word that is the name of a risk means that risk."""
        rest = " ".join(words).casefold()[:LONGEST].split()
        risk = next((word for word in rest if word in set(RiskLevel)), None)
        if risk:
            rest.remove(risk)
        return cls(risk=RiskLevel(risk) if risk else None, words=tuple(rest))

    def matches_words(self, texts: Iterable[str | None]) -> bool:
        folded = [text.casefold() for text in texts if text]
        return all(any(word.casefold() in text for text in folded) for word in self.words)

    def describe(self) -> str:
        """For the person who searched. Contains what they typed."""
        parts = [f"agent “{self.agent}”"] if self.agent else []
        parts += [f"type “{self.action_type}”"] if self.action_type else []
        parts += [f"{self.risk.value} risk"] if self.risk else []
        return ", ".join([*parts, *(f"“{word}”" for word in self.words)])


EVERYTHING = Search()
