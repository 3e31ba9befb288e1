"""What people can see: cards, and since when, and the pages and steps of forms that a person opened.

From the times `rules.authority.silence` computes how much silence counts.
"""

from __future__ import annotations

from collections.abc import Container
from datetime import timedelta
from typing import NamedTuple

from pydantic import Field

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


class Page(Value):
    """The page of Details, or step of a form, that the commands `OpenDetails` and `OpenForm` record as opened.

    `of`: how many pages, from the first on, hold what is approved.
    """

    expected_package_version: int = Field(ge=1)
    rendering_id: str = Field(min_length=1, max_length=255)
    page: int = Field(ge=1)
    of: int = Field(ge=1)


class Details(Value):
    """A page of Details that a reviewer opened. `of` is 0 if an older release did not record it."""

    reviewer_id: str
    version: int
    page: int
    of: int = 0


class FormStep(Value):
    """A step of a form that a reviewer opened, with its rendering."""

    reviewer_id: str
    version: int
    page: int
    of: int
    rendering_id: str
