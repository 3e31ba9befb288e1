"""A form in front of a reviewer: opened, read, and sent in as no client of Slack's would send it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from playground.client.delivery import Ack, Parcel
from playground.model.views import View
from tests.bot.service import Response
from tests.bot.slack.office import CONFIRMED, HARD, SENTA, Office

OTHER = HARD | {"action_parameters": {"record": "43"}}
APPROVED = {"comment": "Checked.", "confirmed": [CONFIRMED]}


async def open_form(office: Office, verb: str = "approve", package: Mapping[str, Any] = HARD) -> Response:
    """A package, and Senta with a form of hers for it open before her."""
    proposal, card = await office.asked(package)
    await office.click(SENTA, card, verb)
    assert office.slack.modal(SENTA) is not None
    return proposal


def before(office: Office, user: str = SENTA) -> View:
    view = office.slack.modal(user)
    assert view is not None
    return view


def shown_json(office: Office, user: str = SENTA) -> str:
    """The words of the view on top, with the ids of those who are named in it."""
    return json.dumps(before(office, user).blocks)


async def submit_forged(office: Office, user: str = SENTA, **changes: Any) -> Ack:
    """What lies before this user comes in with other content than Slack would send: signed all the same."""
    client = office.slack.client
    payload = client.payloads.submission(client.person(user), before(office, user))
    return await client.delivery.send(Parcel("interactive", payload | {"view": payload["view"] | changes}))
