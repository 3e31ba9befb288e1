"""The words for the measures of human control, in Slack and in the terminal."""

from __future__ import annotations

from collections.abc import Mapping

from rules.oversight.measures import FEW, Figures, Measure, Ratio
from rules.oversight.outcomes import Result
from rules.oversight.statistics import Grouping
from rules.wording import humanize

MEASURE_LABELS: Mapping[Measure, str] = {
    Measure.APPROVAL: "approved",
    Measure.REJECTION: "rejected",
    Measure.OVERRIDE: "overridden",
    Measure.REVISION: "sent back",
    Measure.ESCALATION: "escalated",
    Measure.APPROVAL_WHEN_UNCERTAIN: "approved when uncertain",
    Measure.DISAGREEMENT: "reviewers disagreed",
    Measure.INCIDENTS: "incidents after approval",
    Measure.DEFECTS: "unsound in second looks",
}
SMALL_NUMBERS = f"Below {FEW} packages only counts are shown."
GROUPING_LABELS: Mapping[Grouping, str] = {
    Grouping.AGENT: "agent",
    Grouping.TYPE: "action type",
    Grouping.ROLE: "role",
    Grouping.TIER: "risk",
    Grouping.WEEK: "week (Monday to Sunday, UTC)",
    Grouping.REVIEWER: "reviewer",
}

SHARED = "A package that several people decided counts for each of them. That you read this is recorded."


_RESULTS: Mapping[Result, str] = {Result.AUTOMATIC: "without a person", Result.EXCEPTED: "by an exception"}


def describe_result(result: Result) -> str:
    return _RESULTS.get(result) or humanize(result)


def describe_blind(figures: Figures) -> str:
    """How many of the second looks are blind, and how many nobody could judge. Empty without any."""
    if not (figures.blind or figures.not_possible):
        return ""
    impossible = f"; nobody could judge {figures.not_possible:,} more" if figures.not_possible else ""
    return f"; {figures.blind:,} of them blind{impossible}"


def describe_interval(ratio: Ratio) -> str:
    """Empty for a small number, which says by itself that little is known."""
    if ratio.interval is None or ratio.is_small:
        return ""
    low, high = ratio.interval
    return f"95% interval {low:.0%} to {high:.0%}"
