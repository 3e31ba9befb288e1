"""What the numbers say: in two charts, and in words for those who see no charts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from blocks.elements import Block, context, header, section
from blocks.limits import CHART_LABEL
from blocks.message import Message
from blocks.text import counted, cut, plainly, span
from rules.commands import HumanDecisionType
from rules.scales import HITLLevel
from rules.state import Status

AGES = ("<1h", "1h-4h", "4h-24h", "1d-3d", ">3d")
_LEVELS = tuple(HITLLevel)
_BY_PEOPLE = (Status.APPROVED, Status.OVERRIDDEN, Status.REJECTED, Status.TAKEN_OVER, Status.REVOKED)
_SHORTER = {HumanDecisionType.REQUEST_MORE_EVIDENCE: "request evidence"}
_OLD = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many packages of a level and an age (one of `AGES`) wait for people."""

    level: HITLLevel
    age: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The same numbers as the store's statistics. `decisions` counts what people said, each one by themselves."""

    pending: Sequence[Waiting] = ()
    settled: Mapping[Status, int] = field(default_factory=dict)
    automatic: int = 0
    decisions: Mapping[HumanDecisionType, int] = field(default_factory=dict)
    median_ms: int | None = None
    p90_ms: int | None = None
    sampled: int = 0
    judged: int = 0
    unsound: int = 0

    @property
    def waiting(self) -> int:
        return sum(each.count for each in self.pending)

    @property
    def decided(self) -> int:
        """Packages that people brought to an end."""
        return sum(self.settled.get(status, 0) for status in _BY_PEOPLE)


def stats(figures: Figures, period: timedelta) -> Message:
    """What waits now, and what came of the rest within the period."""
    heading = f"Reviews of the last {span(period)}"
    said = (*_words(figures),)
    text = " ".join((f"{heading}.", *said)).replace("*", "")
    return Message(text, (header(heading), *_charts(figures), *(section(each) for each in said), _note()))


def _words(figures: Figures) -> Iterator[str]:
    yield from _pending(figures)
    yield from _settled(figures)
    yield from _decisions(figures)
    if figures.sampled:
        judged = f"{figures.judged} of {counted(figures.sampled, 'package')} picked for a second look were judged"
        yield judged + (f", {_share(figures.unsound, figures.judged)} of them unsound." if figures.judged else ".")


def _pending(figures: Figures) -> Iterator[str]:
    by_level = [(level, _count(figures, level)) for level in _LEVELS]
    parts = [f"{count} {plainly(level)}" for level, count in by_level if count]
    yield f"*Waiting now:* {', '.join(parts)}." if parts else "*Waiting now:* nothing."
    ages = [(age, sum(each.count for each in figures.pending if each.age == age)) for age in AGES]
    if figures.waiting:
        yield f"*For how long:* {', '.join(f'{count} for {_aged(age)}' for age, count in ages if count)}."


def _aged(age: str) -> str:
    return age.replace("<", "under ").replace(">", "over ").replace("-", " to ")


def _count(figures: Figures, level: HITLLevel, age: str | None = None) -> int:
    return sum(each.count for each in figures.pending if each.level is level and age in (None, each.age))


def _settled(figures: Figures) -> Iterator[str]:
    parts = [f"{count} {plainly(status)}" for status, count in figures.settled.items() if count]
    parts += [f"{figures.automatic} without anybody being asked"] if figures.automatic else []
    people = f" People decided {counted(figures.decided, 'package')}." if figures.decided else ""
    yield f"*What became of packages:* {', '.join(parts) or 'none ended'}.{people}"


def _decisions(figures: Figures) -> Iterator[str]:
    given = sum(figures.decisions.values())
    if not given:
        yield "*What people said:* nothing yet."
        return
    parts = [f"{plainly(said)} {count} ({_share(count, given)})" for said, count in figures.decisions.items() if count]
    yield f"*What people said:* {', '.join(parts)}."
    if figures.median_ms is not None and figures.p90_ms is not None:
        yield f"*Time to decide:* half within {_time(figures.median_ms)}, nine of ten within {_time(figures.p90_ms)}."


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.0%}"


def _time(milliseconds: int) -> str:
    """To the second, and to the minute from an hour on."""
    length = timedelta(seconds=round(milliseconds / 1000))
    return span(length - length % timedelta(minutes=1) if length >= _OLD else length)


def _note() -> Block:
    return context("Numbers show where to look, not how well anybody reviews.")


def _charts(figures: Figures) -> Iterator[Block]:
    """Slack draws at most two; an empty one it refuses."""
    if figures.waiting:
        yield _chart("Waiting now, by age", _bars(figures))
    slices = [{"label": _label(said), "value": count} for said, count in figures.decisions.items() if count]
    if slices:
        yield _chart("What people said", {"type": "pie", "segments": slices})


def _chart(title: str, chart: Mapping[str, object]) -> Block:
    return {"type": "data_visualization", "title": title, "chart": dict(chart)}


def _bars(figures: Figures) -> dict[str, object]:
    series = [
        {"name": _label(level), "data": [{"label": age, "value": _count(figures, level, age)} for age in AGES]}
        for level in _LEVELS
        if _count(figures, level)
    ]
    return {"type": "bar", "series": series, "axis_config": {"categories": list(AGES), "y_label": "Packages"}}


def _label(word: HumanDecisionType | HITLLevel) -> str:
    short = _SHORTER.get(word) if isinstance(word, HumanDecisionType) else None
    return cut(short or plainly(word), CHART_LABEL)
