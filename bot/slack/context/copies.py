"""Duplicate cards. If the reply to a post was lost, a click may come from a card that is not on record.

If the posted card of the package in this place is still unknown, the clicked card is adopted as that card. Otherwise
the clicked card is retired with a notice.
"""

from __future__ import annotations

from blocks.kit.ids import Ref
from blocks.words.refusals import private_message
from bot.slack.context.listener_context import ListenerContext
from bot.slack.context.tap import Tap
from store.outbox import card_leases
from store.outbox.card_leases import CardMatch, ClickedCard

RETIRED = (
    "Slack showed this card twice. This copy is no longer updated: please use the other card. "
    "What you just pressed was answered all the same."
)


async def check_copy(context: ListenerContext, tap: Tap) -> None:
    """Find out which card was clicked, after the click was answered. The click itself counts in any case."""
    ref = Ref.found_in(tap.value)
    if ref is None or tap.card is None or not tap.is_on_card:
        return
    # A direct message has a channel id of its own; leases name the place after the person.
    place = tap.user_id if tap.card.channel.startswith("D") else tap.card.channel
    clicked = ClickedCard(context.store.installation.tenant_id, ref.package_id, place, tap.card)
    copy = await context.store.read(lambda connection: card_leases.match_card(connection, clicked), quick=True)
    if copy is CardMatch.UNRECORDED:
        copy = await context.store.write(
            lambda connection: card_leases.match_or_adopt_card(connection, clicked), quick=True
        )
    if copy is CardMatch.OTHER:
        await _retire(context, tap)


async def _retire(context: ListenerContext, tap: Tap) -> None:
    if tap.response_url:
        await context.client.respond(tap.response_url, private_message(RETIRED))
