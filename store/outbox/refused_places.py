"""Places that Slack refuses: the package is shown elsewhere, and the place waits until Slack accepts cards again."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, delete, or_, select, update

from store.outbox.cards import CARDS, OF_PACKAGE, Place

_THIS = (*OF_PACKAGE, CARDS.c.place == bindparam("at"))
# Only postponed cards: a claimed one is being delivered.
_WAKE = (
    update(CARDS)
    .where(
        CARDS.c.tenant_id == bindparam("tenant"),
        CARDS.c.behind,
        CARDS.c.held_by.is_(None),
        or_(CARDS.c.place == bindparam("at"), CARDS.c.channel == bindparam("at")),
    )
    .values(held_until=None)
)
_ELSEWHERE = (
    select(CARDS.c.place).where(*OF_PACKAGE, CARDS.c.place != bindparam("at"), CARDS.c.ts.is_not(None)).limit(1)
)


def wake_channel(connection: Connection, tenant_id: str, channel: str) -> None:
    """Deliver the postponed cards of this channel now: Slack accepts cards there again."""
    connection.execute(_WAKE, {"tenant": tenant_id, "at": channel})


def drop_place(connection: Connection, place: Place) -> None:
    """Delete the card of this place."""
    connection.execute(delete(CARDS).where(*_THIS), _key(place))


def has_card_elsewhere(connection: Connection, place: Place) -> bool:
    """Whether the package has a card at another place."""
    return connection.execute(_ELSEWHERE, _key(place)).first() is not None


def _key(place: Place) -> dict[str, str]:
    return {"tenant": place.tenant_id, "package": place.package_id, "at": place.place}
