"""Submitted forms. Each is validated, carried out as one command, and closed.

If a value is wrong, the form stays open with an error beside the field; any other refusal replaces the form with a
notice.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, NoReturn

from pydantic import ValidationError

from blocks.forms.entries import FILL_IN
from blocks.forms.fields import OTHER_ANSWER, chosen_answer, confirmation, is_shown, needs_tick, slots_of
from blocks.forms.forms import edit_confirmation, read_metadata
from blocks.forms.slots import InvalidFormError, read_slots
from blocks.home.filter import filter_of, own_metadata, search_of_form, with_filter
from blocks.kit.ids import Field, FormId, Ref
from blocks.words.dossier import Dossier
from blocks.words.refusals import sentence_text
from bot.slack.context import origin
from bot.slack.context.commands import Values, values_of
from bot.slack.context.deciding import attempt, decide
from bot.slack.context.form_answers import CLOSED, Answer, errors_answer, field_error, notice_answer, view_answer
from bot.slack.context.listener_context import GONE, ListenerContext
from bot.slack.home import home
from bot.slack.threads.clicks import submit_thread_form
from rules.authority.authorization import identify
from rules.package.model import DecisionPackage
from rules.reasons import Reason, Refusal
from rules.state.commands import Verb
from rules.verbs.decisions import apply_edit
from store.installation import directory

MAX_AWAY = timedelta(days=366)  # Slack cannot display a time too far in the future
# Refusals that another value in the same form can cure, and the field beside which to show each of them.
_FIELD_OF_REASON: Mapping[Reason, Field] = {
    Reason.COMMENT_REQUIRED: Field.COMMENT,
    Reason.RETRY_UNCONFIRMED: Field.COMMENT,
    Reason.ANSWER_NOT_OFFERED: Field.ANSWER_CHOICE,
    Reason.TAG_NOT_OFFERED: Field.TAGS,
    Reason.ANSWER_NOT_VALID: Field.ANSWER,
    Reason.EDIT_NOT_VALID: Field.PARAMETERS,
    Reason.NOTHING_EDITED: Field.PARAMETERS,
    Reason.NOT_ON_LADDER: Field.TO_ROLE,
    Reason.NO_ELIGIBLE_REVIEWER: Field.TO_ROLE,
    Reason.ASSIGNEE_NOT_ELIGIBLE: Field.TO_PERSON,
    Reason.TIME_NOT_AHEAD: Field.UNTIL,
    Reason.TIME_TOO_FAR: Field.UNTIL,
    Reason.TOO_BUSY: Field.COMMENT,
}
_CHOOSE = "Choose an answer."
_TWO_ANSWERS = "You wrote another answer below. Choose that one here, or remove it."
_NOT_CONFIRMED = "Tick this to continue. It counts only for this form."


async def handle_form(context: ListenerContext, body: Mapping[str, Any]) -> Answer:
    """Handle the form. If the answer is another view, that view keeps the filter of Home."""
    answer = await _answer(context, body)
    if "view" not in answer:
        return answer
    return {**answer, "view": with_filter(answer["view"], filter_of(body["view"]))}


async def _answer(context: ListenerContext, body: Mapping[str, Any]) -> Answer:
    view, user_id = body["view"], body["user"]["id"]
    if refusal := await origin.origin_refusal(context, body, user_id):
        target = read_metadata(own_metadata(view)) or (None, None)
        await origin.record_refusal(context, user_id, refusal, target, _request_id(body))
        return notice_answer(refusal.sentence)
    if empty := _empty_fields(view):
        return errors_answer(dict.fromkeys(empty, FILL_IN))
    return await _submit(context, body, view, user_id)


async def _submit(context: ListenerContext, body: Mapping[str, Any], view: Mapping[str, Any], user_id: str) -> Answer:
    match view["callback_id"]:
        case FormId.AWAY:
            return await _submit_absence(context, view, user_id, _request_id(body))
        case FormId.FILTER:
            return _submit_filter(context, view, user_id)
        case FormId.THREAD_COMMAND:
            return await submit_thread_form(context, view, user_id, _request_id(body))
        case FormId.DECISION:
            return await _submit_decision(context, body)
        case _:
            return notice_answer(GONE)


def _empty_fields(view: Mapping[str, Any]) -> list[str]:
    """Required inputs without a value. Slack accepts blanks as a value."""
    entered = values_of(view)
    needed = [block for block in view["blocks"] if block["type"] == "input" and not block.get("optional")]
    ids = [block["block_id"] for block in needed if block["block_id"] in set(Field)]  # the others are read as slots
    return [block_id for block_id in ids if block_id not in entered]


async def _submit_decision(context: ListenerContext, body: Mapping[str, Any]) -> Answer:
    view = body["view"]
    intent = read_metadata(own_metadata(view))
    dossier = await context.dossier(intent[1], body["user"]["id"]) if intent else None
    if intent is None or dossier is None:
        return notice_answer(GONE)
    try:
        values = {**values_of(view), **_entered_values(intent[0], dossier, view)}
    except InvalidFormError as invalid:
        return await _other_refusal(context, intent, dossier, body) or errors_answer(invalid.errors)
    if missing := _confirmation_missing(intent, dossier, values, view):
        return await _other_refusal(context, intent, dossier, body) or missing
    return await _decide(context, intent, values, body)


def _entered_values(verb: Verb, dossier: Dossier, view: Mapping[str, Any]) -> dict[Field, Any]:
    """The values of fields that depend on the package: parameters, the form of a question, an offered answer."""
    values = (view.get("state") or {}).get("values") or {}
    if verb is Verb.APPROVE_WITH_EDITS:
        return {Field.PARAMETERS: read_slots(slots_of(Field.PARAMETERS, dossier), Field.PARAMETERS, values)}
    if verb is Verb.ANSWER and is_shown(Field.ANSWER_DATA, verb, dossier):
        return {Field.ANSWER_DATA: read_slots(slots_of(Field.ANSWER_DATA, dossier), Field.ANSWER_DATA, values)}
    if verb is Verb.ANSWER and dossier.package and dossier.package.answers:
        return {Field.ANSWER: _chosen_or_written(dossier.package, values_of(view))}
    return {}


def _chosen_or_written(package: DecisionPackage, values: Values) -> str:
    """One answer: an offered one, or another in words. Both at once could mean either."""
    choice, text = values.get(Field.ANSWER_CHOICE), values.get(Field.ANSWER)
    if choice == OTHER_ANSWER:
        return str(text) if text else _invalid(Field.ANSWER, FILL_IN)
    chosen = chosen_answer(package, choice) or _invalid(Field.ANSWER_CHOICE, _CHOOSE)
    return _invalid(Field.ANSWER_CHOICE, _TWO_ANSWERS) if text else chosen


def _invalid(field: Field, sentence: str) -> NoReturn:
    raise InvalidFormError({field: sentence})


async def _other_refusal(
    context: ListenerContext, intent: tuple[Verb, Ref], dossier: Dossier, body: Mapping[str, Any]
) -> Answer | None:
    """A refusal of the decision itself is shown first: nobody should correct a form that they cannot submit."""
    trial = await attempt(context, body["user"]["id"], intent, dossier.state, _request_id(body))
    return _show_refusal(body["view"], trial.refusal) if trial.refusal else None


def _request_id(body: Mapping[str, Any]) -> str:
    return str(body.get("trigger_id") or body["view"]["hash"])


async def _decide(
    context: ListenerContext, intent: tuple[Verb, Ref], values: Values, body: Mapping[str, Any]
) -> Answer:
    view, user_id = body["view"], body["user"]["id"]
    _, proven = await context.state_and_proof(intent[1])
    try:
        outcome = await decide(context, user_id, (intent[0], proven), values, _request_id(body))
    except ValidationError as fault:
        return _show_invalid(view, fault)
    if outcome.refusal:
        return _show_refusal(view, outcome.refusal)
    context.background.start("home", home.publish(context, user_id, home.OpenPages.first_of(view)))
    return CLOSED


def _confirmation_missing(
    intent: tuple[Verb, Ref], dossier: Dossier, values: Values, view: Mapping[str, Any]
) -> Answer | None:
    """The answer that asks for the tick. The tick counts only for what was shown: its value is the digest of that."""
    is_ticked = values.get(Field.CONFIRMED) == [dossier.state.action_digest]
    match intent[0]:
        case Verb.APPROVE | Verb.ALLOW_RETRY as verb if needs_tick(verb, dossier) and not is_ticked:
            return field_error(view, Field.CONFIRMED, _NOT_CONFIRMED)
        case Verb.APPROVE_WITH_EDITS:
            return _edit_confirmation_missing(dossier, values, view)
        case _:
            return None


def _edit_confirmation_missing(dossier: Dossier, values: Values, view: Mapping[str, Any]) -> Answer | None:
    """Show the form again with the changes of the edit, until exactly these are confirmed."""
    parameters = values[Field.PARAMETERS]
    if values.get(Field.CONFIRMED) == [confirmation(parameters)]:
        return None
    edited = apply_edit(dossier.package, parameters)
    if isinstance(edited, Refusal):
        return _show_refusal(view, edited)
    return view_answer(edit_confirmation(dossier, parameters))


def _show_refusal(view: Mapping[str, Any], refusal: Refusal) -> Answer:
    """Show it beside the field that can cure it, so that the typed values stay. Otherwise replace the form."""
    if refusal.reason in _FIELD_OF_REASON:
        return field_error(view, _FIELD_OF_REASON[refusal.reason], sentence_text(refusal.sentence))
    return notice_answer(refusal.sentence)


def _show_invalid(view: Mapping[str, Any], fault: ValidationError) -> Answer:
    first = fault.errors(include_url=False)[0]
    return field_error(view, str(first["loc"][0]) if first["loc"] else "", f"{first['msg']}.")


def _submit_filter(context: ListenerContext, view: Mapping[str, Any], user_id: str) -> Answer:
    try:
        search = search_of_form(values_of(view))
    except ValidationError as fault:
        return _show_invalid(view, fault)
    context.background.start("home", home.publish(context, user_id, home.OpenPages(search=search)))
    return CLOSED


async def _submit_absence(context: ListenerContext, view: Mapping[str, Any], user_id: str, request_id: str) -> Answer:
    values = values_of(view)
    if Field.UNTIL not in values:
        return notice_answer(GONE)
    until = datetime.fromtimestamp(values[Field.UNTIL], UTC)
    if invalid := await set_absence(context, user_id, until, values.get(Field.DELEGATE), request_id):
        return field_error(view, invalid.field, invalid.sentence)
    context.background.start("home", home.publish(context, user_id, home.OpenPages.first_of(view)))
    return CLOSED


class InvalidAbsence(NamedTuple):
    """Why an absence is not accepted, and the field concerned."""

    field: Field
    sentence: str


async def set_absence(
    context: ListenerContext, user_id: str, until: datetime, delegate: str | None, request_id: str
) -> InvalidAbsence | None:
    """Record that the person is away until then, or say what is wrong with it."""
    store, now = context.store, context.store.clock()
    roster = await store.read(store.installation.roster)
    if roster.person(user_id) is None:
        return InvalidAbsence(Field.DELEGATE, "You are not in the directory, so you have no tasks to hand on.")
    if until <= now:
        return InvalidAbsence(Field.UNTIL, "Choose a time later than now.")
    if until > now + MAX_AWAY:
        return InvalidAbsence(Field.UNTIL, "You can be away for at most a year at a time.")
    if delegate == user_id or (delegate and isinstance(identify(roster, delegate, now), Refusal)):
        return InvalidAbsence(Field.DELEGATE, "Choose someone else of this workspace to stand in for you.")
    await store.write_once(
        request_id, lambda connection: directory.begin_absence(connection, user_id, until, delegate, now)
    )
    return None
