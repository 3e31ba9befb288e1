"""`countersign queue`: the queue of `/reviews`, in a terminal.

It lists all open packages, whoever may decide them, with the titles that retention has left.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import typer
from sqlalchemy import Connection

from bot.cli.common import session
from bot.cli.common.text import as_json, cut, iso, plain, table
from rules.record.chain import rfc3339
from rules.state.model import PackageState
from store.installation.tenancy import read_tenant_id
from store.packages.content import load_words
from store.packages.queue import count_open, list_open_tasks

TITLE_WIDTH = 74

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Role = Annotated[list[str] | None, typer.Option(help="Only tasks of this role; repeatable.", show_default=False)]
Limit = Annotated[int, typer.Option(help="How many at most.", min=1, max=1000)]

Entry = tuple[PackageState, str]


def queue(role: Role = None, limit: Limit = 50, *, json: Json = False) -> None:
    """List what waits for people, the most urgent first."""
    entries, total = session.query(lambda connection: _entries(connection, role, limit))
    if json:
        typer.echo(as_json([_document(*entry) for entry in entries]))
    else:
        typer.echo("\n".join(_lines(entries, total, limit)))


def _entries(connection: Connection, roles: list[str] | None, limit: int) -> tuple[list[Entry], int]:
    """The open tasks of these roles with the titles of their packages, and the number of all open tasks."""
    tenant_id = read_tenant_id(connection)
    states = list_open_tasks(connection, tenant_id, roles or None, limit=limit).items
    words = load_words(connection, tenant_id, *(state.version_event_id for state in states))
    total = count_open(connection, tenant_id)
    return [(state, _title(words.get(state.version_event_id, {}))) for state in states], total


def _title(words: dict[str, Any]) -> str:
    package = words.get("package")
    return str(package["title"]) if isinstance(package, dict) else "(content deleted)"


def _lines(entries: list[Entry], total: int, limit: int) -> Iterator[str]:
    if not entries:
        yield "nothing is waiting" if not total else f"nothing waits for this role; {total} in all"
        return
    titles = ("DUE", "RISK", "LEVEL", "ASKED", "TAKEN BY")
    head, *rows = table(titles, [_row(state) for state, _ in entries]).split("\n")
    yield head
    for row, (state, title) in zip(rows, entries, strict=True):
        yield row
        yield f"  {state.decision_package_id}  {state.action_type}"
        yield f"  {cut(plain(title), TITLE_WIDTH)}"
    if len(entries) == limit < total:
        yield f"{limit} of {total}; --limit shows more"


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
