"""Links to cards, for people who are known to see them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection

from bot.slack.outgoing.client import SlackClient
from rules.authority.silence import card_seen_by
from rules.state.model import PackageState
from store.outbox.cards import posted_cards


def links_to_cards(
    connection: Connection, client: SlackClient, states: Sequence[PackageState], user_id: str
) -> dict[str, str]:
    """The links by package. A package has none if the person is not known to see a card of it."""
    return dict(_links(connection, client, states, user_id)) if states else {}


def _links(
    connection: Connection, client: SlackClient, states: Sequence[PackageState], user_id: str
) -> Iterator[tuple[str, str]]:
    posted = posted_cards(connection, states[0].tenant_id, [state.decision_package_id for state in states])
    for state in states:
        card = card_seen_by(state, user_id, posted[state.decision_package_id])
        if card and (link := client.link_to(card)):
            yield state.decision_package_id, link
