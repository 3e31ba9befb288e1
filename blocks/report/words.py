"""The sentences of a report, in plain words: what happened, and what each measure means.

`summary` writes “In short”, `MEANINGS` is the second column of the measures, and `what_happened` says why an approval
counts as an incident. A number without a percentage is a small one (`FEW`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta

from blocks.kit.text import format_duration, pluralize
from blocks.words.measures import describe_interval
from rules.oversight.measures import FEW, Figures, Measure, Percentiles
from rules.oversight.report import Case, Report
from rules.state.commands import Verdict
from rules.state.decisions import ExecutionState

MEANINGS: Mapping[Measure, str] = {
    Measure.APPROVAL: "Of what people decided: what they approved, also after an edit.",
    Measure.REJECTION: "Of what people decided: what they rejected.",
    Measure.OVERRIDE: "Of what people decided: where they decided against the agent's recommendation.",
    Measure.REVISION: "Of what waited for people: what they sent back for a change or for evidence.",
    Measure.ESCALATION: "Of what waited for people: what another role was asked about.",
    Measure.APPROVAL_WHEN_UNCERTAIN: "Of what people decided although the agent was unsure: what they approved.",
    Measure.DISAGREEMENT: "Of what several people judged: where they did not all judge the same.",
    Measure.INCIDENTS: "Of what people let go ahead: what failed, was undone or revoked, or was found unsound.",
    Measure.DEFECTS: "Of what was looked at again: what was found unsound.",
}


def summary(report: Report) -> Iterator[str]:
    """The sentences of “In short”. A sentence is left out if it has nothing to count."""
    figures = report.statistics.figures
    if not figures.ended:
        yield "No review ended in this time."
        return
    yield f"{pluralize(figures.ended, 'review')} ended. People decided {figures.decided:,} of them."
    if figures.decided:
        shares = figures.shares
        yield (
            f"They approved {shares[Measure.APPROVAL].text}, rejected {shares[Measure.REJECTION].text} "
            f"and decided against the agent in {shares[Measure.OVERRIDE].text}."
        )
    if figures.times:
        decided = figures.times.decided
        yield f"Half of the decisions took at most {median_text(decided)}, nine of ten at most {p90_text(decided)}."
    incidents = figures.shares[Measure.INCIDENTS]
    if incidents.whole:
        yield f"Of the actions that people let go ahead, {incidents.text} ended in an incident."
    if figures.sampled:
        yield _second_looks(figures)


def _second_looks(figures: Figures) -> str:
    defects = figures.shares[Measure.DEFECTS]
    picked = f"{pluralize(figures.sampled, 'package was', 'packages were')} picked for a second look"
    if not defects.whole:
        return f"{picked}; nobody has judged one yet."
    interval = describe_interval(defects)
    certainty = f" ({interval})" if interval else ""
    return f"{picked}. Unsound among those judged: {defects.text}{certainty}."


def median_text(times: Percentiles) -> str:
    return _duration(times.median_ms)


def p90_text(times: Percentiles) -> str:
    return _duration(times.p90_ms)


def _duration(milliseconds: int) -> str:
    return format_duration(timedelta(seconds=round(milliseconds / 1000)))


def what_happened(case: Case) -> str:
    """Why an approval counts as an incident. After a successful retry the state no longer shows the failed attempt."""
    return "; ".join(_happenings(case)) or "an attempt failed before one succeeded"


def _happenings(case: Case) -> Iterator[str]:
    if sentence := _EXECUTIONS.get(case.execution):
        yield sentence
    if case.facts.verdict is Verdict.UNSOUND:
        yield "a second look found it unsound"
    if case.is_revoked:
        yield "a person revoked it"


_EXECUTIONS = {ExecutionState.FAILED: "the action failed", ExecutionState.ROLLED_BACK: "the action was undone"}


HOW_TO_READ = (
    f"Below {FEW} packages the report gives counts and no percentage: so few say little. "
    "A measure shows where to look. It does not show how well people review."
)
