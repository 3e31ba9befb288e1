"""Forms that come back: read, taken down the road once, and closed; or left open, with what is wrong beside a field."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from pydantic import ValidationError

from blocks.forms.fields import confirmation
from blocks.forms.forms import edited, notice, read_metadata
from blocks.kit.ids import Field, FormId, Ref
from blocks.words.dossier import Dossier
from blocks.words.refusals import aloud
from bot.slack.context import origin
from bot.slack.context.deciding import attempt, decide
from bot.slack.context.front import GONE, Front
from bot.slack.context.wording import Values, values_of
from bot.slack.home import home
from rules.authority.authorization import identify
from rules.reasons import Reason, Refusal, refuse
from rules.state.commands import Verb
from store.installation import directory

Answer = dict[str, Any]  # what Slack does with the view: empty closes it

LONGEST_AWAY = timedelta(days=366)  # a time too far off is one that Slack cannot write
CLOSED: Answer = {"response_action": "clear"}
# What another word in the same form can mend, and beside which field that is said; all else is told in its place.
_MENDABLE: Mapping[Reason, Field] = {
    Reason.COMMENT_REQUIRED: Field.COMMENT,
    Reason.EDIT_NOT_VALID: Field.PARAMETERS,
    Reason.NOTHING_EDITED: Field.PARAMETERS,
    Reason.NOT_ON_LADDER: Field.TO_ROLE,
    Reason.NO_ELIGIBLE_REVIEWER: Field.TO_ROLE,
    Reason.TIME_NOT_AHEAD: Field.UNTIL,
    Reason.TIME_TOO_FAR: Field.UNTIL,
    Reason.TOO_BUSY: Field.COMMENT,
}
_EMPTY = "This has to be filled in; blanks alone do not count."
_UNCONFIRMED = "Nothing happens without this tick, and it counts only for what stands in this form."


async def submitted(front: Front, body: Mapping[str, Any]) -> Answer:
    view, user_id = body["view"], body["user"]["id"]
    if refusal := await origin.refusal_of(front, body, user_id):
        meant = read_metadata(view.get("private_metadata", "")) or (None, None)
        await origin.record(front, user_id, refusal, meant, _fresh(body))
        return instead("Not possible", refusal.sentence)
    if empty := _left_empty(view):
        return {"response_action": "errors", "errors": dict.fromkeys(empty, _EMPTY)}
    match view["callback_id"]:
        case FormId.AWAY:
            return await _away(front, view, user_id, _fresh(body))
        case FormId.DECISION:
            return await _decision(front, body)
        case _:
            return instead("Not possible", GONE)


def _left_empty(view: Mapping[str, Any]) -> list[str]:
    """Slack takes blanks for something that was filled in."""
    given = values_of(view)
    needed = [each for each in view["blocks"] if each["type"] == "input" and not each.get("optional")]
    return [each["block_id"] for each in needed if each["block_id"] not in given]


async def _decision(front: Front, body: Mapping[str, Any]) -> Answer:
    view = body["view"]
    asks = read_metadata(view.get("private_metadata", ""))
    dossier = await front.dossier(asks[1]) if asks else None
    if asks is None or dossier is None:
        return instead("Not possible", GONE)
    values = values_of(view)
    if unconfirmed := _unconfirmed(asks, dossier, values, view):
        return await _in_the_way(front, asks, dossier, body) or unconfirmed
    return await _decided(front, asks, values, body)


async def _in_the_way(front: Front, asks: tuple[Verb, Ref], dossier: Dossier, body: Mapping[str, Any]) -> Answer | None:
    """What else forbids it comes first: nobody is asked to confirm what they cannot decide any more."""
    tried = await attempt(front, body["user"]["id"], asks, dossier.state, _fresh(body))
    return _refused(body["view"], tried.refusal) if tried.refusal else None


def _fresh(body: Mapping[str, Any]) -> str:
    return str(body.get("trigger_id") or body["view"]["hash"])


async def _decided(front: Front, asks: tuple[Verb, Ref], values: Values, body: Mapping[str, Any]) -> Answer:
    view, user_id = body["view"], body["user"]["id"]
    try:
        outcome = await decide(front, user_id, asks, values, _fresh(body))
    except ValidationError as fault:
        return _unreadable(view, fault)
    if outcome.refusal:
        return _refused(view, outcome.refusal)
    front.errands.send("home", home.publish(front, user_id))
    return CLOSED


def _unconfirmed(asks: tuple[Verb, Ref], dossier: Dossier, values: Values, view: Mapping[str, Any]) -> Answer | None:
    """What is confirmed has to be what is decided on: a box bears the digest of what stood beside it."""
    ticked = values.get(Field.CONFIRMED)
    match asks[0]:
        case Verb.APPROVE if dossier.grave and ticked != [dossier.state.action_digest]:
            return _beside(view, Field.CONFIRMED, _UNCONFIRMED)
        case Verb.APPROVE_WITH_EDITS:
            return _edit_to_confirm(dossier, values, view)
        case _:
            return None


def _edit_to_confirm(dossier: Dossier, values: Values, view: Mapping[str, Any]) -> Answer | None:
    """Once more with what the edit changes, until exactly that is confirmed."""
    try:
        parameters = json.loads(values.get(Field.PARAMETERS) or "")
    except (ValueError, RecursionError) as fault:
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
    return {"response_action": "update", "view": edited(dossier, parameters)}


def _refused(view: Mapping[str, Any], refusal: Refusal) -> Answer:
    """Beside a field where another word mends it: what was written stays. Else in the form's place."""
    if refusal.reason in _MENDABLE:
        return _beside(view, _MENDABLE[refusal.reason], aloud(refusal.sentence))
    return instead("Not possible", refusal.sentence)


