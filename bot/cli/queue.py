"""`countersign queue` and `countersign stats`: what `/reviews` shows, in a terminal."""

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
from store.installation.tenancy import tenant
from store.packages.content import words_of
from store.packages.queue import count_open, open_tasks
from store.packages.statistics import stats as gather

TITLE = 74  # what is left of a line of 80 under its indent


Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Role = Annotated[
    list[str] | None, typer.Option(help="Only what is asked of this role; may be repeated.", show_default=False)
]
Limit = Annotated[int, typer.Option(help="How many at most.", min=1, max=1000)]
Period = Annotated[
    timedelta | None,
    typer.Argument(
        help="How far back, such as 24h or 30d; else 7d.", metavar="PERIOD", parser=spans.period, show_default=False
    ),
]
WEEK = timedelta(days=7)

Entry = tuple[PackageState, str]


def queue(role: Role = None, limit: Limit = 50, *, json: Json = False) -> None:
    """List what waits for people, the most urgent first."""
    entries, in_all = session.read(lambda its: _entries(its, role, limit))
    if json:
        typer.echo(as_json([_document(*entry) for entry in entries]))
    else:
        typer.echo("\n".join(_lines(entries, in_all, limit)))


def _entries(connection: Connection, roles: list[str] | None, limit: int) -> tuple[list[Entry], int]:
    """The open tasks with the titles of their packages, as far as retention has left them; and how many wait in all."""
    tenant_id = tenant(connection)
    states = open_tasks(connection, tenant_id, roles or None, limit=limit).items
    words = words_of(connection, tenant_id, *(state.version_event_id for state in states))
    in_all = count_open(connection, tenant_id)
    return [(state, _title(words.get(state.version_event_id, {}))) for state in states], in_all


def _title(words: dict[str, Any]) -> str:
    package = words.get("package")
    return str(package["title"]) if isinstance(package, dict) else "(its words were emptied)"


def _lines(entries: list[Entry], in_all: int, limit: int) -> Iterator[str]:
    if not entries:
        yield "nothing is waiting" if not in_all else f"nothing of this is waiting, of {in_all} in all"
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
    its = session.read(lambda connection: gather(connection, now - span, now))
    typer.echo(as_json(_figures(its)) if json else "\n\n".join(_sections(its, span)))


def _figures(its: Statistics) -> dict[str, object]:
    shares = {"overridden_share": its.overridden_share, "unsound_share": its.unsound_share}
    return its.model_dump(mode="json") | {"decided": its.decided, "rates": its.rates} | shares


def _sections(its: Statistics, period: timedelta) -> Iterator[str]:
    yield f"The last {write_duration(period)}, from {iso(its.since)} to {iso(its.until)}"
    yield _pending(its)
    yield _ended(its)
    yield _decisions(its)
    if its.sampled:
        judged = f"{its.judged} of {its.sampled} sampled were judged"
        yield judged + (f", {its.unsound_share:.0%} of them unsound" if its.unsound_share is not None else "")


def _pending(its: Statistics) -> str:
    levels = [level for level in HITLLevel if level > HITLLevel.NOTIFY_ONLY]
    rows = [(level, *_by_age(its, level)) for level in levels]
    return table(("WAITING", *Age, "IN ALL"), [*rows, ("in all", *_by_age(its, *levels))])


def _by_age(its: Statistics, *levels: HITLLevel) -> list[int]:
    counts = [sum(each.count for each in its.pending if each.age is age and each.level in levels) for age in Age]
    return [*counts, sum(counts)]


def _ended(its: Statistics) -> str:
    shown = [status for status in Status if status.terminal]
    rows: list[tuple[object, int]] = [(status.replace("_", " "), its.settled.get(status, 0)) for status in shown]
    return table(("CAME TO", "PACKAGES"), [*rows, ("went ahead without anybody", its.automatic)])


def _decisions(its: Statistics) -> str:
    if not its.decisions:
        return "nobody decided anything"
    rows = [(name.replace("_", " "), count, f"{its.rates[name]:.0%}".rjust(5)) for name, count in its.decisions.items()]
    return f"{table(('PEOPLE SAID', 'TIMES', 'SHARE'), rows)}\n{_speed(its)}"


def _speed(its: Statistics) -> str:
    return f"time to decide: half within {_rough(its.median_ms)}, nine of ten within {_rough(its.p90_ms)}"


def _rough(milliseconds: int | None) -> str:
    """To the second, and to the minute from an hour on."""
    seconds = round((milliseconds or 0) / 1000)
    return write_duration(timedelta(seconds=seconds - seconds % 60 if seconds >= 3600 else seconds))  # noqa: PLR2004
