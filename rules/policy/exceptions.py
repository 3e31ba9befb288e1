"""Which rules an approved exception may set aside (`[rules]`), and for how long (`[exceptions]`).

A rule can be marked if it judges what was known when people approved the exception: the risk, the confidence, the cost.
A rule cannot be marked if it answers to what happens later (a No, failures, autonomy), or if nothing may lower it: high
and critical risk, irreversible_high, sensitive data, tools that require approval, what was not shown, silence.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from rules.policy.types import PositiveDuration
from rules.values import Value

# The names of the rules as `why` and `countersign policy explain` give them.
EXCEPTABLE_RULES = (
    "risk-low", "risk-medium", "reversible", "partially-reversible", "irreversible-low", "confidence",
    "matrix-reversible", "matrix-irreversible", "cost", "floor", "kind-action", "kind-tool_call", "kind-output",
    "kind-plan", "kind-memory",
)  # fmt: skip


def _check_exceptable(rule: str) -> str:
    if rule in EXCEPTABLE_RULES:
        return rule
    raise ValueError(
        f"no exception can set this rule aside; those that can be marked are: {', '.join(EXCEPTABLE_RULES)}"
    )


ExceptableRule = Annotated[str, AfterValidator(_check_exceptable)]


class RuleMark(Value):
    """`exceptions`: whether people may approve exceptions to this rule."""

    exceptions: bool = False


UNMARKED: Mapping[str, RuleMark] = dict.fromkeys(EXCEPTABLE_RULES, RuleMark())


def _merge_marks(written: Any) -> Any:
    """Rules that the table does not name stay unmarked."""
    return {**UNMARKED, **written} if isinstance(written, dict) else written


def marked_rules(marks: Mapping[str, RuleMark]) -> tuple[str, ...]:
    """The rules that an approved exception can set aside."""
    return tuple(rule for rule, mark in marks.items() if mark.exceptions)


class Exceptions(Value):
    """`at_most`: how long an exception may hold. `announce`: how long before its end people are told."""

    at_most: PositiveDuration = timedelta(days=30)
    announce: PositiveDuration = timedelta(hours=24)


def _is_unmarked(marks: Mapping[str, RuleMark]) -> bool:
    return not marked_rules(marks)


def _is_default(settings: Exceptions) -> bool:
    return settings == Exceptions()


# With their defaults they are left out of the policy's digest, so that older policies keep their digest.
RuleMarks = Annotated[dict[ExceptableRule, RuleMark], BeforeValidator(_merge_marks), Field(exclude_if=_is_unmarked)]
ExceptionSettings = Annotated[Exceptions, Field(exclude_if=_is_default)]
