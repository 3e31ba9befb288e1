"""Who can see a card, and since when: the values from which `rules.authority.silence` computes how much counts."""

from __future__ import annotations

from collections.abc import Container
from datetime import timedelta
from typing import NamedTuple

from rules.values import Moment, Value


class CardLocation(NamedTuple):
    """Where a card is in Slack. A card that is posted again has a new location; an updated card keeps its own."""

    channel: str
    ts: str


class SeenCard(Value):
    """A card in Slack, and for each eligible person who can see it, since when that is known."""

    channel: str
    ts: str
    since: dict[str, Moment]

    @property
    def location(self) -> CardLocation:
        return CardLocation(self.channel, self.ts)

    def seen_only_by(self, people: Container[str]) -> SeenCard:
        """The card as seen by these people only."""
        return self.model_copy(
            update={"since": {user_id: at for user_id, at in self.since.items() if user_id in people}}
        )


class Shown(Value):
    """The cards of this version that eligible people can see. `at`: since when the first of these people can.

    States of earlier releases name no cards, so for them silence counts from the next proof.
    """

    at: Moment
    version: int
    cards: tuple[SeenCard, ...] = ()


class Silence(Value):
    """What was proven about a silence: how long someone could have objected, and whether anyone still can.

    `cards`: the cards that Slack has just confirmed. `onlookers`: the people whose time was counted, each with the
    moment since when they are known to see one of these cards.
    """

    counted: timedelta
    could_be_answered: bool
    cards: frozenset[CardLocation] = frozenset()
    onlookers: dict[str, Moment] = {}
