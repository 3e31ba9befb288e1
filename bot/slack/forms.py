"""Forms that come back: read, taken down the road once, and closed; or left open, with what is wrong beside a field."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from blocks.dossier import Dossier
from blocks.form_fields import confirmation
from blocks.forms import edited, notice, read_metadata
from blocks.ids import Field, FormId, Ref
from blocks.refusals import aloud
from bot.slack import homes
from bot.slack.deciding import decide
from bot.slack.front import GONE, Front
from bot.slack.wording import Values, values_of
from rules.commands import Verb
from rules.reasons import Reason, Refusal, refuse
from store import directory

Answer = dict[str, Any]  # what Slack does with the view: empty closes it

CLOSED: Answer = {"response_action": "clear"}
# What another word in the same form can mend; all else is told in its place.
_MENDABLE = frozenset([
    Reason.COMMENT_REQUIRED, Reason.EDIT_NOT_VALID, Reason.NOTHING_EDITED, Reason.NOT_ON_LADDER,
    Reason.TIME_NOT_AHEAD, Reason.TIME_TOO_FAR, Reason.TOO_BUSY, Reason.NO_ELIGIBLE_REVIEWER,
])  # fmt: skip


async def submitted(front: Front, body: Mapping[str, Any]) -> Answer:
    view, user_id = body["view"], body["user"]["id"]
    if view["callback_id"] == FormId.AWAY:
        return await _away(front, view, user_id)
    asks = read_metadata(view.get("private_metadata", ""))
    dossier = await front.dossier(asks[1]) if asks else None
    if asks is None or dossier is None:
        return instead("Not possible", GONE)
    values = values_of(view)
    unconfirmed = _unconfirmed(asks, dossier, values, view)
    return unconfirmed or await _decided(front, user_id, asks, values, body)


async def _decided(
    front: Front, user_id: str, asks: tuple[Verb, Ref], values: Values, body: Mapping[str, Any]
) -> Answer:
    view = body["view"]
    try:
        outcome = await decide(front, user_id, asks, values, body.get("trigger_id") or view["hash"])
    except ValidationError as fault:
        return _unreadable(view, fault)
    if outcome.refusal:
        return _refused(view, outcome.refusal)
    front.errands.send("home", homes.publish(front, user_id))
    return CLOSED


def _unconfirmed(asks: tuple[Verb, Ref], dossier: Dossier, values: Values, view: Mapping[str, Any]) -> Answer | None:
    """What is confirmed has to be what is decided on: a box bears the digest of what stood beside it."""
    ticked = values.get(Field.CONFIRMED)
    match asks[0]:
        case Verb.APPROVE if dossier.grave and ticked != [dossier.state.action_digest]:
            return _refused(view, refuse(Reason.STALE_VERSION, seen=asks[1].version, current=dossier.state.version))
        case Verb.APPROVE_WITH_EDITS:
            return _edit_to_confirm(asks, dossier, values, view)
        case _:
            return None


def _edit_to_confirm(
    asks: tuple[Verb, Ref], dossier: Dossier, values: Values, view: Mapping[str, Any]
) -> Answer | None:
    """Once more with what the edit changes, until exactly that is confirmed."""
    try:
        parameters = json.loads(values.get(Field.PARAMETERS) or "")
    except ValueError as fault:
        return _beside(view, Field.PARAMETERS, f"This is not JSON: {fault}.")
    if not isinstance(parameters, dict):
        return _beside(view, Field.PARAMETERS, "The parameters are one JSON object, in braces.")
    try:
        shown = confirmation(parameters)
    except ValueError as fault:
        return _beside(view, Field.PARAMETERS, f"These parameters cannot be taken: {fault}.")
    if values.get(Field.CONFIRMED) == [shown]:
        return None
    if dossier.package and dossier.package.action_parameters == parameters:
        return _beside(view, Field.PARAMETERS, refuse(Reason.NOTHING_EDITED).sentence)
    return {
        "response_action": "update",
        "view": edited(replace(dossier, rendering_id=asks[1].rendering_id), parameters),
    }


def _refused(view: Mapping[str, Any], refusal: Refusal) -> Answer:
    """Beside the first field where another word mends it: what was written stays. Else in the form's place."""
    first = next((block["block_id"] for block in view["blocks"] if block["type"] == "input"), None)
    if refusal.reason in _MENDABLE and first:
        return {"response_action": "errors", "errors": {first: aloud(refusal.sentence)}}
    return instead("Not possible", refusal.sentence)


def _unreadable(view: Mapping[str, Any], fault: ValidationError) -> Answer:
    first = fault.errors(include_url=False)[0]
    return _beside(view, str(first["loc"][0]) if first["loc"] else "", f"{first['msg']}.")


def _beside(view: Mapping[str, Any], field: str, sentence: str) -> Answer:
    inputs = [block["block_id"] for block in view["blocks"] if block["type"] == "input"]
    place = field if field in inputs else inputs[0]
    return {"response_action": "errors", "errors": {place: sentence}}


def instead(title: str, sentence: str) -> Answer:
    return {"response_action": "update", "view": notice(title, sentence)}


async def _away(front: Front, view: Mapping[str, Any], user_id: str) -> Answer:
    values, now = values_of(view), front.store.clock()
    until = datetime.fromtimestamp(values[Field.UNTIL], UTC)
    fault = await away(front, user_id, until, values.get(Field.DELEGATE))
    if fault:
        return _beside(view, Field.UNTIL if until <= now else Field.DELEGATE, fault)
    front.errands.send("home", homes.publish(front, user_id))
    return CLOSED


async def away(front: Front, user_id: str, until: datetime, delegate: str | None) -> str | None:
    """Gone until then; or the sentence that says why not."""
    store, now = front.store, front.store.clock()
    roster = await store.read(store.house.roster)
    if roster.person(user_id) is None:
        return "The directory does not know you, so there is nothing that you could be away from."
    if until <= now:
        return "The time must lie ahead."
    if delegate == user_id or (delegate and roster.person(delegate) is None):
        return "Somebody else of this workspace has to stand in for you."
    await store.write(lambda connection: directory.go_away(connection, user_id, until, delegate, now))
    return None
