"""Places that are behind, claimed within the budget: in turns of the agents, and of each the gravest first.

Whoever claims a place holds it for a while, and longer as long as they are at it, so that no two processes bring the
same card. Whoever ends before they are done leaves it to be claimed again. What failed is held until it is to be tried
again.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from enum import Enum
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, and_, bindparam, case, false, or_, select, tuple_, update

from rules.scales import RiskLevel
from store.engine.statements import fetch_first
from store.installation.installation import fresh_id
from store.outbox.cards import CARDS, OF_PACKAGE, ROLE, Place
from store.outbox.rate_budget import POSTS, UPDATES, Payment, Purse, of_channel
from store.outbox.turns import LAST_SERVED, OF_LANE, TURNS, ServedPlace, record_served, turn_number
from store.packages.packages import PACKAGES

_HELD = CARDS.c.held_until.type
_GRAVEST_FIRST = case(
    *((PACKAGES.c.risk == risk.value, -rank) for rank, risk in enumerate(RiskLevel)), else_=-len(RiskLevel)
)
_KEY = (CARDS.c.tenant_id, CARDS.c.package_id, CARDS.c.place)
_OF_CARD = (PACKAGES.c.tenant_id == CARDS.c.tenant_id) & (PACKAGES.c.package_id == CARDS.c.package_id)
_THIS = (*OF_PACKAGE, CARDS.c.place == bindparam("at"))
_CLAIM = update(CARDS).where(*_THIS).values(held_until=bindparam("until", type_=_HELD), held_by=bindparam("by"))
_HOLD = (
    update(CARDS).where(*_THIS, CARDS.c.held_by == bindparam("by")).values(held_until=bindparam("until", type_=_HELD))
)
_REST = (
    update(CARDS)
    .where(*_THIS, CARDS.c.held_by == bindparam("by"))
    .values(held_until=bindparam("until", type_=_HELD), held_by=None)
)


class Claim(NamedTuple):
    """A place that is ours for now: known by whose claim it is, and what was paid for the post, if there is one."""

    place: Place
    by: str
    paid: Payment | None

    @property
    def key(self) -> dict[str, str]:
        place = self.place
        return {"tenant": place.tenant_id, "package": place.package_id, "at": place.place, "by": self.by}


def claim_cards(
    connection: Connection,
    tenant_id: str,
    purse: Purse,
    *,
    now: datetime,
    until: datetime,
    limit: int,
    answerable: Collection[tuple[str, str]] = (),
) -> list[Claim]:
    """`answerable`: cards that were clicked here, by channel and ts: to answer the click costs none of the budget.

    A post is spent here. An update is spent when it is made, for many turn out to be none: here there has to be room.
    """
    by, taken = fresh_id(), list[Claim]()
    while len(taken) < limit:
        found = connection.execute(_candidates(tenant_id, now, purse, answerable, limit - len(taken)))
        mine = {its: agent for *place, agent in found if (its := _afforded(purse, Place(*place), by))}
        for its in mine:
            connection.execute(_CLAIM, its.key | {"until": until})
        record_served(connection, [ServedPlace(its.place, agent) for its, agent in mine.items()], now)
        taken += mine
        if not mine:
            break
    return taken


def _afforded(purse: Purse, place: Place, by: str) -> Claim | None:
    """A place that stands for several people is nothing itself."""
    if place.posted or place.place.startswith(ROLE):
        return Claim(place, by, None)
    paid = purse.spend((POSTS, of_channel(place.place)))
    return Claim(place, by, paid) if paid else None


def is_any_card_behind(connection: Connection, tenant_id: str, now: datetime) -> bool:
    """As little as an idle look may cost."""
    query = select(CARDS.c.place).where(*_behind(tenant_id, now)).limit(1)
    return connection.execute(query).first() is not None


def _behind(tenant_id: str, now: datetime) -> tuple[ColumnElement[bool], ...]:
    free = or_(CARDS.c.held_until.is_(None), CARDS.c.held_until <= now)
    return (CARDS.c.tenant_id == tenant_id, CARDS.c.behind, free)


def _candidates(
    tenant_id: str,
    now: datetime,
    purse: Purse,
    answerable: Collection[tuple[str, str]],
    limit: int,
) -> Select[Any]:
    """Ranked first, by as little as that takes; then the few that come next are read whole, and locked."""
    full = purse.full
    posts = false() if POSTS in full else and_(CARDS.c.ts.is_(None), CARDS.c.place.not_in(purse.full_channels))
    updates = CARDS.c.ts.is_not(None) if UPDATES not in full else tuple_(CARDS.c.channel, CARDS.c.ts).in_(answerable)
    own_order = (_GRAVEST_FIRST, PACKAGES.c.due_at, CARDS.c.package_id, CARDS.c.place)
    ranked = (
        select(*_KEY, PACKAGES.c.agent_id, turn_number(*own_order).label("turn"), LAST_SERVED.label("last_served"))
        .add_columns(_GRAVEST_FIRST.label("gravest"), PACKAGES.c.due_at)
        .join_from(CARDS, PACKAGES, _OF_CARD)
        .join(TURNS, OF_LANE, isouter=True)
        .where(*_behind(tenant_id, now), or_(posts, updates, CARDS.c.place.startswith(ROLE)))
        .subquery("ranked")
    )
    rank = ("turn", "last_served", "gravest", "due_at", "package_id", "place")
    following = select(ranked).order_by(*(ranked.c[name] for name in rank)).limit(limit).subquery("following")
    return (
        select(*(CARDS.c[name] for name in Place._fields), following.c.agent_id)
        .join_from(CARDS, following, and_(*(column == following.c[column.name] for column in _KEY)))
        .where(*_behind(tenant_id, now))
        .order_by(*(following.c[name] for name in rank))
        .with_for_update(of=CARDS, skip_locked=True)
    )


def extend_claim(connection: Connection, its: Claim, until: datetime) -> bool:
    """Nobody else looks at it before then. Whether it was still ours: who was too slow has no say in it any more."""
    return connection.execute(_HOLD, its.key | {"until": until}).rowcount == 1


def postpone_claim(connection: Connection, its: Claim, until: datetime) -> None:
    """Nobody looks at it before then, and it is ours no more."""
    connection.execute(_REST, its.key | {"until": until})


_HERE = select(CARDS.c.channel, CARDS.c.ts).where(*_THIS)
_ADOPT = (
    update(CARDS)
    .where(*_THIS, CARDS.c.ts.is_(None))
    .values(channel=bindparam("in_channel"), ts=bindparam("as_ts"), behind=True)
)


class CardMatch(Enum):
    """What a card that somebody clicked is to us."""

    CURRENT = "known"
    UNRECORDED = "unheard of"
    OTHER = "another"
    NO_PLACE = "nowhere"


class ClickedCard(NamedTuple):
    """A card that somebody clicked: of which package, at which place, and where it lies."""

    tenant_id: str
    package_id: str
    place: str
    card: tuple[str, str]

    @property
    def key(self) -> dict[str, str]:
        return {"tenant": self.tenant_id, "package": self.package_id, "at": self.place}


def match_card(connection: Connection, clicked: ClickedCard) -> CardMatch:
    row = fetch_first(connection, _HERE, clicked.key)
    if row is None:
        return CardMatch.NO_PLACE
    if row.ts is None:
        return CardMatch.UNRECORDED
    return CardMatch.CURRENT if tuple(row) == clicked.card else CardMatch.OTHER


def match_or_adopt_card(connection: Connection, clicked: ClickedCard) -> CardMatch:
    """One of which we never heard that it was posted is adopted, if no other is known there."""
    channel, ts = clicked.card
    connection.execute(_ADOPT, clicked.key | {"in_channel": channel, "as_ts": ts})
    return match_card(connection, clicked)
