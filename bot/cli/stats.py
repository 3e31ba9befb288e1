"""`countersign stats`: the measures of human control, as tables, JSON or CSV.

Before it reads, it counts the packages that have ended since the last count (`count_some`), so no number is behind. The
measures by reviewer exist only if the policy allows names, and each reading of them is recorded first.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import datetime, timedelta
from textwrap import fill
from typing import Annotated, Any

import typer
from sqlalchemy import Connection

from blocks.words.measures import (
    GROUPING_LABELS,
    MEASURE_LABELS,
    SHARED,
    SMALL_NUMBERS,
    describe_blind,
    describe_interval,
    describe_result,
)
from bot.cli.common import session, spans
from bot.cli.common.command_error import CommandError
from bot.cli.common.text import as_json, cut, iso, plain, table
from rules.oversight.measures import DecisionPercentiles, Figures, Measure, Ratio
from rules.oversight.outcomes import Result
from rules.oversight.statistics import NAMES_ARE_OFF, Age, Group, Grouping, Statistics
from rules.record.chain import rfc3339
from rules.scales import HITLLevel
from rules.values import write_duration
from store.commands.policies import active_digest
from store.installation.policy_texts import load_policy
from store.oversight.names import record_names_read
from store.oversight.outcomes import count_some
from store.oversight.statistics import load_statistics

WEEK = timedelta(days=7)
_NAME_WIDTH = 24

Period = Annotated[
    timedelta | None,
    typer.Argument(
        help="How far back, such as 24h or 30d. Default: 7d.",
        metavar="PERIOD",
        parser=spans.parse_period,
        show_default=False,
    ),
]
By = Annotated[Grouping | None, typer.Option(help="Measure each of these by itself.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Csv = Annotated[bool, typer.Option("--csv", help="Print CSV: one line for each measure of each group.")]


def stats(period: Period = None, by: By = None, *, json: Json = False, as_csv: Csv = False) -> None:
    """Measure how people decide, and how long it takes. Count what waits."""
    now, span = session.now(), period or WEEK
    if by is Grouping.REVIEWER:
        session.repeatable_transaction(lambda connection: _record_reading(connection, now - span, now))
    session.repeat_until_done(count_some)
    statistics = session.query(lambda connection: load_statistics(connection, now - span, now, by))
    if json:
        typer.echo(as_json(_document(statistics)))
    elif as_csv:
        typer.echo(_csv(statistics), nl=False)
    else:
        typer.echo("\n\n".join(_sections(statistics, span)))


def _record_reading(connection: Connection, since: datetime, until: datetime) -> None:
    policy = load_policy(connection, active_digest(connection))
    if not record_names_read(connection, policy, session.OPERATOR, since, until):
        raise CommandError(NAMES_ARE_OFF)


def _document(statistics: Statistics) -> dict[str, object]:
    return {
        "since": rfc3339(statistics.since),
        "until": rfc3339(statistics.until),
        "pending": [waiting.model_dump(mode="json") for waiting in statistics.pending],
        **_figures_document(statistics.figures),
        "by": statistics.by,
        "groups": [{"name": group.name, **_figures_document(group.figures)} for group in statistics.groups],
    }


def _figures_document(figures: Figures) -> dict[str, object]:
    return {
        "ended": figures.ended,
        "decided": figures.decided,
        "results": dict(figures.results),
        "measures": {measure.value: _ratio_document(ratio) for measure, ratio in figures.shares.items()},
        "time_to_decide": figures.times.model_dump(mode="json") if figures.times else None,
        "sampled": figures.sampled,
        "blind": figures.blind,
        "blind_not_possible": figures.not_possible,
    }


def _ratio_document(ratio: Ratio) -> dict[str, Any]:
    low, high = ratio.interval or (None, None)
    return {"part": ratio.part, "whole": ratio.whole, "share": ratio.share, "low": low, "high": high}


def _csv(statistics: Statistics) -> str:
    """The first lines have no name: they are about all packages of the period."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("by", "name", "measure", "part", "whole", "share", "low", "high", "median_ms", "p90_ms"))
    for group in (Group(name="", figures=statistics.figures), *statistics.groups):
        writer.writerows((statistics.by or "", _cell(group.name), *line) for line in _csv_lines(group.figures))
    return text.getvalue()


