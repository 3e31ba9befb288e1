"""The statistics of `/reviews stats`: the measures in text with two charts, or the measures of each agent or week.

It only draws: `bot.slack.slash.stats` loads the `Statistics` and decides who may divide them. A divided answer has no
charts and at most `GROUPS` lines; `countersign stats` lists all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import NamedTuple

from blocks.kit.elements import Block, bold, code, context, header, paragraph, rich
from blocks.kit.limits import CHART_LABEL
from blocks.kit.message import Message
from blocks.kit.text import cut, escape, format_duration, one_line, pluralize
from blocks.words.measures import (
    GROUPING_LABELS,
    MEASURE_LABELS,
    SHARED,
    SMALL_NUMBERS,
    describe_blind,
    describe_interval,
    describe_result,
)
from rules.oversight.measures import DecisionPercentiles, Figures, Measure, Percentiles
from rules.oversight.statistics import Age, Group, Grouping, Statistics
from rules.scales import HITLLevel
from rules.visible import escape_invisible
from rules.wording import humanize

_LEVELS = tuple(HITLLevel)
_HOUR = timedelta(hours=1)
_NAME = 60  # characters of a group's name
GROUPS = 10


class _Line(NamedTuple):
    """`heading` is a label of the service, or the name of a group as it is, which others chose."""

    heading: str
    words: str
    is_name: bool = False

    @property
    def text(self) -> str:
        return f"{escape(self.heading)}: {self.words}"

    def draw(self) -> Block:
        heading = [code(self.heading), ": "] if self.is_name else [bold(f"{self.heading}: ")]
        return rich(paragraph(*heading, self.words))


def stats(statistics: Statistics) -> Message:
    """What waits now and how the packages ended; or, divided, the measures of each group."""
    by = statistics.by
    heading = f"Reviews in the last {format_duration(statistics.until - statistics.since)}"
    heading += f", by {by}" if by else ""
    lines = [*(_group_lines(_shown_groups(statistics.groups, by)) if by else _words(statistics))]
    notes = [*(_not_shown(statistics.groups, by) if by else ())]
    text = " ".join((f"{heading}.", *(line.text for line in lines), *notes))
    blocks = (header(heading), *(line.draw() for line in lines), *map(context, notes), _note(by))
    return Message(text, blocks, charts=() if by else (*_charts(statistics),))


def _words(statistics: Statistics) -> Iterator[_Line]:
    yield from _pending(statistics)
    figures = statistics.figures
    results = [f"{count:,} {describe_result(result)}" for result, count in figures.results.items()]
    yield _Line("Ended", f"{', '.join(results) or 'nothing yet'}.")
    if figures.decided:
        yield _Line("Decided by people", f"{_shares(figures, *_OF_DECIDED)}.")
    if figures.times:
        yield _Line("Time to decide", _time_words(figures.times))
    if figures.shares[Measure.REVISION].whole:
        yield _Line("Before the decision", f"{_shares(figures, Measure.REVISION, Measure.ESCALATION)}.")
    if signals := [measure for measure in _SIGNALS if figures.shares[measure].whole]:
        yield _Line("Where to look", f"{_shares(figures, *signals)}.")
    if figures.sampled or figures.not_possible:
        yield _Line("Second looks", f"{_second_looks(figures)}.")


_OF_DECIDED = (Measure.APPROVAL, Measure.REJECTION, Measure.OVERRIDE)
_SIGNALS = (Measure.APPROVAL_WHEN_UNCERTAIN, Measure.DISAGREEMENT, Measure.INCIDENTS)


def _shares(figures: Figures, *measures: Measure) -> str:
    return ", ".join(f"{MEASURE_LABELS[measure]} {figures.shares[measure].text}" for measure in measures)


def _second_looks(figures: Figures) -> str:
    defects = figures.shares[Measure.DEFECTS]
    judged = f"{defects.whole:,} of {pluralize(figures.sampled, 'package')} judged"
    interval = describe_interval(defects)
    unsound = f", unsound {defects.text}{f', {interval}' if interval else ''}" if defects.whole else ""
    return f"{judged}{unsound}{describe_blind(figures)}"


def _time_words(times: DecisionPercentiles) -> str:
    typical = f"seen after {duration_text(times.waiting.median_ms)}, read for {duration_text(times.reading.median_ms)}"
    return f"{_half_and_nine(times.decided)}. Typical: {typical}."


def _half_and_nine(times: Percentiles) -> str:
    return f"half within {duration_text(times.median_ms)}, nine of ten within {duration_text(times.p90_ms)}"


def duration_text(milliseconds: int) -> str:
    """Rounded to seconds; to minutes from one hour on."""
    length = timedelta(seconds=round(milliseconds / 1000))
    return format_duration(length - length % timedelta(minutes=1) if length >= _HOUR else length)


def _shown_groups(groups: Sequence[Group], by: Grouping) -> Sequence[Group]:
    """The groups with the most packages, and the newest weeks. The terminal lists all."""
    return groups[-GROUPS:] if by is Grouping.WEEK else groups[:GROUPS]


def _not_shown(groups: Sequence[Group], by: Grouping) -> Iterator[str]:
    if not groups:
        yield "Nothing ended."
    if len(groups) > GROUPS:
        yield f"{len(groups) - GROUPS} more. `countersign stats --by {by}` lists all."


def _group_lines(groups: Iterable[Group]) -> Iterator[_Line]:
    for group in groups:
        name = cut(one_line(escape_invisible(group.name)), _NAME) or "unnamed"
        yield _Line(name, _group_words(group.figures), is_name=True)


def _group_words(figures: Figures) -> str:
    parts = [f"{figures.ended:,} ended"]
    if figures.decided:
        parts.append(_shares(figures, Measure.APPROVAL, Measure.REJECTION))
    parts += [
        f"{MEASURE_LABELS[measure]} {figures.shares[measure].text}"
        for measure in (Measure.REVISION, Measure.INCIDENTS)
        if figures.shares[measure].part
    ]
    parts += [_half_and_nine(figures.times.decided)] if figures.times else []
    return f"{', '.join(parts)}."


def _pending(statistics: Statistics) -> Iterator[_Line]:
    by_level = [(level, _count(statistics, level)) for level in _LEVELS]
    parts = [pluralize(count, humanize(level)) for level, count in by_level if count]
    yield _Line("Waiting now", f"{', '.join(parts) or 'nothing'}.")
    ages = [(age, sum(group.count for group in statistics.pending if group.age is age)) for age in Age]
    if statistics.waiting:
        waits = (f"{pluralize(count, 'package')} {_AGES[age]}" for age, count in ages if count)
        yield _Line("Waiting for", f"{', '.join(waits)}.")


_AGES: Mapping[Age, str] = {
    Age.UNDER_1H: "under 1 hour",
    Age.UNDER_4H: "1 to 4 hours",
    Age.UNDER_24H: "4 to 24 hours",
    Age.UNDER_3D: "1 to 3 days",
    Age.OLDER: "over 3 days",
}


def _count(statistics: Statistics, level: HITLLevel, age: Age | None = None) -> int:
    return sum(group.count for group in statistics.pending if group.level is level and age in (None, group.age))


def _note(by: Grouping | None) -> Block:
    divided = f"By {GROUPING_LABELS[by]}. " if by else ""
    divided += f"{SHARED} " if by is Grouping.REVIEWER else ""
    return context(f"{divided}{SMALL_NUMBERS} Numbers show where to look, not how well people review.")


def _charts(statistics: Statistics) -> Iterator[Block]:
    """Slack draws at most two charts in a message and refuses an empty one."""
    if statistics.waiting:
        yield chart("Waiting now, by age", _bars(statistics))
    results = statistics.figures.results.items()
    slices = [
        {"label": cut(describe_result(result), CHART_LABEL), "value": count}
        for result, count in results
        if result.awaited_people
    ]
    if slices:
        yield chart("How reviews ended", {"type": "pie", "segments": slices})


def chart(title: str, drawn: Mapping[str, object]) -> Block:
    return {"type": "data_visualization", "title": title, "chart": dict(drawn)}


def _bars(statistics: Statistics) -> dict[str, object]:
    series = [
        {
            "name": cut(humanize(level), CHART_LABEL),
            "data": [{"label": age.value, "value": _count(statistics, level, age)} for age in Age],
        }
        for level in _LEVELS
        if _count(statistics, level)
    ]
    return {
        "type": "bar",
        "series": series,
        "axis_config": {"categories": [age.value for age in Age], "y_label": "Packages"},
    }
