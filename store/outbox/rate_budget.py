"""Slack's rate limits as a budget that all replicas share, in rows that are read under a lock.

Slack counts the calls that reach it within a window, but not even the time of the answer says when a call reached it.
So a call counts as in flight until its answer, and its window begins with the answer, never before Slack's own window.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, delete, select, text

from store.schema.outbox_tables import Budget
from store.schema.tables import core

BUDGETS = core(Budget)

# Keys of the budget, by kind of call. Each channel has a key of its own.
POSTS, UPDATES, _CHANNEL = "posts", "updates", "channel "
MEMBERS, PERMALINKS = "members", "permalinks"
BURSTS = "bursts"  # paused while posts are sent one at a time in each channel
NO_BURSTS_FOR = 86_400.0  # seconds after Slack refused one
AHEAD = 0.25  # seconds by which a call may be paid for in advance: longer than its preparation takes
LASTS = 15.0  # seconds after which a paid call counts as finished, even without a result


class Window(NamedTuple):
    calls: int
    seconds: float


class Rates(NamedTuple):
    """Slack's limits: about one post per second and channel, some hundred posts and fifty updates a minute.

    Before silence counts as consent, Slack is asked for the members and state of the channel (`members`, fifty times a
    minute) and for each card (`permalinks`, some hundred times a minute).
    """

    channel: Window = Window(5, 5)
    posts: Window = Window(300, 60)
    updates: Window = Window(50, 60)
    apart: float = 0.02  # seconds by which the clocks of two machines may differ
    members: Window = Window(50, 60)
    permalinks: Window = Window(300, 60)

    def of(self, key: str) -> Window:
        known = {
            POSTS: self.posts,
            UPDATES: self.updates,
            MEMBERS: self.members,
            PERMALINKS: self.permalinks,
        }
        return known.get(key, self.channel)


def of_channel(channel: str) -> str:
    return f"{_CHANNEL}{channel}"


class Payment(NamedTuple):
    """A paid call. Send it at `at` or later. `latest`, when it counts as finished, identifies it."""

    keys: tuple[str, ...]
    at: float
    latest: float


@dataclass(slots=True)
class RateBudget:
    """The remaining budget of each key. Keys without recent calls are missing."""

    rates: Rates
    now: float
    spent: dict[str, list[float]] = field(default_factory=dict)
    under_way: dict[str, list[float]] = field(default_factory=dict)
    paused: dict[str, float] = field(default_factory=dict)
    changed: set[str] = field(default_factory=set)

    def wait(self, keys: Iterable[str]) -> float:
        """Seconds until all of these keys have budget; 0 if they have it now."""
        return max((self._wait(key) for key in keys), default=0.0)

    def spend(self, keys: Iterable[str]) -> Payment | None:
        """Pay for a call, up to AHEAD seconds in advance so that it can be prepared; None without budget."""
        wanted = tuple(keys)
        wait = self.wait(wanted)
        if wait > AHEAD:
            return None
        payment = Payment(wanted, self.now + wait, self._latest(wanted))
        for key in wanted:
            self.under_way.setdefault(key, []).append(payment.latest)
        self.changed.update(wanted)
        return payment

    def _latest(self, keys: tuple[str, ...]) -> float:
        """When the call counts as finished. The value identifies the call, so it must be unique."""
        latest = self.now + LASTS
        while any(latest in self.under_way.get(key, ()) for key in keys):
            latest += 1e-5
        return latest

    def settle(self, payment: Payment, at: float | None) -> None:
        """Finish a call: Slack answered at `at` and counted it by then. With None, the call was never made."""
        for key in payment.keys:
            if payment.latest in (in_flight := self.under_way.get(key, [])):
                in_flight.remove(payment.latest)
                if at is not None:
                    self.spent[key] = sorted([*self.spent.get(key, ()), at])
                self.changed.add(key)

    def pause(self, keys: Iterable[str], until: float) -> None:
        """Spend nothing before `until`, as Slack has asked."""
        for key in keys:
            self.paused[key] = max(self.paused.get(key, 0.0), until)
            self.changed.add(key)

    def back_off(self, payment: Payment, until: float) -> None:
        """Slack refused this call as one too many. Its burst limit is unknown, so avoid bursts for a day."""
        self.pause(payment.keys, until)
        if any(key.startswith(_CHANNEL) for key in payment.keys):
            self.pause([BURSTS], self.now + NO_BURSTS_FOR)

    @property
    def full(self) -> dict[str, float]:
        """Keys without budget, with the seconds until they have some."""
        waits = {key: self._wait(key) - AHEAD for key in self.keys - {BURSTS}}
        return {key: wait for key, wait in waits.items() if wait > 0}

    @property
    def full_channels(self) -> list[str]:
        return [key.removeprefix(_CHANNEL) for key in self.full if key.startswith(_CHANNEL)]

    @property
    def keys(self) -> set[str]:
        return self.spent.keys() | self.under_way.keys() | self.paused.keys()

    def _wait(self, key: str) -> float:
        counted, window = self._counted_calls(key), self._window(key)
        free = counted[-window.calls] + self._length(key) if len(counted) >= window.calls else 0.0
        return max(0.0, free - self.now, self.paused.get(key, 0.0) - self.now)

    def _counted_calls(self, key: str) -> list[float]:
        """Slack may count a call in flight only now. Calls in the future were made by a clock ahead of ours."""
        times = (*self.recent(key), *self.in_flight(key))
        return sorted(min(at, self.now) for at in times)

    def recent(self, key: str) -> list[float]:
        since = self.now - self._length(key)
        return [min(at, self.now) for at in self.spent.get(key, ()) if at > since]

    def in_flight(self, key: str) -> list[float]:
        """Calls without a result. If their process died, they count as finished at `latest`."""
        since = self.now - self._length(key)
        return [latest for latest in self.under_way.get(key, ()) if latest > since]

    def _length(self, key: str) -> float:
        return self._window(key).seconds + self.rates.apart

    def _window(self, key: str) -> Window:
        """The window of a key. Without bursts the same number of posts is spaced evenly."""
        window = self.rates.of(key)
        if key.startswith(_CHANNEL) and self.paused.get(BURSTS, 0.0) > self.now:
            return Window(1, window.seconds / window.calls)
        return window


_FIRST = text(
    "INSERT INTO budgets (tenant_id, key, spent, under_way, paused_until) VALUES (:tenant, 'posts', '[]', '[]', 0)"
    " ON CONFLICT (tenant_id, key) DO NOTHING"
)
_OF_TENANT = BUDGETS.c.tenant_id == bindparam("tenant")
# One row is the lock for all, taken before the others are read: a waiting query does not see rows added meanwhile.
_LOCK = select(BUDGETS.c.key).where(_OF_TENANT, BUDGETS.c.key == POSTS).with_for_update()
_READ = select(BUDGETS.c.key, BUDGETS.c.spent, BUDGETS.c.under_way, BUDGETS.c.paused_until).where(_OF_TENANT)
_WRITE = text(
    "INSERT INTO budgets (tenant_id, key, spent, under_way, paused_until)"
    " VALUES (:tenant, :key, :spent, :under_way, :paused) ON CONFLICT (tenant_id, key) DO UPDATE"
    " SET spent = excluded.spent, under_way = excluded.under_way, paused_until = excluded.paused_until"
)
_FORGET = delete(BUDGETS).where(_OF_TENANT, BUDGETS.c.key.in_(bindparam("keys", expanding=True)))


def lock_budget(connection: Connection, tenant_id: str, rates: Rates, now: float) -> RateBudget:
    """Load the budget and lock it until the commit."""
    if connection.execute(_LOCK, {"tenant": tenant_id}).first() is None:
        connection.execute(_FIRST, {"tenant": tenant_id})
        connection.execute(_LOCK, {"tenant": tenant_id})
    budget = RateBudget(rates, now)
    for key, spent, under_way, paused in connection.execute(_READ, {"tenant": tenant_id}):
        budget.spent[key], budget.under_way[key] = json.loads(spent), json.loads(under_way)
        budget.paused[key] = paused
    return budget


def save_budget(connection: Connection, tenant_id: str, budget: RateBudget) -> None:
    """Write changed keys and delete unused ones: there is a key for each conversation."""
    finished = [key for key in budget.keys if _is_over(budget, key)]
    for key in budget.changed.difference(finished):
        row = {"spent": json.dumps(budget.recent(key)), "under_way": json.dumps(budget.in_flight(key))}
        connection.execute(_WRITE, row | {"tenant": tenant_id, "key": key, "paused": budget.paused.get(key, 0.0)})
    if unused := [key for key in finished if key != POSTS]:
        connection.execute(_FORGET, {"tenant": tenant_id, "keys": unused})


def _is_over(budget: RateBudget, key: str) -> bool:
    return not budget.recent(key) and not budget.in_flight(key) and budget.paused.get(key, 0.0) <= budget.now