def _cell(name: str) -> str:
    """Agents choose the names of action types, and a spreadsheet would read some of them as formulas."""
    return f"'{name}" if name.startswith(("=", "+", "-", "@", "\t", "\r")) else name


def _csv_lines(figures: Figures) -> Iterator[tuple[object, ...]]:
    for measure, ratio in figures.shares.items():
        yield (measure.value, *_ratio_document(ratio).values(), None, None)
    for name in DecisionPercentiles.model_fields if figures.times else ():
        times = getattr(figures.times, name)
        yield (f"time_{name}", None, figures.decided, None, None, None, times.median_ms, times.p90_ms)


def _sections(statistics: Statistics, period: timedelta) -> Iterator[str]:
    yield f"The last {write_duration(period)}, from {iso(statistics.since)} to {iso(statistics.until)}"
    if statistics.by:
        yield f"By {GROUPING_LABELS[statistics.by]}\n{_groups(statistics, statistics.by)}"
        yield f"{SMALL_NUMBERS}\n{fill(SHARED, 80)}" if statistics.by is Grouping.REVIEWER else SMALL_NUMBERS
        return
    yield _pending(statistics)
    yield _results(statistics.figures)
    yield _measures(statistics.figures)
    if statistics.figures.times:
        yield _times(statistics.figures.times)
    yield SMALL_NUMBERS


def _pending(statistics: Statistics) -> str:
    levels = [level for level in HITLLevel if level > HITLLevel.NOTIFY_ONLY]
    rows = [(level, *_by_age(statistics, level)) for level in levels]
    return table(("WAITING", *Age, "IN ALL"), [*rows, ("in all", *_by_age(statistics, *levels))])


def _by_age(statistics: Statistics, *levels: HITLLevel) -> list[int]:
    counts = [
        sum(group.count for group in statistics.pending if group.age is age and group.level in levels) for age in Age
    ]
    return [*counts, sum(counts)]


def _results(figures: Figures) -> str:
    return table(
        ("ENDED", "PACKAGES"), [(describe_result(result), figures.results.get(result, 0)) for result in Result]
    )


def _measures(figures: Figures) -> str:
    rows = [(MEASURE_LABELS[measure], ratio.text) for measure, ratio in figures.shares.items()]
    interval, blind = describe_interval(figures.shares[Measure.DEFECTS]), describe_blind(figures)
    notes = [interval, f"second looks: {figures.sampled:,} picked{blind}" if blind else ""]
    return "\n    ".join([table(("MEASURE", "SHARE"), rows), *filter(None, notes)])


def _times(times: DecisionPercentiles) -> str:
    rows = [
        (label, _duration(part.median_ms), _duration(part.p90_ms))
        for label, part in (
            ("in all", times.decided),
            ("until first seen", times.waiting),
            ("until the reviewer opened it", times.seen),
            ("reading", times.reading),
        )
    ]
    return table(("TIME TO DECIDE", "HALF WITHIN", "9 OF 10 WITHIN"), rows)


def _groups(statistics: Statistics, by: Grouping) -> str:
    titles = (by.upper(), "ENDED", "APPROVED", "REJECTED", "SENT BACK", "INCIDENTS", "MEDIAN")
    return table(titles, [_group_row(group) for group in statistics.groups])


def _group_row(group: Group) -> tuple[object, ...]:
    shares, times = group.figures.shares, group.figures.times
    columns = (Measure.APPROVAL, Measure.REJECTION, Measure.REVISION, Measure.INCIDENTS)
    return (
        cut(plain(group.name), _NAME_WIDTH),
        group.figures.ended,
        *(_short(shares[measure]) for measure in columns),
        _duration(times.decided.median_ms) if times else "-",
    )


def _short(ratio: Ratio) -> str:
    if ratio.share is None:
        return "-"
    return f"{ratio.part} of {ratio.whole}" if ratio.is_small else f"{ratio.share:.0%}"


def _duration(milliseconds: int) -> str:
    """Round to seconds, and from one hour on to minutes."""
    seconds = round(milliseconds / 1000)
    return write_duration(timedelta(seconds=seconds - seconds % 60 if seconds >= 3600 else seconds))  # noqa: PLR2004
