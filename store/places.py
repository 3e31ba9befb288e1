"""Places that are behind, claimed within the budget: the gravest first, then what ends first.

Whoever claims a place holds it for a while, so that no two processes bring the same card. Whoever ends before they are
done leaves it to be claimed again. What failed is held until it is to be tried again.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from enum import Enum
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, bindparam, case, false, or_, select, tuple_, update

from rules.scales import RiskLevel
from store import budgets
from store.budgets import POSTS, UPDATES, Purse, Rates, of_channel
from store.cards import CARDS, OF_PACKAGE, ROLE, Place
from store.packages import PACKAGES

AT_ONCE = 8  # few, so that each is done long before its claim is over

_HELD = CARDS.c.held_until.type
_GRAVEST_FIRST = case(
    *((PACKAGES.c.risk == risk.value, -rank) for rank, risk in enumerate(RiskLevel)), else_=-len(RiskLevel)
)
_OF_CARD = (PACKAGES.c.tenant_id == CARDS.c.tenant_id) & (PACKAGES.c.package_id == CARDS.c.package_id)
_THIS = (*OF_PACKAGE, CARDS.c.place == bindparam("at"))
_HOLD = update(CARDS).where(*_THIS).values(held_until=bindparam("until", type_=_HELD))


class Claimed(NamedTuple):
    """What is ours for now, and in how many seconds there may be more."""

    places: list[Place]
    again_in: float | None


def claim(
    connection: Connection,
    tenant_id: str,
    rates: Rates,
    *,
    now: datetime,
    until: datetime,
    answerable: Collection[tuple[str, str]] = (),
) -> Claimed:
    """`answerable`: cards that were clicked here, by channel and ts: to answer the click costs none of the budget.

    A post is spent here. An update is spent when it is made, for many turn out to be none: here there has to be room.
    """
    purse = budgets.opened(connection, tenant_id, rates, now.timestamp())
    taken: list[Place] = []
    while len(taken) < AT_ONCE:
        found = _candidates(connection, tenant_id, now, purse, answerable)
        mine = [place for place in found[: AT_ONCE - len(taken)] if _afforded(purse, place)]
        for place in mine:
            key = {"tenant": place.tenant_id, "package": place.package_id, "at": place.place}
            connection.execute(_HOLD, key | {"until": until})
        taken += mine
        if not mine:
            break
    budgets.put_back(connection, tenant_id, purse)
    return Claimed(taken, min(purse.full.values(), default=None))


def _afforded(purse: Purse, place: Place) -> bool:
    """A place that stands for several people is nothing itself."""
    keys = () if place.posted or place.place.startswith(ROLE) else (POSTS, of_channel(place.place))
    if purse.wait(keys):
        return False
    purse.spend(keys)
    return True


def is_any_behind(connection: Connection, tenant_id: str, now: datetime) -> bool:
    """As little as an idle look may cost."""
    query = select(CARDS.c.place).where(*_behind(tenant_id, now)).limit(1)
    return connection.execute(query).first() is not None


def _behind(tenant_id: str, now: datetime) -> tuple[ColumnElement[bool], ...]:
    free = or_(CARDS.c.held_until.is_(None), CARDS.c.held_until <= now)
    return (CARDS.c.tenant_id == tenant_id, CARDS.c.behind, free)


def _candidates(
    connection: Connection, tenant_id: str, now: datetime, purse: Purse, answerable: Collection[tuple[str, str]]
) -> list[Place]:
    full = purse.full
    posts = false() if POSTS in full else and_(CARDS.c.ts.is_(None), CARDS.c.place.not_in(purse.full_channels))
    updates = CARDS.c.ts.is_not(None) if UPDATES not in full else tuple_(CARDS.c.channel, CARDS.c.ts).in_(answerable)
    query = (
        select(*(CARDS.c[name] for name in Place._fields))
        .join_from(CARDS, PACKAGES, _OF_CARD)
        .where(*_behind(tenant_id, now), or_(posts, updates, CARDS.c.place.startswith(ROLE)))
        .order_by(_GRAVEST_FIRST, PACKAGES.c.due_at, CARDS.c.package_id, CARDS.c.place)
        .limit(AT_ONCE)
        .with_for_update(of=CARDS, skip_locked=True)
    )
    return [Place(*row) for row in connection.execute(query)]


def hold(connection: Connection, place: Place, until: datetime | None) -> None:
    """Nobody looks at it before then; or it is free at once."""
    key = {"tenant": place.tenant_id, "package": place.package_id, "at": place.place}
    connection.execute(_HOLD, key | {"until": until})


_HERE = select(CARDS.c.channel, CARDS.c.ts).where(*_THIS)
_ADOPT = (
    update(CARDS)
    .where(*_THIS, CARDS.c.ts.is_(None))
    .values(channel=bindparam("in_channel"), ts=bindparam("as_ts"), behind=True)
)


class Found(Enum):
    """What a card that somebody clicked is to us."""

    KNOWN = "known"
    UNHEARD_OF = "unheard of"
    ANOTHER = "another"
    NOWHERE = "nowhere"


class Clicked(NamedTuple):
    """A card that somebody clicked: of which package, at which place, and where it lies."""

    tenant_id: str
    package_id: str
    place: str
    card: tuple[str, str]

    @property
    def key(self) -> dict[str, str]:
        return {"tenant": self.tenant_id, "package": self.package_id, "at": self.place}


def found(connection: Connection, clicked: Clicked) -> Found:
    row = connection.execute(_HERE, clicked.key).first()
    if row is None:
        return Found.NOWHERE
    if row.ts is None:
        return Found.UNHEARD_OF
    return Found.KNOWN if tuple(row) == clicked.card else Found.ANOTHER


def found_or_adopted(connection: Connection, clicked: Clicked) -> Found:
    """One of which we never heard that it was posted is adopted, if no other is known there."""
    channel, ts = clicked.card
    connection.execute(_ADOPT, clicked.key | {"in_channel": channel, "as_ts": ts})
    return found(connection, clicked)
