"""Slack's rate as a budget that all replicas share: when something was last spent, in rows that are read under a lock.

Slack counts what reaches it within a window. We count what we are about to send, and give each call a little time to
get there: a window is over for us a moment after it is over for Slack.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, delete, select, text

from store.outbox_tables import Budget
from store.tables import core

BUDGETS = core(Budget)

POSTS, UPDATES, _CHANNEL = "posts", "updates", "channel "


class Window(NamedTuple):
    calls: int
    seconds: float


class Rates(NamedTuple):
    """What Slack promises: about a post a second and channel, some hundred posts and fifty updates a minute."""

    channel: Window = Window(5, 5)
    posts: Window = Window(300, 60)
    updates: Window = Window(50, 60)
    on_its_way: float = 0.15  # seconds by which one call may be slower than another

    def of(self, key: str) -> Window:
        known = {POSTS: self.posts, UPDATES: self.updates}
        return known.get(key, self.channel)


def of_channel(channel: str) -> str:
    return f"{_CHANNEL}{channel}"


@dataclass(slots=True)
class Purse:
    """What is left of each budget now. Keys that nothing was spent of lately are not in it."""

    rates: Rates
    now: float
    spent: dict[str, list[float]] = field(default_factory=dict)
    paused: dict[str, float] = field(default_factory=dict)

    def wait(self, keys: Iterable[str]) -> float:
        """Seconds until all of these have something left: 0 for now."""
        return max((self._wait(key) for key in keys), default=0.0)

    def spend(self, keys: Iterable[str]) -> None:
        for key in keys:
            self.spent[key] = [*self.lately(key), self.now]

    def late(self, key: str, spent_at: float) -> None:
        """What was spent then has only got there now."""
        lately = self.lately(key)
        if spent_at in lately:
            lately.remove(spent_at)
        self.spent[key] = [*lately, self.now]

    def pause(self, key: str, seconds: float) -> None:
        """Slack itself said for how long."""
        self.paused[key] = max(self.paused.get(key, 0.0), self.now + seconds)

    @property
    def full(self) -> dict[str, float]:
        """Of what nothing is left, and for how long."""
        waits = {key: self._wait(key) for key in self.spent.keys() | self.paused.keys()}
        return {key: wait for key, wait in waits.items() if wait > 0}

    @property
    def full_channels(self) -> list[str]:
        return [key.removeprefix(_CHANNEL) for key in self.full if key.startswith(_CHANNEL)]

    def _wait(self, key: str) -> float:
        lately, window = self.lately(key), self.rates.of(key)
        free = lately[-window.calls] + self._length(key) if len(lately) >= window.calls else 0.0
        return max(0.0, free - self.now, self.paused.get(key, 0.0) - self.now)

    def lately(self, key: str) -> list[float]:
        # What lies ahead was spent by a machine whose clock is ahead of ours: it counts as spent just now.
        since = self.now - self._length(key)
        return [min(at, self.now) for at in self.spent.get(key, ()) if at > since]

    def _length(self, key: str) -> float:
        return self.rates.of(key).seconds + self.rates.on_its_way


_FIRST = text(
    "INSERT INTO budgets (tenant_id, key, spent, paused_until) VALUES (:tenant, 'posts', '[]', 0)"
    " ON CONFLICT (tenant_id, key) DO NOTHING"
)
_OF_TENANT = BUDGETS.c.tenant_id == bindparam("tenant")
# One row stands for all, and is locked before the others are read: who waits for a lock sees no row added meanwhile.
_LOCK = select(BUDGETS.c.key).where(_OF_TENANT, BUDGETS.c.key == POSTS).with_for_update()
_READ = select(BUDGETS.c.key, BUDGETS.c.spent, BUDGETS.c.paused_until).where(_OF_TENANT)
_WRITE = text(
    "INSERT INTO budgets (tenant_id, key, spent, paused_until) VALUES (:tenant, :key, :spent, :paused)"
    " ON CONFLICT (tenant_id, key) DO UPDATE SET spent = excluded.spent, paused_until = excluded.paused_until"
)
_FORGET = delete(BUDGETS).where(_OF_TENANT, BUDGETS.c.key.in_(bindparam("keys", expanding=True)))


def opened(connection: Connection, tenant_id: str, rates: Rates, now: float) -> Purse:
    """Held until the commit: nobody else spends meanwhile."""
    connection.execute(_FIRST, {"tenant": tenant_id})
    connection.execute(_LOCK, {"tenant": tenant_id})
    purse = Purse(rates, now)
    for key, spent, paused in connection.execute(_READ, {"tenant": tenant_id}):
        purse.spent[key] = json.loads(spent)
        purse.paused[key] = paused
    return purse


def put_back(connection: Connection, tenant_id: str, purse: Purse) -> None:
    """What has nothing spent any more is forgotten: there is one for each conversation."""
    keys = purse.spent.keys() | purse.paused.keys()
    rows = {key: purse.lately(key) for key in keys}
    over = [key for key, lately in rows.items() if not lately and purse.paused.get(key, 0.0) <= purse.now]
    for key in rows.keys() - set(over):
        its = {"tenant": tenant_id, "key": key, "spent": json.dumps(rows[key]), "paused": purse.paused.get(key, 0.0)}
        connection.execute(_WRITE, its)
    if gone := [key for key in over if key != POSTS]:
        connection.execute(_FORGET, {"tenant": tenant_id, "keys": gone})


def spend(connection: Connection, tenant_id: str, keys: Iterable[str], *, rates: Rates, now: float) -> float:
    """For one more call: 0, and it is spent; else the seconds until there will be something left."""
    purse = opened(connection, tenant_id, rates, now)
    wanted = list(keys)
    if wait := purse.wait(wanted):
        return wait
    purse.spend(wanted)
    put_back(connection, tenant_id, purse)
    return 0.0


def late(
    connection: Connection, tenant_id: str, keys: Iterable[str], spent_at: float, *, rates: Rates, now: float
) -> None:
    purse = opened(connection, tenant_id, rates, now)
    for key in keys:
        purse.late(key, spent_at)
    put_back(connection, tenant_id, purse)


def pause(
    connection: Connection, tenant_id: str, keys: Iterable[str], seconds: float, *, rates: Rates, now: float
) -> None:
    purse = opened(connection, tenant_id, rates, now)
    for key in keys:
        purse.pause(key, seconds)
    put_back(connection, tenant_id, purse)
