"""What waits for one person: first what they have taken up or were given, then what they could take."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from bot.slack.places import Start
from rules.people import Roster
from rules.state import PackageState
from store.queue import assigned_to, offered_to


class Mine(NamedTuple):
    states: tuple[PackageState, ...]
    following: Start | None


def mine_of(
    connection: Connection, tenant_id: str, roster: Roster, user_id: str, now: datetime, *, start: Start, limit: int
) -> Mine:
    """One page of both lists together."""
    own: tuple[PackageState, ...] = ()
    if not start.in_second:
        page = assigned_to(connection, tenant_id, user_id, limit=limit, after=start.after)
        if page.following or len(page.items) == limit:
            return Mine(page.items, Start(after=page.following) if page.following else Start(in_second=True))
        own, start = page.items, Start(in_second=True)
    room = limit - len(own)
    more = offered_to(connection, tenant_id, roster, user_id, now, limit=room, after=start.after)
    beyond = Start(in_second=True, after=more.following) if more.following else None
    return Mine((*own, *more.items), beyond)
