"""Turns: which agent's card is sent next, if several agents have outdated cards.

The risk that an agent states orders only its own cards. Between agents, the one served least recently in the same
channel comes first, so a flood of risky packages delays only its own agent. Direct messages count as one channel.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, case, func, or_, text

from store.outbox.cards import CARDS, ROLE, Place
from store.packages.packages import PACKAGES
from store.schema.outbox_tables import Turn
from store.schema.tables import core

TURNS = core(Turn)

_PEOPLE = "people"
_IS_CHANNEL = or_(CARDS.c.place.startswith("C"), CARDS.c.place.startswith("G"))
_LANE = case((_IS_CHANNEL, CARDS.c.place), else_=_PEOPLE)

OF_LANE = and_(TURNS.c.tenant_id == CARDS.c.tenant_id, TURNS.c.agent_id == PACKAGES.c.agent_id, TURNS.c.lane == _LANE)
LAST_SERVED = func.coalesce(TURNS.c.served_at, 0.0)

_SERVED = text(
    "INSERT INTO turns (tenant_id, agent_id, lane, served_at) VALUES (:tenant, :agent, :lane, :now)"
    " ON CONFLICT (tenant_id, agent_id, lane) DO UPDATE SET served_at = excluded.served_at"
)


class ServedPlace(NamedTuple):
    """A place whose card is being updated, and the agent of its package."""

    place: Place
    agent_id: str


def turn_number(*own_order: ColumnElement[Any]) -> ColumnElement[int]:
    """Number the cards, or the needs of mails, of each agent from 1 in this order."""
    return func.row_number().over(partition_by=PACKAGES.c.agent_id, order_by=own_order)


def record_served(connection: Connection, places: Iterable[ServedPlace], now: datetime) -> None:
    """Record when the agents were served. Places that stand for a role are not posted, so they do not count."""
    lanes = {
        (served.place.tenant_id, served.agent_id, _lane(served.place))
        for served in places
        if not served.place.place.startswith(ROLE)
    }
    keys = [
        {"tenant": tenant, "agent": agent, "lane": lane, "now": now.timestamp()}
        for tenant, agent, lane in sorted(lanes)
    ]
    if keys:
        connection.execute(_SERVED, keys)


def _lane(place: Place) -> str:
    return place.place if place.place.startswith(("C", "G")) else _PEOPLE
