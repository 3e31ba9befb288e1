"""Who can see a card, and since when: the values with which `rules.authority.silence` judges a silence."""

from __future__ import annotations

from collections.abc import Container
from datetime import timedelta
from typing import NamedTuple

from rules.values import Moment, Value


class CardLocation(NamedTuple):
    """Where a card is in Slack. A card that is posted again is somewhere else; an updated card is not."""

    channel: str
    ts: str


class SeenCard(Value):
    """A card in Slack, and the eligible people who can see it, each with the moment since when that is known."""

    channel: str
    ts: str
    since: dict[str, Moment]

    @property
    def at(self) -> CardLocation:
        return CardLocation(self.channel, self.ts)

    def seen_only_by(self, people: Container[str]) -> SeenCard:
        """The same card, as far as these people see it."""
        return self.model_copy(update={"since": {who: at for who, at in self.since.items() if who in people}})


class Shown(Value):
    """The cards of this version that eligible people can see. `at`: since when the first of these people can.

    States of earlier releases name no cards: their silence counts from the next proof.
    """

    at: Moment
    version: int
    cards: tuple[SeenCard, ...] = ()


class Silence(Value):
    """What was proven about a silence: how long someone could have spoken, and whether anyone still can.

    `cards`: Slack has just said that these are still there. `onlookers`: the people whose time was counted, each with
    the moment since when they are known to see one of these cards.
    """

    counted: timedelta
    could_be_answered: bool
    cards: frozenset[CardLocation] = frozenset()
    onlookers: dict[str, Moment] = {}
