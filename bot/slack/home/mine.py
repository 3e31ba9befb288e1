"""Waiting packages: one person's own (assigned to them, or open to them), and the whole queue as far as they see it."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from bot.slack.home.places import Start
from rules.authority.visibility import may_see, sees_all
from rules.people.directory import Roster
from rules.state.model import PackageState
from store.packages.queue import count_open, list_assigned, list_offered, list_open_tasks

SEARCHED = 1000  # of the most urgent tasks; a longer queue is not read in full for someone who sees few of them


class Mine(NamedTuple):
    states: tuple[PackageState, ...]
    following: Start | None


def mine_of(
    connection: Connection, tenant_id: str, roster: Roster, user_id: str, now: datetime, *, start: Start, limit: int
) -> Mine:
    """One page across both lists: assigned packages first, then those that the person could take."""
    own: tuple[PackageState, ...] = ()
    if not start.in_second:
        page = list_assigned(connection, tenant_id, user_id, limit=limit, after=start.after)
        if page.following or len(page.items) == limit:
            return Mine(page.items, Start(after=page.following) if page.following else Start(in_second=True))
        own, start = page.items, Start(in_second=True)
    room = limit - len(own)
    more = list_offered(connection, tenant_id, roster, user_id, now, limit=room, after=start.after)
    beyond = Start(in_second=True, after=more.following) if more.following else None
    return Mine((*own, *more.items), beyond)


class Queue(NamedTuple):
    """`more` counts further packages that the person may see. `searched` is set if the search stopped there."""

    states: tuple[PackageState, ...]
    more: int
    searched: int | None = None


def queue_of(
    connection: Connection, tenant_id: str, roster: Roster, user_id: str, now: datetime, *, limit: int
) -> Queue:
    """Everything that waits, most urgent first."""
    if sees_all(roster.policy, user_id):
        whole = list_open_tasks(connection, tenant_id, limit=limit).items
        return Queue(whole, max(0, count_open(connection, tenant_id) - len(whole)))
    page = list_open_tasks(connection, tenant_id, limit=SEARCHED)
    seen = tuple(state for state in page.items if may_see(roster, state, user_id, now))
    return Queue(seen[:limit], max(0, len(seen) - limit), SEARCHED if page.following else None)
