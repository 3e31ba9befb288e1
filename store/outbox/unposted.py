"""Packages that wait for a decision while no card shows them: if it lasts, nobody gets to see them in Slack.

A card that Slack refuses for its own place or text does not count: Slack takes others.
"""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, select

from rules.state.model import Status
from store.outbox.cards import CARDS, ROLE
from store.packages.packages import PACKAGES

_OF_PACKAGE = (PACKAGES.c.tenant_id == CARDS.c.tenant_id) & (PACKAGES.c.package_id == CARDS.c.package_id)
_OTHERS = CARDS.alias()
_ELSEWHERE = select(_OTHERS.c.place).where(
    _OTHERS.c.tenant_id == CARDS.c.tenant_id, _OTHERS.c.package_id == CARDS.c.package_id, _OTHERS.c.ts.is_not(None)
)
# Without the places that stand for a role: they are never posted themselves.
_UNPOSTED = (
    select(CARDS.c.place)
    .join_from(CARDS, PACKAGES, _OF_PACKAGE)
    .where(
        CARDS.c.tenant_id == bindparam("tenant"),
        CARDS.c.behind,
        CARDS.c.ts.is_(None),
        ~CARDS.c.refused,
        ~CARDS.c.place.startswith(ROLE),
        PACKAGES.c.status == Status.PENDING.value,
        ~_ELSEWHERE.exists(),
    )
    .limit(1)
)


def is_any_unposted(connection: Connection, tenant_id: str) -> bool:
    return connection.execute(_UNPOSTED, {"tenant": tenant_id}).first() is not None
