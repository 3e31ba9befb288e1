"""Waiting packages: one person's own (assigned to them, or open to them), and the whole queue as far as they see it.

`Mine` is a page over two lists, so `Start` says in which of them to go on. No index tells whether a person may take a
package: packages are read and tried in portions, and a page can be short or empty with more to follow.
"""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection

from bot.slack.home.places import Start
from bot.slack.home.rows import Viewer
from rules.authority.visibility import may_see, sees_all
from rules.search import EVERYTHING, Search
from rules.state.model import PackageState
from store.agents.agents import agent_names
from store.packages.queue import count_open, list_assigned, list_offered, list_open_tasks
from store.packages.search import Searcher

COUNTED = 1000  # packages of the queue that are read and counted for one person


class Mine(NamedTuple):
    """An empty page can be followed by another one, because a part of the queue is read at a time."""

    states: tuple[PackageState, ...]
    following: Start | None


def mine_of(
    connection: Connection,
    tenant_id: str,
    viewer: Viewer,
    *,
    start: Start,
    limit: int,
    search: Search = EVERYTHING,
) -> Mine:
    """One page across both lists: assigned packages first, then those that the person could take."""
    own: tuple[PackageState, ...] = ()
    searcher = _searcher(connection, tenant_id, search)
    user_id, roster = viewer.user_id, viewer.roster
    if not start.in_second:
        page = list_assigned(connection, tenant_id, user_id, limit=limit, after=start.after, searcher=searcher)
        if page.following or len(page.items) == limit:
            return Mine(page.items, Start(after=page.following) if page.following else Start(in_second=True))
        own, start = page.items, Start(in_second=True)
    room = limit - len(own)
    more = list_offered(
        connection, tenant_id, roster, user_id, viewer.now, limit=room, after=start.after, searcher=searcher
    )
    following = Start(in_second=True, after=more.following) if more.following else None
    return Mine((*own, *more.items), following)


def _searcher(connection: Connection, tenant_id: str, search: Search) -> Searcher | None:
    if search == EVERYTHING:
        return None
    return Searcher(connection, tenant_id, search, agent_names(connection, tenant_id))


class Queue(NamedTuple):
    """`more`: how many further packages the person may see. `searched`: how many tasks were read, if not all."""

    states: tuple[PackageState, ...]
    more: int
    searched: int | None = None


def queue_of(
    connection: Connection, tenant_id: str, viewer: Viewer, *, limit: int, search: Search = EVERYTHING
) -> Queue:
    """Everything that waits and matches the search, most urgent first."""
    sees_everything = sees_all(viewer.roster.policy, viewer.user_id)
    if sees_everything and search == EVERYTHING:
        all_tasks = list_open_tasks(connection, tenant_id, limit=limit).items
        return Queue(all_tasks, max(0, count_open(connection, tenant_id) - len(all_tasks)))

    def is_visible(state: PackageState) -> bool:
        return sees_everything or may_see(viewer.roster, state, viewer.user_id, viewer.now)

    searcher = _searcher(connection, tenant_id, search)
    page = list_open_tasks(connection, tenant_id, limit=COUNTED, searcher=searcher, keep=is_visible)
    return Queue(page.items[:limit], max(0, len(page.items) - limit), page.read if page.following else None)