def _unreadable(view: Mapping[str, Any], fault: ValidationError) -> Answer:
    first = fault.errors(include_url=False)[0]
    return _beside(view, str(first["loc"][0]) if first["loc"] else "", f"{first['msg']}.")


def _beside(view: Mapping[str, Any], field: str, sentence: str) -> Answer:
    """Of this field, or of the first there is; without any, in the form's place."""
    inputs = [block["block_id"] for block in view["blocks"] if block["type"] == "input"]
    if not inputs:
        return instead("Not possible", sentence)
    place = field if field in inputs else inputs[0]
    return {"response_action": "errors", "errors": {place: sentence}}


def instead(title: str, sentence: str) -> Answer:
    return {"response_action": "update", "view": notice(title, sentence)}


async def _away(front: Front, view: Mapping[str, Any], user_id: str, fresh: str) -> Answer:
    values = values_of(view)
    if Field.UNTIL not in values:
        return instead("Not possible", GONE)
    until = datetime.fromtimestamp(values[Field.UNTIL], UTC)
    if wrong := await away(front, user_id, until, values.get(Field.DELEGATE), fresh):
        return _beside(view, wrong.field, wrong.sentence)
    front.errands.send("home", home.publish(front, user_id))
    return CLOSED


class Wrong(NamedTuple):
    """Why an absence cannot be, and which of its fields that concerns."""

    field: Field
    sentence: str


async def away(front: Front, user_id: str, until: datetime, delegate: str | None, fresh: str) -> Wrong | None:
    """Gone until then; or what is wrong with it."""
    store, now = front.store, front.store.clock()
    roster = await store.read(store.house.roster)
    if roster.person(user_id) is None:
        unknown = "The directory does not know you, so there is nothing that you could be away from."
        return Wrong(Field.DELEGATE, unknown)
    if until <= now:
        return Wrong(Field.UNTIL, "The time must lie ahead.")
    if until > now + LONGEST_AWAY:
        return Wrong(Field.UNTIL, "Nobody can be away for longer than a year at a time.")
    if delegate == user_id or (delegate and isinstance(identify(roster, delegate, now), Refusal)):
        return Wrong(Field.DELEGATE, "Somebody else of this workspace has to stand in for you.")
    await store.write_once(fresh, lambda connection: directory.go_away(connection, user_id, until, delegate, now))
    return None
