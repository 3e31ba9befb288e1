"""The statistics of `/reviews stats`: the numbers in text, and two charts of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta

from blocks.kit.elements import Block, context, header, section
from blocks.kit.limits import CHART_LABEL
from blocks.kit.message import Message
from blocks.kit.text import cut, format_duration, pluralize
from rules.record.statistics import Age, Statistics
from rules.scales import HITLLevel
from rules.state.commands import HumanDecisionType
from rules.wording import humanize

_LEVELS = tuple(HITLLevel)
_SHORTER = {HumanDecisionType.REQUEST_MORE_EVIDENCE: "request evidence"}
_OLD = timedelta(hours=1)


def stats(figures: Statistics) -> Message:
    """What waits now, and what happened since the start of the period."""
    heading = f"Reviews in the last {format_duration(figures.until - figures.since)}"
    sentences = (*_words(figures),)
    text = " ".join((f"{heading}.", *sentences)).replace("*", "")
    shown = (header(heading), *(section(sentence) for sentence in sentences), _note())
    return Message(text, shown, charts=(*_charts(figures),))


def _words(figures: Statistics) -> Iterator[str]:
    yield from _pending(figures)
    yield from _settled_parts(figures)
    yield from _decisions(figures)
    if figures.sampled:
        judged = f"{figures.judged} of {pluralize(figures.sampled, 'package')} picked for a second look were judged"
        share = figures.unsound_share
        yield judged + ("." if share is None else f", {share:.0%} of them unsound.")


def _pending(figures: Statistics) -> Iterator[str]:
    by_level = [(level, _count(figures, level)) for level in _LEVELS]
    parts = [pluralize(count, humanize(level)) for level, count in by_level if count]
    yield f"*Waiting now:* {', '.join(parts)}." if parts else "*Waiting now:* nothing."
    ages = [(age, sum(group.count for group in figures.pending if group.age is age)) for age in Age]
    if figures.waiting:
        yield f"*Waiting for:* {', '.join(f'{count} {_AGES[age]}' for age, count in ages if count)}."


_AGES: Mapping[Age, str] = {
    Age.UNDER_1H: "under 1 hour",
    Age.UNDER_4H: "1 to 4 hours",
    Age.UNDER_24H: "4 to 24 hours",
    Age.UNDER_3D: "1 to 3 days",
    Age.OLDER: "over 3 days",
}


def _count(figures: Statistics, level: HITLLevel, age: Age | None = None) -> int:
    return sum(group.count for group in figures.pending if group.level is level and age in (None, group.age))


def _settled_parts(figures: Statistics) -> Iterator[str]:
    parts = [f"{count} {humanize(status)}" for status, count in figures.settled.items() if count]
    parts += [f"{figures.automatic} without a person"] if figures.automatic else []
    people = f" People decided {pluralize(figures.decided, 'package')}." if figures.decided else ""
    yield f"*Results:* {', '.join(parts) or 'nothing yet'}.{people}"


def _decisions(figures: Statistics) -> Iterator[str]:
    if not any(figures.decisions.values()):
        yield "*Decisions:* nothing yet."
        return
    rates = figures.rates
    parts = [
        f"{humanize(decision)} {count} ({rates[decision]:.0%})"
        for decision, count in figures.decisions.items()
        if count
    ]
    yield f"*Decisions:* {', '.join(parts)}."
    if figures.median_ms is not None and figures.p90_ms is not None:
        yield f"*Time to decide:* half within {_time(figures.median_ms)}, nine of ten within {_time(figures.p90_ms)}."


def _time(milliseconds: int) -> str:
    """Rounded to seconds; to minutes from one hour on."""
    length = timedelta(seconds=round(milliseconds / 1000))
    return format_duration(length - length % timedelta(minutes=1) if length >= _OLD else length)


def _note() -> Block:
    return context("Numbers show where to look, not how well people review.")


def _charts(figures: Statistics) -> Iterator[Block]:
    """Slack draws at most two charts in a message and refuses an empty one."""
    if figures.waiting:
        yield chart("Waiting now, by age", _bars(figures))
    slices = [{"label": _label(decision), "value": count} for decision, count in figures.decisions.items() if count]
    if slices:
        yield chart("Decisions", {"type": "pie", "segments": slices})


def chart(title: str, drawn: Mapping[str, object]) -> Block:
    return {"type": "data_visualization", "title": title, "chart": dict(drawn)}


def _bars(figures: Statistics) -> dict[str, object]:
    series = [
        {"name": _label(level), "data": [{"label": age.value, "value": _count(figures, level, age)} for age in Age]}
        for level in _LEVELS
        if _count(figures, level)
    ]
    return {
        "type": "bar",
        "series": series,
        "axis_config": {"categories": [age.value for age in Age], "y_label": "Packages"},
    }


def _label(word: HumanDecisionType | HITLLevel) -> str:
    shorter = _SHORTER.get(word) if isinstance(word, HumanDecisionType) else None
    return cut(shorter or humanize(word), CHART_LABEL)
