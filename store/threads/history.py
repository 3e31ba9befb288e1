"""The events of a thread and of its owner's packages, page by page."""

from __future__ import annotations

import json
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, or_, select, tuple_

from rules.record.chain import Event
from rules.threads.model import ThreadState
from store.packages.events import EVENTS
from store.packages.packages import PACKAGES

# Left out for an agent: which runs are stopped with the thread, and which agents had it, may come from other agents.
_OF_OTHERS = ("stopped_names", "lineage", "handoffs")


class EventPlace(NamedTuple):
    """The place of an event among those of several packages and threads."""

    occurred_at: datetime
    event_id: str


class HistoryPage(NamedTuple):
    events: list[Event]
    following: EventPlace | None


def load_own_history(
    connection: Connection, thread: ThreadState, *, limit: int, after: EventPlace | None = None
) -> HistoryPage:
    """A page, the oldest event first, and the place after which the next page begins, if there is one."""
    own = select(PACKAGES.c.package_id).where(
        PACKAGES.c.tenant_id == thread.tenant_id,
        PACKAGES.c.thread_key == thread.thread_key,
        PACKAGES.c.agent_id == thread.owner_agent,
    )
    place = tuple_(EVENTS.c.occurred_at, EVENTS.c.event_id)
    query = select(EVENTS.c.occurred_at, EVENTS.c.event_id, EVENTS.c.body).where(
        EVENTS.c.tenant_id == thread.tenant_id,
        or_(EVENTS.c.package_id == thread.thread_key, EVENTS.c.package_id.in_(own)),
    )
    if after:
        query = query.where(place > tuple_(after.occurred_at, after.event_id))
    rows = connection.execute(query.order_by(EVENTS.c.occurred_at, EVENTS.c.event_id).limit(limit + 1)).all()
    page = rows[:limit]
    following = EventPlace(page[-1].occurred_at, page[-1].event_id) if len(rows) > limit else None
    return HistoryPage([_for_agent(json.loads(row.body), thread) for row in page], following)


def _for_agent(event: Event, thread: ThreadState) -> Event:
    if event["decision_package_id"] != thread.thread_key:
        return event
    return event | {"change": {name: value for name, value in event["change"].items() if name not in _OF_OTHERS}}
