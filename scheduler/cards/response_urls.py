"""Response URLs of recent clicks. A card can be updated through them without using Slack's rate limit for updates."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

from scheduler.common.messenger import Posted

LIFE = 25 * 60.0  # seconds; Slack allows half an hour
USES = 3  # Slack allows five; the others are for private answers
MAX_CARDS = 200


class ResponseUrl(NamedTuple):
    """`until`: by the monotonic clock. `uses`: how many are left."""

    url: str
    until: float
    uses: int


class ResponseUrls:
    """Only for clicks that this process took."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._of_card: dict[Posted, ResponseUrl] = {}

    def keep(self, card: Posted, url: str) -> None:
        """Keeps the newest URL of each card; if there are too many cards, drops the oldest."""
        self._of_card.pop(card, None)
        self._of_card[card] = ResponseUrl(url, self._monotonic() + LIFE, USES)
        while len(self._of_card) > MAX_CARDS:
            del self._of_card[next(iter(self._of_card))]

    def take(self, card: Posted) -> str | None:
        """Uses the card's URL once, if it has one."""
        entry = self._of_card.pop(card, None)
        if entry is None or entry.until <= self._monotonic():
            return None
        if entry.uses > 1:
            self._of_card[card] = entry._replace(uses=entry.uses - 1)
        return entry.url

    def drop(self, card: Posted) -> None:
        self._of_card.pop(card, None)

    @property
    def cards(self) -> list[tuple[str, str]]:
        now = self._monotonic()
        self._of_card = {card: entry for card, entry in self._of_card.items() if entry.until > now}
        return [(card.channel, card.ts) for card in self._of_card]
