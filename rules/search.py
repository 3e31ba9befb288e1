"""`Search`: what someone looks for in the queue. Everything that it names must match; case does not matter."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Self

from pydantic import StringConstraints, field_validator
from pydantic_core import PydanticCustomError

from rules.scales import RiskLevel
from rules.values import Value

MAX_LENGTH = 100  # characters of a name or an action type, and of all words together

Text = Annotated[str, StringConstraints(max_length=MAX_LENGTH)]


class Search(Value):
    """`agent` and `action_type` are parts of names. Each of `words` is in one of these, the title or the subject."""

    agent: Text = ""
    action_type: Text = ""
    risk: RiskLevel | None = None
    words: tuple[Text, ...] = ()

    @field_validator("words")
    @classmethod
    def _check_total_length(cls, words: tuple[str, ...]) -> tuple[str, ...]:
        if len(" ".join(words)) > MAX_LENGTH:
            raise PydanticCustomError(
                "too_long", "Words should have at most {most} characters in all", {"most": MAX_LENGTH}
            )
        return words

    @classmethod
    def of_words(cls, words: Iterable[str], *, risk: RiskLevel | None = None, **names: str) -> Self:
        """The first word that is the name of a risk means that risk, unless one is given. Raises `ValidationError`."""
        folded = [word.casefold() for word in words]
        risk_word = next((word for word in folded if word in set(RiskLevel)), None)
        if risk is None and risk_word:
            folded.remove(risk_word)
            risk = RiskLevel(risk_word)
        return cls(risk=risk, words=tuple(folded), **names)

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
