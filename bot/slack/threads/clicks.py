"""Clicks and submitted forms for threads.

As `bot.slack.clicks` does for packages: the form brings the verb, the thread's key and the last event that the person
saw; everything else is read again. `taps`, `forms` and `/reviews` call this module.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from blocks.forms.forms import notice_modal
from blocks.forms.json_text import UnreadableError
from blocks.home.filter import own_metadata
from blocks.kit.ids import Field, FormId
from blocks.threads.forms import ThreadFormRef, read_thread_metadata, thread_command, thread_form
from blocks.threads.thread import thread_view
from blocks.words.refusals import sentence_text
from blocks.words.thread_looks import VERB_OF_ACTION
from bot.slack.context.commands import values_of
from bot.slack.context.listener_context import GONE, ListenerContext
from bot.slack.context.tap import Tap, person
from bot.slack.threads.reading import load_thread_dossier
from rules.reasons import Reason, Refusal

Answer = dict[str, Any]

# Faults and refusals that leave the form open, and the field beside which they are shown.
_FIELDS: Mapping[str, Field] = {
    "reason": Field.COMMENT,
    "instruction": Field.INSTRUCTIONS,
    "modified_state": Field.MODIFIED_STATE,
    "checkpoint_id": Field.CHECKPOINT,
}
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
    """The form of a command, unless the person may not give it now: then say why."""
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
    meant = read_thread_metadata(own_metadata(view))
    if meant is None:
        return _update(notice_modal("Not possible", GONE))
    result = await _execute(context, meant, view, user_id, request_id)
    if isinstance(result, Refusal):
        context.count_refusal(result, meant.thread_key, user_id)
        return _refused(view, result)
    return result


async def _execute(
    context: ListenerContext, meant: ThreadFormRef, view: Mapping[str, Any], user_id: str, request_id: str
) -> Answer | Refusal:
    dossier = await load_thread_dossier(context, user_id, meant.thread_key)
    if isinstance(dossier, Refusal):
        return dossier
    try:
        command = thread_command(meant, dossier.state, values_of(view), f"slack:thread:{request_id}")
    except UnreadableError as fault:
        return _error(view, Field.MODIFIED_STATE, str(fault))
    except ValidationError as fault:
        first = fault.errors(include_url=False)[0]
        return _error(view, _FIELDS.get(str(first["loc"][0]), Field.COMMENT), f"{first['msg']}.")
    outcome = await context.threads.execute(command, person(user_id), request=request_id)
    if outcome.refusal:
        return outcome.refusal
    changed = await load_thread_dossier(context, user_id, meant.thread_key)
    return {"response_action": "clear"} if isinstance(changed, Refusal) else _update(thread_view(changed))


def _refused(view: Mapping[str, Any], refusal: Refusal) -> Answer:
    """If the same form can succeed later or with another value, it stays open with what was typed."""
    if refusal.reason in _FIELD_OF_REASON:
        return _error(view, _FIELD_OF_REASON[refusal.reason], sentence_text(refusal.sentence))
    return _update(notice_modal("Not possible", refusal.sentence))


def _error(view: Mapping[str, Any], field: Field, sentence: str) -> Answer:
    """Beside the field, or beside the first input if the form has no such field."""
    inputs = [block["block_id"] for block in view["blocks"] if block["type"] == "input"]
    if not inputs or view.get("callback_id") != FormId.THREAD_COMMAND:
        return _update(notice_modal("Not possible", sentence))
    return {"response_action": "errors", "errors": {field if field in inputs else inputs[0]: sentence}}


def _update(view: Mapping[str, Any]) -> Answer:
    return {"response_action": "update", "view": view}
