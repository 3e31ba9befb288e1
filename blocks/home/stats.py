"""The statistics of `/reviews stats`: the measures in text with two charts, or the measures of each agent or week."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta

from blocks.kit.elements import Block, context, header, section
from blocks.kit.limits import CHART_LABEL
from blocks.kit.message import Message
from blocks.kit.text import cut, escape, format_duration, one_line, pluralize
from blocks.words.measures import GROUPING_LABELS, MEASURE_LABELS, describe_interval, describe_result
from rules.oversight.measures import FEW, DecisionPercentiles, Figures, Measure, Percentiles
from rules.oversight.statistics import Age, Group, Grouping, Statistics
from rules.scales import HITLLevel
from rules.wording import humanize

_LEVELS = tuple(HITLLevel)
_OLD = timedelta(hours=1)
_NAME = 60
GROUPS = 10


def stats(statistics: Statistics) -> Message:
    """What waits now and how the packages ended; or, divided, the measures of each group."""
    heading = f"Reviews in the last {format_duration(statistics.until - statistics.since)}"
    heading += f", by {statistics.by}" if statistics.by else ""
    sentences = (*(_group_lines(statistics, statistics.by) if statistics.by else _words(statistics)),)
    text = " ".join((f"{heading}.", *sentences)).replace("*", "")
    blocks = (header(heading), *(section(sentence) for sentence in sentences), _note(statistics.by))
    return Message(text, blocks, charts=() if statistics.by else (*_charts(statistics),))


def _words(statistics: Statistics) -> Iterator[str]:
    yield from _pending(statistics)
    figures = statistics.figures
    results = [f"{count:,} {describe_result(result)}" for result, count in figures.results.items()]
    yield f"*Ended:* {', '.join(results) or 'nothing yet'}."
    if figures.decided:
        yield f"*Decided by people:* {_shares(figures, *_OF_DECIDED)}."
    if figures.times:
        yield f"*Time to decide:* {_time_words(figures.times)}"
    if figures.shares[Measure.REVISION].whole:
        yield f"*On the way:* {_shares(figures, Measure.REVISION, Measure.ESCALATION)}."
    if signals := [measure for measure in _SIGNALS if figures.shares[measure].whole]:
        yield f"*Where to look:* {_shares(figures, *signals)}."
    if figures.sampled:
        yield f"*Second looks:* {_second_looks(figures)}."


_OF_DECIDED = (Measure.APPROVAL, Measure.REJECTION, Measure.OVERRIDE)
_SIGNALS = (Measure.APPROVAL_WHEN_UNCERTAIN, Measure.DISAGREEMENT, Measure.INCIDENTS)


def _shares(figures: Figures, *measures: Measure) -> str:
    return ", ".join(f"{MEASURE_LABELS[measure]} {figures.shares[measure].text}" for measure in measures)


def _second_looks(figures: Figures) -> str:
    defects = figures.shares[Measure.DEFECTS]
    judged = f"{defects.whole:,} of {pluralize(figures.sampled, 'package')} judged"
    interval = describe_interval(defects)
    return f"{judged}, unsound {defects.text}{f', {interval}' if interval else ''}" if defects.whole else judged


def _time_words(times: DecisionPercentiles) -> str:
    parts = f"{_time(times.waiting.median_ms)} until seen, {_time(times.reading.median_ms)} reading"
    return f"{_half_and_nine(times.decided)}. The median parts: {parts}."


def _half_and_nine(times: Percentiles) -> str:
    return f"half within {_time(times.median_ms)}, nine of ten within {_time(times.p90_ms)}"


def _time(milliseconds: int) -> str:
    """Rounded to seconds; to minutes from one hour on."""
    length = timedelta(seconds=round(milliseconds / 1000))
    return format_duration(length - length % timedelta(minutes=1) if length >= _OLD else length)


def _group_lines(statistics: Statistics, by: Grouping) -> Iterator[str]:
    """The groups with the most packages, and the newest weeks. The terminal lists all."""
    groups = statistics.groups
    shown = groups[-GROUPS:] if by is Grouping.WEEK else groups[:GROUPS]
    yield from (_group_line(group) for group in shown)
    if not groups:
        yield "Nothing ended."
    if len(groups) > len(shown):
        yield f"{len(groups) - len(shown)} more. `countersign stats --by {by}` lists all."


def _group_line(group: Group) -> str:
    figures = group.figures
    parts = [f"{figures.ended:,} ended"]
    if figures.decided:
        parts.append(_shares(figures, Measure.APPROVAL, Measure.REJECTION))
    parts += [
        f"{MEASURE_LABELS[measure]} {figures.shares[measure].text}"
        for measure in (Measure.REVISION, Measure.INCIDENTS)
        if figures.shares[measure].part
    ]
    parts += [_half_and_nine(figures.times.decided)] if figures.times else []
    return f"*{_name_markup(group.name)}:* {', '.join(parts)}."


def _name_markup(name: str) -> str:
    """Agents choose the names of action types, so nothing in them may act as markup."""
    return "".join(letter for letter in escape(cut(one_line(name), _NAME)) if letter not in "*_~`") or "unnamed"


def _pending(statistics: Statistics) -> Iterator[str]:
    by_level = [(level, _count(statistics, level)) for level in _LEVELS]
    parts = [pluralize(count, humanize(level)) for level, count in by_level if count]
    yield f"*Waiting now:* {', '.join(parts)}." if parts else "*Waiting now:* nothing."
    ages = [(age, sum(group.count for group in statistics.pending if group.age is age)) for age in Age]
    if statistics.waiting:
        yield f"*Waiting for:* {', '.join(f'{count} {_AGES[age]}' for age, count in ages if count)}."


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
    few = f"Of fewer than {FEW} packages, counts only."
    return context(f"{divided}{few} Numbers show where to look, not how well people review.")


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
