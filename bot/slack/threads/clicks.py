"""Clicks and submitted forms for threads.

A form brings the command, the thread's key and the last event that the person saw; everything else is read again.
`taps`, `forms` and `/reviews` call this module.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from blocks.forms.json_text import UnreadableError
from blocks.home.filter import own_metadata
from blocks.kit.ids import Field
from blocks.threads.forms import ThreadFormRef, read_thread_metadata, thread_command, thread_form
from blocks.threads.thread import thread_view
from blocks.words.refusals import sentence_text
from blocks.words.thread_looks import VERB_OF_ACTION
from bot.slack.context.commands import values_of
from bot.slack.context.form_answers import CLOSED, Answer, field_error, notice_answer, view_answer
from bot.slack.context.listener_context import GONE, ListenerContext
from bot.slack.context.tap import Tap, person
from bot.slack.threads.reading import load_thread_dossier
from rules.reasons import Reason, Refusal

# The field of the form in which each field of a command is entered.
_FIELD_OF_INPUT: Mapping[str, Field] = {
    "reason": Field.COMMENT,
    "instruction": Field.INSTRUCTIONS,
    "modified_state": Field.MODIFIED_STATE,
    "checkpoint_id": Field.CHECKPOINT,
}
# Refusals that leave the form open, because it can succeed later or with another value.
_FIELD_OF_REASON: Mapping[Reason, Field] = {
    Reason.CHECKPOINT_UNKNOWN: Field.CHECKPOINT,
    Reason.TOO_BUSY: Field.COMMENT,
    Reason.DIRECTORY_STALE: Field.COMMENT,
}


async def open_thread(context: ListenerContext, tap: Tap) -> None:
    dossier = await load_thread_dossier(context, tap.user_id, tap.value)
    if isinstance(dossier, Refusal):
        await _refuse(context, tap, dossier)
    else:
        await context.open(tap, thread_view(dossier))


async def open_thread_form(context: ListenerContext, tap: Tap) -> None:
    """Open the form of a command, or say why the person may not give this command now."""
    verb = VERB_OF_ACTION[tap.action_id]
    dossier = await load_thread_dossier(context, tap.user_id, tap.value)
    if isinstance(dossier, Refusal):
        await _refuse(context, tap, dossier)
    elif refusal := dossier.refusals[verb]:
        await _refuse(context, tap, refusal)
    else:
        await context.open(tap, thread_form(verb, dossier))


async def _refuse(context: ListenerContext, tap: Tap, refusal: Refusal) -> None:
    context.count_refusal(refusal, tap.value, tap.user_id)
    await context.refuse(tap, refusal, None)


async def submit_thread_form(
    context: ListenerContext, view: Mapping[str, Any], user_id: str, request_id: str
) -> Answer:
    form_ref = read_thread_metadata(own_metadata(view))
    if form_ref is None:
        return notice_answer(GONE)
    result = await _execute(context, form_ref, view, user_id, request_id)
    if isinstance(result, Refusal):
        context.count_refusal(result, form_ref.thread_key, user_id)
        return _show_refusal(view, result)
    return result


async def _execute(
    context: ListenerContext, form_ref: ThreadFormRef, view: Mapping[str, Any], user_id: str, request_id: str
) -> Answer | Refusal:
    dossier = await load_thread_dossier(context, user_id, form_ref.thread_key)
    if isinstance(dossier, Refusal):
        return dossier
    try:
        command = thread_command(form_ref, dossier.state, values_of(view), f"slack:thread:{request_id}")
    except UnreadableError as fault:
        return field_error(view, Field.MODIFIED_STATE, str(fault))
    except ValidationError as fault:
        first = fault.errors(include_url=False)[0]
        return field_error(view, _FIELD_OF_INPUT.get(str(first["loc"][0]), Field.COMMENT), f"{first['msg']}.")
    outcome = await context.threads.execute(command, person(user_id), request=request_id)
    if outcome.refusal:
        return outcome.refusal
    changed = await load_thread_dossier(context, user_id, form_ref.thread_key)
    return CLOSED if isinstance(changed, Refusal) else view_answer(thread_view(changed))


def _show_refusal(view: Mapping[str, Any], refusal: Refusal) -> Answer:
    if refusal.reason in _FIELD_OF_REASON:
        return field_error(view, _FIELD_OF_REASON[refusal.reason], sentence_text(refusal.sentence))
    return notice_answer(refusal.sentence)
