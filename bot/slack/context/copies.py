"""A card whose posting was never heard of, found again by a click on it: it becomes the one, or it is retired."""

from __future__ import annotations

from blocks.kit.ids import Ref
from blocks.words.refusals import private
from bot.slack.context.front import Front
from bot.slack.context.tap import Tap
from store.outbox import card_leases
from store.outbox.card_leases import Clicked, Found

RETIRED = (
    "Slack showed this card twice. This copy is no longer updated: please use the other card. "
    "What you just pressed was answered all the same."
)


async def known(front: Front, tap: Tap) -> None:
    """After the click was answered: which card was it? What was clicked counts in any case."""
    ref = Ref.found_in(tap.value)
    if ref is None or tap.card is None:
        return
    # A person's conversation with us has an id of its own; the place is called after the person.
    place = tap.user_id if tap.card.channel.startswith("D") else tap.card.channel
    clicked = Clicked(front.store.house.tenant_id, ref.package_id, place, tap.card)
    found = await front.store.read(lambda its: card_leases.found(its, clicked), quick=True)
    if found is Found.UNHEARD_OF:
        found = await front.store.write(lambda its: card_leases.found_or_adopted(its, clicked), quick=True)
    if found is Found.ANOTHER:
        await _retired(front, tap)


async def _retired(front: Front, tap: Tap) -> None:
    if tap.response_url:
        await front.client.respond(tap.response_url, private(RETIRED))
