"""`countersign queue` and `countersign stats`: the lists of `/reviews`, in a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, Any

import typer
from sqlalchemy import Connection

from bot.cli.common import session, spans
from bot.cli.common.text import as_json, cut, iso, plain, table
from rules.record.chain import rfc3339
from rules.record.statistics import Age, Statistics
from rules.scales import HITLLevel
from rules.state.model import PackageState, Status
from rules.values import write_duration
from store.installation.tenancy import read_tenant_id
from store.packages.content import load_words
from store.packages.queue import count_open, list_open_tasks
from store.packages.statistics import load_statistics as gather

TITLE = 74  # columns that remain of 80 after the indent


Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Role = Annotated[list[str] | None, typer.Option(help="Only tasks of this role; repeatable.", show_default=False)]
Limit = Annotated[int, typer.Option(help="How many at most.", min=1, max=1000)]
Period = Annotated[
    timedelta | None,
    typer.Argument(
        help="How far back, such as 24h or 30d. Default: 7d.",
        metavar="PERIOD",
        parser=spans.parse_period,
        show_default=False,
    ),
]
WEEK = timedelta(days=7)

Entry = tuple[PackageState, str]


def queue(role: Role = None, limit: Limit = 50, *, json: Json = False) -> None:
    """List what waits for people, the most urgent first."""
    entries, in_all = session.query(lambda connection: _entries(connection, role, limit))
    if json:
        typer.echo(as_json([_document(*entry) for entry in entries]))
    else:
        typer.echo("\n".join(_lines(entries, in_all, limit)))


def _entries(connection: Connection, roles: list[str] | None, limit: int) -> tuple[list[Entry], int]:
    """The open tasks with the titles of their packages, unless retention has deleted them, and the number of all."""
    tenant_id = read_tenant_id(connection)
    states = list_open_tasks(connection, tenant_id, roles or None, limit=limit).items
    words = load_words(connection, tenant_id, *(state.version_event_id for state in states))
    in_all = count_open(connection, tenant_id)
    return [(state, _title(words.get(state.version_event_id, {}))) for state in states], in_all


def _title(words: dict[str, Any]) -> str:
    package = words.get("package")
    return str(package["title"]) if isinstance(package, dict) else "(content deleted)"


def _lines(entries: list[Entry], in_all: int, limit: int) -> Iterator[str]:
    if not entries:
        yield "nothing is waiting" if not in_all else f"nothing waits for this role; {in_all} in all"
        return
    titles = ("DUE", "RISK", "LEVEL", "ASKED", "TAKEN BY")
    head, *rows = table(titles, [_row(state) for state, _ in entries]).split("\n")
    yield head
    for row, (state, title) in zip(rows, entries, strict=True):
        yield row
        yield f"  {state.decision_package_id}  {state.action_type}"
        yield f"  {cut(plain(title), TITLE)}"
    if len(entries) == limit < in_all:
        yield f"{limit} of {in_all}; --limit shows more"


def _row(state: PackageState) -> tuple[object, ...]:
    task = state.task
    return iso(state.ends_at), state.risk, state.level, task.required_role, task.assigned_to or "-"


def _document(state: PackageState, title: str) -> dict[str, object]:
    task = state.task
    return {
        "decision_package_id": state.decision_package_id,
        "version": state.version,
        "title": title,
        "action_type": state.action_type,
        "risk": state.risk,
        "level": state.level,
        "required_role": task.required_role,
        "rung": task.rung,
        "priority": task.priority,
        "assigned_to": task.assigned_to,
        "created_at": rfc3339(state.created_at),
        "due_at": rfc3339(state.ends_at),
    }


def stats(period: Period = None, *, json: Json = False) -> None:
    """Count what waits, what was decided and how, and how long it took."""
    now, span = session.now(), period or WEEK
    figures = session.query(lambda connection: gather(connection, now - span, now))
    typer.echo(as_json(_stats_document(figures)) if json else "\n\n".join(_sections(figures, span)))


def _stats_document(figures: Statistics) -> dict[str, object]:
    shares = {"overridden_share": figures.overridden_share, "unsound_share": figures.unsound_share}
    return figures.model_dump(mode="json") | {"decided": figures.decided, "rates": figures.rates} | shares


def _sections(figures: Statistics, period: timedelta) -> Iterator[str]:
    yield f"The last {write_duration(period)}, from {iso(figures.since)} to {iso(figures.until)}"
    yield _pending(figures)
    yield _settled_table(figures)
    yield _decisions(figures)
    if figures.sampled:
        judged = f"{figures.judged} of {figures.sampled} sampled were judged"
        yield judged + (f", {figures.unsound_share:.0%} of them unsound" if figures.unsound_share is not None else "")


def _pending(figures: Statistics) -> str:
    levels = [level for level in HITLLevel if level > HITLLevel.NOTIFY_ONLY]
    rows = [(level, *_by_age(figures, level)) for level in levels]
    return table(("WAITING", *Age, "IN ALL"), [*rows, ("in all", *_by_age(figures, *levels))])


def _by_age(figures: Statistics, *levels: HITLLevel) -> list[int]:
    counts = [
        sum(group.count for group in figures.pending if group.age is age and group.level in levels) for age in Age
    ]
    return [*counts, sum(counts)]


def _settled_table(figures: Statistics) -> str:
    shown = [status for status in Status if status.terminal]
    rows: list[tuple[object, int]] = [(status.replace("_", " "), figures.settled.get(status, 0)) for status in shown]
    return table(("RESULT", "PACKAGES"), [*rows, ("went ahead without a person", figures.automatic)])


def _decisions(figures: Statistics) -> str:
    if not figures.decisions:
        return "no decisions"
    rows = [
        (name.replace("_", " "), count, f"{figures.rates[name]:.0%}".rjust(5))
        for name, count in figures.decisions.items()
    ]
    return f"{table(('DECISION', 'TIMES', 'SHARE'), rows)}\n{_speed(figures)}"


def _speed(figures: Statistics) -> str:
    return f"time to decide: half within {_duration(figures.median_ms)}, nine of ten within {_duration(figures.p90_ms)}"


def _duration(milliseconds: int | None) -> str:
    """Round to seconds, and from one hour on to minutes."""
    seconds = round((milliseconds or 0) / 1000)
    return write_duration(timedelta(seconds=seconds - seconds % 60 if seconds >= 3600 else seconds))  # noqa: PLR2004
