"""Composes the report of a month: first what happened in words, then the measures, and the single cases at the end.

A pure function of a `Report`, which `store.oversight.report` reads and `countersign report` writes to a file. Words of
agents and people must pass through `cell` or `text_line`, which escape them; `page` and `table` take HTML.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from blocks.kit.text import clean, in_utc, one_line, pluralize
from blocks.report.charts import Bar, bar_chart
from blocks.report.exceptions import exceptions_chapter
from blocks.report.page import cell, chapter, page, table, text_line
from blocks.report.words import HOW_TO_READ, MEANINGS, median_text, p90_text, summary, what_happened
from blocks.words.measures import MEASURE_LABELS, describe_result
from rules.oversight.measures import DecisionPercentiles, Figures, Measure, Ratio
from rules.oversight.report import Case, Cases, Report
from rules.oversight.statistics import Group
from rules.wording import humanize

MAX_TYPES = 20
_EMPTIED, _NONE = "(text deleted)", "–"


def report_page(report: Report) -> str:
    title = f"Human control of agents, {report.month.name}"
    return page(title, (f"<h1>{title}</h1>", *_chapters(report)))


def _chapters(report: Report) -> Iterator[str]:
    yield text_line(_period(report), quiet=True)
    yield chapter("In short", *map(text_line, summary(report)))
    if report.statistics.figures.ended:
        yield _endings(report.statistics.figures)
        yield _measures(report)
        yield _times(report)
        yield _weeks(report)
        yield _types(report)
    overrides, incidents, unsound = report.overrides, report.incidents, report.unsound
    yield _cases("Overrides", "People decided against the agent's recommendation.", overrides, "Why", _reason)
    yield _cases(
        "Incidents after approval", "What people let go ahead, and what came of it.", incidents, "Then", what_happened
    )
    yield _cases("Unsound in second looks", "Someone looked again and disagreed.", unsound, "First decision", _decided)
    yield exceptions_chapter(report.exceptions)
    yield _policy(report)
    yield chapter("How to read the numbers", text_line(HOW_TO_READ), text_line(_COUNTED))


_COUNTED = (
    "Each package counts once, in the month in which its review ended. All times are in UTC. "
    "The numbers come from the audit record, which “countersign audit verify” checks."
)


def _period(report: Report) -> str:
    end = "the whole month" if report.is_over else f"not over yet: until {in_utc(report.until)}"
    return f"{report.month.name}, {end}. Made on {in_utc(report.made_at)} from the audit record of Countersign."


def _endings(figures: Figures) -> str:
    bars = [Bar(describe_result(result), count, f"{count:,}") for result, count in figures.results.items()]
    return chapter("How reviews ended", bar_chart("endings", "How reviews ended", bars))


def _measures(report: Report) -> str:
    shares, before = report.statistics.figures.shares, report.before.shares
    rows = [
        (
            cell(MEASURE_LABELS[measure].capitalize(), MEANINGS[measure]),
            cell(_share(shares[measure])),
            cell(_share(before[measure])),
        )
        for measure in Measure
    ]
    return chapter(
        "The measures", table("The measures", ("Measure", report.month.name, report.month.before.name), rows)
    )


def _share(ratio: Ratio) -> str:
    return ratio.text if ratio.whole else _NONE


def _times(report: Report) -> str:
    times = report.statistics.figures.times
    if times is None:
        return chapter("Time to decide", text_line("People decided nothing in this time."))
    rows = [
        (cell(label, meaning), cell(median_text(part)), cell(p90_text(part)), cell(_before(report.before.times, name)))
        for name, label, meaning in _PARTS_OF_TIME
        for part in (getattr(times, name),)
    ]
    titles = ("Time to decide", "Half within", "Nine of ten within", f"Half within, {report.month.before.name}")
    return chapter("Time to decide", table("Time to decide", titles, rows))


_PARTS_OF_TIME = (
    ("decided", "In all", "From when people were last asked until they decided."),
    ("waiting", "Until first seen", "Until the first person did anything with it."),
    ("seen", "Until opened", "Until the person who decided opened it."),
    ("reading", "Reading", "From there to the decision. Zero if the person decided from the card alone."),
)


def _before(times: DecisionPercentiles | None, name: str) -> str:
    return median_text(getattr(times, name)) if times else _NONE


def _weeks(report: Report) -> str:
    bars = [Bar(week.name, week.figures.decided, pluralize(week.figures.decided, "decision")) for week in report.weeks]
    rows = [_group_row(week) for week in report.weeks]
    chart = bar_chart("weeks", "Decisions of people in each week", bars)
    return chapter("Week by week", chart, table("Weeks", ("Week", *_GROUP_TITLES), rows))


def _types(report: Report) -> str:
    rows = [_group_row(group) for group in report.types[:MAX_TYPES]]
    omitted_count = len(report.types) - len(rows)
    more = (
        [text_line(f"And {pluralize(omitted_count, 'more action type')}: “countersign stats --by type” lists all.")]
        if omitted_count
        else []
    )
    return chapter("By action type", table("Action types", ("Action type", *_GROUP_TITLES), rows), *more)


_GROUP_TITLES = ("Ended", "Decided by people", "Approved", "Incidents", "Half decided within")


def _group_row(group: Group) -> tuple[str, ...]:
    figures, shares = group.figures, group.figures.shares
    return (
        cell(one_line(group.name)),
        f"{figures.ended:,}",
        f"{figures.decided:,}",
        cell(_share(shares[Measure.APPROVAL])),
        cell(_share(shares[Measure.INCIDENTS])),
        cell(median_text(figures.times.decided) if figures.times else _NONE),
    )


def _cases(heading: str, meaning: str, cases: Cases, last: str, says: Callable[[Case], str]) -> str:
    if not cases.total:
        return chapter(heading, text_line("None."))
    rows = [
        (
            cell(one_line(case.title) if case.title else _EMPTIED, case.package_id),
            cell(one_line(case.agent), one_line(case.action_type)),
            cell(f"{humanize(case.risk).capitalize()} risk", humanize(case.role)),
            cell(f"{case.ended_at:%d %b}"),
            cell(clean(says(case))),
        )
        for case in cases.shown
    ]
    omitted_count = cases.total - len(cases.shown)
    more = (
        [text_line(f"And {omitted_count:,} earlier ones: “countersign export decisions” has all.")]
        if omitted_count
        else []
    )
    return chapter(
        heading,
        text_line(meaning),
        table(heading, ("What", "Agent", "Risk and role", "Decided", last), rows),
        *more,
    )


def _reason(case: Case) -> str:
    return case.reason or _EMPTIED


def _decided(case: Case) -> str:
    return describe_result(case.facts.result)


def _policy(report: Report) -> str:
    rows = [
        (cell(in_utc(change.at)), cell(one_line(change.version)), cell(change.by)) for change in report.policy_changes
    ]
    changes = (
        table("Changes of the policy", ("When", "Version", "By"), rows)
        if rows
        else text_line("The policy did not change.")
    )
    return chapter("Changes of the policy", changes, text_line(f"In force now: {one_line(report.policy)}.", quiet=True))
