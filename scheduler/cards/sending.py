"""Sends to Slack within the budget: posts, updates, and updates through the response URL of a click."""

from __future__ import annotations

import structlog

from blocks.kit.message import Message
from scheduler.cards.pacing import Pace
from scheduler.cards.response_urls import ResponseUrls
from scheduler.common.messenger import BusyError, Messenger, Posted, RefusedError, SlackError
from store.outbox.cards import Place
from store.outbox.rate_budget import POSTS, UPDATES, Payment, of_channel

log = structlog.get_logger()

CANNOT_BE_UPDATED = frozenset(
    ["message_not_found", "cant_update_message", "edit_window_closed", "channel_not_found", "is_inactive"]
)


class SlackSender:
    def __init__(self, messenger: Messenger, pace: Pace, response_urls: ResponseUrls) -> None:
        self._messenger, self._pace, self._response_urls = messenger, pace, response_urls

    async def put(self, place: Place, message: Message, paid: Payment | None = None) -> Posted:
        """Updates the card if there is one; posts a new card if it can no longer be updated.

        `paid`: what the claim has paid for a first post. Updates, and posting again, are paid here.
        """
        if not (place.channel and place.ts):
            return await self.post(place.place, message, paid=paid)
        posted = Posted(place.channel, place.ts)
        try:
            await self.update(posted, message)
        except RefusedError as refused:
            if refused.error not in CANNOT_BE_UPDATED:
                raise
            return await self.post(place.place, message)
        return posted

    async def update(self, posted: Posted, message: Message) -> None:
        """Uses the response URL of a click if the budget is spent, because such calls do not count."""
        try:
            spent = await self._pace.spend(UPDATES)
        except BusyError:
            if await self._update_by_response_url(posted, message):
                return
            raise
        async with self._pace.calling(spent):
            await self._messenger.update(posted, message)

    async def _update_by_response_url(self, posted: Posted, message: Message) -> bool:
        url = self._response_urls.take(posted)
        if url is None:
            return False
        try:
            await self._messenger.respond(url, message)
        except SlackError as fault:
            log.info("card.response_url_failed", error=fault.error)
            self._response_urls.drop(posted)
            return False
        return True

    async def post(
        self,
        channel: str,
        message: Message,
        thread: str | None = None,
        *,
        paid: Payment | None = None,
        person: str | None = None,
    ) -> Posted:
        """`person`: the owner of this direct channel, so that both names share one budget."""
        spent = paid or await self._pace.spend(POSTS, of_channel(person or channel))
        async with self._pace.calling(spent):
            return await self._messenger.post(channel, message, thread)
