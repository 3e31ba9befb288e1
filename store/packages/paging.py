"""Pages of the queue, in its order: the most urgent tasks first.

A list can leave tasks out: those that a person may not see or decide, and those without the words of a search. That
costs time, so a page of such a list ends when it is full, or after enough tasks or time. The next one goes on there.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, Row, select, tuple_, union_all

from rules.state.model import PackageState
from store.packages.packages import PACKAGES
from store.packages.search import Condition, Searcher
from store.packages.tasks import TASKS

MAX_TASKS_READ, READS_FOR = 2_000, 0.5  # tasks and seconds for a page of a list that leaves some out
_AT_ONCE = 200  # tasks in one statement
_BATCH = 50  # tasks whose content a search reads at once

OF_TASK = (PACKAGES.c.tenant_id == TASKS.c.tenant_id) & (PACKAGES.c.package_id == TASKS.c.package_id)
_PLACE = (TASKS.c.priority, TASKS.c.due_at, TASKS.c.review_task_id)

Conditions = Sequence[Condition]
Keep = Callable[[PackageState], bool]
TaskRow = Row[str, int, datetime, str]  # a package's state and its place in the queue


class Cursor(NamedTuple):
    """The place in the queue after which a page begins."""

    priority: int
    due_at: datetime
    review_task_id: str


class Page(NamedTuple):
    """`following` is where the next page begins, `read` the number of tasks that were read for this one."""

    items: tuple[PackageState, ...]
    following: Cursor | None
    read: int = 0


@dataclass(frozen=True, slots=True)
class _Selection:
    """What a list leaves out, by the package's state and by the words of a search."""

    searcher: Searcher | None
    keep: Keep | None

    @property
    def keeps_all(self) -> bool:
        return self.keep is None and not (self.searcher and self.searcher.reads_content)

    def conditions(self) -> Sequence[Condition]:
        return self.searcher.conditions() if self.searcher else ()

    def passing(self, states: Sequence[PackageState]) -> Sequence[PackageState]:
        kept = [state for state in states if self.keep is None or self.keep(state)]
        return self.searcher.having_words(kept) if self.searcher else kept


class _Task(NamedTuple):
    """A task in the order of the queue. `package` is None if the task is left out."""

    row: TaskRow
    package: PackageState | None
    is_last: bool


def read_page(
    connection: Connection,
    tenant_id: str,
    any_of: Sequence[Conditions],
    *,
    limit: int,
    after: Cursor | None,
    searcher: Searcher | None,
    keep: Keep | None = None,
) -> Page:
    """The first open tasks after this place that meet any of these conditions and are kept, at most `limit`."""
    selection = _Selection(searcher, keep)
    max_read, until = (limit if selection.keeps_all else MAX_TASKS_READ), time.monotonic() + READS_FOR
    kept: list[PackageState] = []
    tasks = _walk(connection, tenant_id, any_of, after, selection, at_once=min(max_read, _AT_ONCE))
    for read, task in enumerate(tasks, 1):
        kept += [task.package] if task.package else []
        is_late = not selection.keeps_all and read % _BATCH == 0 and time.monotonic() >= until
        if task.is_last or is_late or read == max_read or len(kept) == limit:
            return Page(tuple(kept), None if task.is_last else _cursor(task.row), read)
    return Page((), None)


def _walk(
    connection: Connection,
    tenant_id: str,
    any_of: Sequence[Conditions],
    after: Cursor | None,
    selection: _Selection,
    *,
    at_once: int,
) -> Iterator[_Task]:
    while True:
        begin = [_after(after)] if after else []
        rows = _rows(
            connection, tenant_id, [[*begin, *conditions] for conditions in any_of], at_once + 1, selection.conditions()
        )
        for start in range(0, len(rows[:at_once]), _BATCH):
            batch = rows[start : min(start + _BATCH, at_once)]
            yield from (_Task(row, package, row is rows[-1]) for row, package in _select(batch, selection))
        if len(rows) <= at_once:
            return
        after = _cursor(rows[at_once - 1])


def _select(rows: Sequence[TaskRow], selection: _Selection) -> Iterator[tuple[TaskRow, PackageState | None]]:
    states = {row.review_task_id: PackageState.model_validate_json(row.state) for row in rows}
    passing = {state.decision_package_id for state in selection.passing([*states.values()])}
    for row in rows:
        state = states[row.review_task_id]
        yield row, state if state.decision_package_id in passing else None


def _rows(
    connection: Connection,
    tenant_id: str,
    any_of: Sequence[Conditions],
    limit: int,
    sought: Sequence[Condition],
) -> Sequence[TaskRow]:
    """The first tasks that meet any of these conditions: each condition walks an index, then the results are merged.

    All of them must meet what is `sought` in their packages.
    """
    if not any_of:
        return []
    begin = [TASKS.c.tenant_id == tenant_id, TASKS.c.open]
    tasks_of = TASKS.join(PACKAGES, OF_TASK) if sought else TASKS
    waiting = select(TASKS.c.package_id, *_PLACE).select_from(tasks_of).where(*begin, *sought)
    parts = (waiting.where(*conditions).order_by(*_PLACE).limit(limit) for conditions in any_of)
    merged = union_all(*(part.subquery().select() for part in parts))
    tasks = merged.order_by("priority", "due_at", "review_task_id").limit(limit).subquery()
    of_task = (PACKAGES.c.tenant_id == tenant_id) & (PACKAGES.c.package_id == tasks.c.package_id)
    place = (tasks.c.priority, tasks.c.due_at, tasks.c.review_task_id)
    return connection.execute(
        select(PACKAGES.c.state, *place).join_from(tasks, PACKAGES, of_task).order_by(*place)
    ).all()


def _after(cursor: Cursor) -> Condition:
    return tuple_(*_PLACE) > tuple_(*cursor)


def _cursor(row: TaskRow) -> Cursor:
    return Cursor(row.priority, row.due_at, row.review_task_id)
