"""Claims outdated cards within the rate budget. Agents take turns; an agent's riskiest package comes first.

A claim is a lease that its holder extends while it works, so two processes never update the same card. If a process
dies, its claim expires. After a failure the card is postponed until the next attempt.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from enum import Enum
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import (
    BindParameter,
    Boolean,
    Connection,
    Select,
    and_,
    bindparam,
    case,
    false,
    func,
    or_,
    select,
    tuple_,
    update,
)

from rules.scales import RiskLevel
from store.engine.statements import fetch_first
from store.installation.installation import fresh_id
from store.outbox.cards import CARDS, OF_PACKAGE, ROLE, Place
from store.outbox.rate_budget import POSTS, UPDATES, Payment, RateBudget, of_channel
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
    .values(
        held_until=bindparam("until", type_=_HELD),
        held_by=None,
        refused=func.coalesce(bindparam("refused", type_=Boolean), CARDS.c.refused),
    )
)
_FREE = or_(CARDS.c.held_until.is_(None), CARDS.c.held_until <= bindparam("now"))
_BEHIND = (CARDS.c.tenant_id == bindparam("tenant"), CARDS.c.behind, _FREE)
_ANY_BEHIND = select(CARDS.c.place).where(*_BEHIND).limit(1)
_FULL_CHANNELS: BindParameter[Any] = bindparam("full_channels", expanding=True)
_ANSWERABLE: BindParameter[Any] = bindparam("answerable", expanding=True)


class Claim(NamedTuple):
    """A claimed place, with the id of the claim and what was paid for the post, if there is one."""

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
    budget: RateBudget,
    *,
    now: datetime,
    until: datetime,
    limit: int,
    answerable: Collection[tuple[str, str]] = (),
) -> list[Claim]:
    """Claim up to `limit` outdated cards.

    `answerable`: cards that were clicked here, by channel and ts: answering a click costs no budget.
    A post is paid for here. An update is paid for when it is sent, because many turn out to be unnecessary; here the
    budget must only have room for one.
    """
    by, taken = fresh_id(), list[Claim]()
    asked = {"tenant": tenant_id, "now": now, "answerable": list(answerable)}
    while len(taken) < limit:
        full = {"full_channels": list(budget.full_channels), "most": limit - len(taken)}
        query = _candidates(posts=POSTS not in budget.full, updates=UPDATES not in budget.full)
        candidates = connection.execute(query, asked | full)
        claims = {claim: agent for *place, agent in candidates if (claim := _paid_claim(budget, Place(*place), by))}
        for claim in claims:
            connection.execute(_CLAIM, claim.key | {"until": until})
        record_served(connection, [ServedPlace(claim.place, agent) for claim, agent in claims.items()], now)
        taken += claims
        if not claims:
            break
    return taken


def _paid_claim(budget: RateBudget, place: Place, by: str) -> Claim | None:
    """A place that stands for a role is not posted itself, so it costs nothing."""
    if place.posted or place.place.startswith(ROLE):
        return Claim(place, by, None)
    paid = budget.spend((POSTS, of_channel(place.place)))
    return Claim(place, by, paid) if paid else None


def is_any_card_behind(connection: Connection, tenant_id: str, now: datetime) -> bool:
    """A cheap query, because the idle scheduler repeats it."""
    return fetch_first(connection, _ANY_BEHIND, {"tenant": tenant_id, "now": now}) is not None


@cache
def _candidates(*, posts: bool, updates: bool) -> Select[Any]:
    """Rank all outdated cards by few columns; then read and lock only the first ones.

    `posts` and `updates`: whether the budget has room for them. Each of the four queries is built once, because
    building one takes several times as long as running it.
    """
    posted = and_(CARDS.c.ts.is_(None), CARDS.c.place.not_in(_FULL_CHANNELS)) if posts else false()
    updated = CARDS.c.ts.is_not(None) if updates else tuple_(CARDS.c.channel, CARDS.c.ts).in_(_ANSWERABLE)
    own_order = (_GRAVEST_FIRST, PACKAGES.c.due_at, CARDS.c.package_id, CARDS.c.place)
    ranked = (
        select(*_KEY, PACKAGES.c.agent_id, turn_number(*own_order).label("turn"), LAST_SERVED.label("last_served"))
        .add_columns(_GRAVEST_FIRST.label("gravest"), PACKAGES.c.due_at)
        .join_from(CARDS, PACKAGES, _OF_CARD)
        .join(TURNS, OF_LANE, isouter=True)
        .where(*_BEHIND, or_(posted, updated, CARDS.c.place.startswith(ROLE)))
        .subquery("ranked")
    )
    rank = ("turn", "last_served", "gravest", "due_at", "package_id", "place")
    by_rank = (ranked.c[name] for name in rank)
    following = select(ranked).order_by(*by_rank).limit(bindparam("most")).subquery("following")
    return (
        select(*(CARDS.c[name] for name in Place._fields), following.c.agent_id)
        .join_from(CARDS, following, and_(*(column == following.c[column.name] for column in _KEY)))
        .where(*_BEHIND)
        .order_by(*(following.c[name] for name in rank))
        .with_for_update(of=CARDS, skip_locked=True)
    )


def extend_claim(connection: Connection, claim: Claim, until: datetime) -> bool:
    """Extend the claim. Returns False if it has expired and another process holds the card."""
    return connection.execute(_HOLD, claim.key | {"until": until}).rowcount == 1


def postpone_claim(connection: Connection, claim: Claim, until: datetime, *, refused: bool | None = None) -> None:
    """Release the claim, and let nobody claim the card before `until`.

    `refused`: whether Slack refused it because of its place or its text. None: it was not tried.
    """
    connection.execute(_REST, claim.key | {"until": until, "refused": refused})


_HERE = select(CARDS.c.channel, CARDS.c.ts).where(*_THIS)
_ADOPT = (
    update(CARDS)
    .where(*_THIS, CARDS.c.ts.is_(None))
    .values(channel=bindparam("in_channel"), ts=bindparam("as_ts"), behind=True)
)


class CardMatch(Enum):
    """How a clicked card relates to the one recorded for its place."""

    CURRENT = "known"
    UNRECORDED = "unheard of"
    OTHER = "another"
    NO_PLACE = "nowhere"


class ClickedCard(NamedTuple):
    """A clicked card: its package and place, and its channel and ts."""

    tenant_id: str
    package_id: str
    place: str
    card: tuple[str, str]

    @property
    def key(self) -> dict[str, str]:
        return {"tenant": self.tenant_id, "package": self.package_id, "at": self.place}


def match_card(connection: Connection, clicked: ClickedCard) -> CardMatch:
    """Whether a clicked message is the card that its place has now."""
    row = fetch_first(connection, _HERE, clicked.key)
    if row is None:
        return CardMatch.NO_PLACE
    if row.ts is None:
        return CardMatch.UNRECORDED
    return CardMatch.CURRENT if tuple(row) == clicked.card else CardMatch.OTHER


def match_or_adopt_card(connection: Connection, clicked: ClickedCard) -> CardMatch:
    """Adopt the card if none is recorded for its place: the reply to its post was lost."""
    channel, ts = clicked.card
    connection.execute(_ADOPT, clicked.key | {"in_channel": channel, "as_ts": ts})
    return match_card(connection, clicked)
