"""A form that a reviewer has open: read it, and submit it in ways that Slack's client would not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from playground.client.delivery import Ack, AppRequest
from playground.model.messages import Message
from playground.model.views import View
from rules.state.commands import Verb
from store.outbox.renderings import RENDERINGS
from tests.bot.service import Response
from tests.bot.slack.office import CONFIRMED, HARD, SENTA, Office

OTHER = HARD | {"action_parameters": {"record": "43"}}
APPROVED = {"comment": "Checked.", "confirmed": [CONFIRMED]}


async def open_form(office: Office, verb: str = "approve", package: Mapping[str, Any] = HARD) -> Response:
    """Submit a package and open one of its forms for Senta."""
    proposal, card = await office.submit_with_card(package)
    await office.click(SENTA, card, verb)
    assert office.slack.modal(SENTA) is not None
    return proposal


def before(office: Office, user: str = SENTA) -> View:
    view = office.slack.modal(user)
    assert view is not None
    return view


def shown_json(office: Office, user: str = SENTA) -> str:
    """The blocks of the topmost view as JSON, with the ids of the people named."""
    return json.dumps(before(office, user).blocks)


async def submit_forged(office: Office, user: str = SENTA, **changes: Any) -> Ack:
    """Submit the user's open view with content that Slack would not send. The request is signed."""
    client = office.slack.client
    payload = client.payloads.submission(client.person(user), before(office, user))
    return await client.delivery.send(AppRequest("interactive", payload | {"view": payload["view"] | changes}))


async def press_forged(office: Office, user: str, view: View, verb: str, ref: str) -> Ack:
    """Press a button in this view that Slack would not show to this person. The request is signed."""
    client = office.slack.client
    action = {"type": "button", "action_id": verb, "block_id": "b", "value": ref}
    payload = client.payloads.on_view(client.person(user), view, action)
    return await client.delivery.send(AppRequest("interactive", payload))


async def press_unoffered(office: Office, user: str, card: Message, verb: Verb) -> View:
    """Press a verb that Details do not offer to this person. Returns what then opens."""
    view = await office.details(user, card)
    assert verb not in view.action_ids
    await press_forged(office, user, view, verb, view.private_metadata.partition(" ")[2])
    return before(office, user)


async def renderings(office: Office, *ids: str) -> list[str]:
    """What the service keeps of these cards, forms and pages, as text."""
    query = RENDERINGS.select().where(RENDERINGS.c.rendering_id.in_(ids))
    bodies = await office.world.read(
        lambda connection: {row.rendering_id: row.body for row in connection.execute(query)}
    )
    return [bodies[rendering_id] for rendering_id in ids]
