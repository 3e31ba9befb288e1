"""What came of a step: as expected, different, or not tried.

A `Result` is what a step returns, an `Outcome` is its line in the report. `error_word` keeps addresses out of both.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import NamedTuple

from scheduler.common.messenger import SlackError


class Verdict(StrEnum):
    AS_EXPECTED = "as expected"
    DIFFERS = "differs"
    NOT_TRIED = "not tried"


class Result(NamedTuple):
    """`detail` says what came back, or why the step was not tried."""

    verdict: Verdict
    detail: str = ""


class Outcome(NamedTuple):
    """A step's name, what was expected of it, and what came of it."""

    step: str
    expected: str
    result: Result

    @property
    def line(self) -> str:
        verdict, detail = self.result
        return f"{verdict:<12} {self.step}" + (f": {detail}" if detail else "")


def as_expected(detail: str = "") -> Result:
    return Result(Verdict.AS_EXPECTED, detail)


def differs(detail: str) -> Result:
    return Result(Verdict.DIFFERS, detail)


def not_tried(why: str) -> Result:
    return Result(Verdict.NOT_TRIED, why)


def as_expected_if(fits: object, otherwise: str, detail: str = "") -> Result:
    return as_expected(detail) if fits else differs(otherwise)


def error_word(fault: SlackError) -> str:
    """Slack's own word. Other texts may hold an address, which is a secret if it is a response_url or a socket's."""
    return fault.error if re.fullmatch(r"[a-z0-9_]{1,60}|HTTP \d{3}", fault.error) else "no answer"


def refusal_text(fault: SlackError) -> str:
    """Slack's word, and what it says about single blocks."""
    answer = getattr(getattr(fault.__cause__, "response", None), "data", None)
    metadata = answer.get("response_metadata") if isinstance(answer, dict) else None
    messages = metadata.get("messages") if isinstance(metadata, dict) else None
    more = f" ({'; '.join(map(str, messages))[:300]})" if messages else ""
    return f"Slack answers {error_word(fault)}{more}"
