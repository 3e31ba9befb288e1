"""Ask a model how sure it is before the agent acts, and read its answer.

`confidence_prompt` builds the question for any model, `parse_confidence` reads the reply, and `Confidence.said` gives
the fields for the proposal. A reply that cannot be read for certain counts as no confidence at all.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import get_args

from countersign.proposal import Changes, Recommendation

CONFIDENCE_PROMPT = """\
Before anything is done, say how sure you are.

Task: {task}
Planned action: {planned_action}

Consider:
1. Is the task stated clearly, or could it mean something else?
2. Which cases could this go wrong in?
3. Do you have everything you need to know, or do you assume some of it?
4. What follows if you are wrong?

Answer in exactly these four lines:
CONFIDENCE_SCORE: [a number from 0.0 to 1.0]
RATIONALE: [one sentence]
UNCERTAINTIES: [what you are not sure of, separated by commas; or none]
RECOMMENDATION: [PROCEED | CLARIFY | ESCALATE]
"""

_LINE = re.compile(
    r"^[\s*_`#>-]*(CONFIDENCE_SCORE|RATIONALE|UNCERTAINTIES|RECOMMENDATION)[\s*_`]*:[ \t]*(.*)$",
    re.IGNORECASE | re.MULTILINE,
)
_DECORATION = " \t\r*_`[]\"'"
_NOTHING = ("", "none", "n/a", "-")


@dataclass(frozen=True, slots=True)
class Confidence:
    """A model's assessment of its own plan."""

    score: float
    rationale: str
    uncertainties: tuple[str, ...]
    recommendation: Recommendation

    @property
    def said(self) -> Changes:
        """The assessment as fields of a proposal: `client.request(**confidence.said, …)`."""
        return {
            "confidence": self.score,
            "known_uncertainties": self.uncertainties,
            "recommendation": self.recommendation,
        }


def confidence_prompt(task: str, planned_action: str) -> str:
    """The prompt for a model. Braces in the task or action are kept as they are."""
    before, _, rest = CONFIDENCE_PROMPT.partition("{task}")
    middle, _, after = rest.partition("{planned_action}")
    return f"{before}{task}{middle}{planned_action}{after}"


def parse_confidence(text: str) -> Confidence:
    """Reads a model's answer. An unclear or contradictory answer gives score 0 and the recommendation `escalate`."""
    answers: dict[str, str] = {}
    for name, value in _LINE.findall(text):
        if answers.setdefault(name.upper(), value.strip(_DECORATION)) != value.strip(_DECORATION):
            return _unreadable(f"it says {name.upper()} twice, and not the same")
    score, recommendation = _score(answers.get("CONFIDENCE_SCORE", "")), answers.get("RECOMMENDATION", "").lower()
    if score is None:
        return _unreadable("it gives no score from 0 to 1")
    if recommendation not in get_args(Recommendation):
        return _unreadable("it recommends none of PROCEED, CLARIFY and ESCALATE")
    return Confidence(
        score, answers.get("RATIONALE", ""), _items(answers.get("UNCERTAINTIES", "")), _recommendation(recommendation)
    )


def _recommendation(recommendation: str) -> Recommendation:
    return next(known for known in get_args(Recommendation) if known == recommendation)


def _unreadable(why: str) -> Confidence:
    sentence = f"The agent's own assessment could not be read: {why}."
    return Confidence(0.0, sentence, (sentence,), "escalate")


def _score(text: str) -> float | None:
    number, percent = text.removesuffix("%").strip(), text.endswith("%")
    try:
        score = float(number) / (100 if percent else 1)
    except ValueError:
        return None
    return score if math.isfinite(score) and 0 <= score <= 1 else None


def _items(text: str) -> tuple[str, ...]:
    items = (item.strip(_DECORATION + ".") for item in re.split(r"[,;]", text))
    return tuple(item for item in items if item.lower() not in _NOTHING)
