"""Clicks and submitted forms for threads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from blocks.forms.forms import notice
from blocks.forms.json_text import UnreadableError
from blocks.home.filter import own_metadata
from blocks.kit.ids import Field, FormId
from blocks.threads.forms import read_thread_metadata, thread_command, thread_form
from blocks.threads.thread import thread_view
from blocks.words.refusals import sentence_text
from blocks.words.thread_looks import VERB_OF_ACTION
from bot.slack.context.listener_context import GONE, ListenerContext
from bot.slack.context.tap import Tap, person
from bot.slack.context.wording import values_of
from bot.slack.threads.reading import load_thread_dossier
from rules.reasons import Reason, Refusal

Answer = dict[str, Any]

_HIDDEN = "There is no such thread that you can see. /reviews threads lists those that you can."

# Refusals and faults that another value in the same form can cure, and the field beside which they are shown.
_FIELDS: Mapping[str, Field] = {
    "reason": Field.COMMENT,
    "instruction": Field.INSTRUCTIONS,
    "modified_state": Field.MODIFIED_STATE,
    "checkpoint_id": Field.CHECKPOINT,
}


async def open_thread(context: ListenerContext, tap: Tap) -> None:
    dossier = await load_thread_dossier(context, tap.user_id, tap.value)
    if dossier is None:
        await context.tell(tap, _HIDDEN)
    else:
        await context.open(tap, thread_view(dossier))


async def open_thread_form(context: ListenerContext, tap: Tap) -> None:
    """The form of a command, unless the person may not give it now: then say why."""
    verb = VERB_OF_ACTION[tap.action_id]
    dossier = await load_thread_dossier(context, tap.user_id, tap.value)
    if dossier is None:
        await context.tell(tap, _HIDDEN)
        return
    if refusal := dossier.refusals[verb]:
        await context.refuse(tap, refusal, None)
    else:
        await context.open(tap, thread_form(verb, dossier))


async def submit_thread_form(
    context: ListenerContext, view: Mapping[str, Any], user_id: str, request_id: str
) -> Answer:
    meant = read_thread_metadata(own_metadata(view))
    dossier = await load_thread_dossier(context, user_id, meant.thread_key) if meant else None
    if meant is None or dossier is None:
        return _update(notice("Not possible", GONE))
    try:
        command = thread_command(meant, dossier.state, values_of(view), f"slack:thread:{request_id}")
    except UnreadableError as fault:
        return _error(view, Field.MODIFIED_STATE, str(fault))
    except ValidationError as fault:
        first = fault.errors(include_url=False)[0]
        return _error(view, _FIELDS.get(str(first["loc"][0]), Field.COMMENT), f"{first['msg']}.")
    outcome = await context.threads.execute(command, person(user_id), request=request_id)
    if outcome.refusal:
        return _refused(view, outcome.refusal)
    changed = await load_thread_dossier(context, user_id, meant.thread_key)
    return _update(thread_view(changed)) if changed else {"response_action": "clear"}


def _refused(view: Mapping[str, Any], refusal: Refusal) -> Answer:
    if refusal.reason is Reason.CHECKPOINT_UNKNOWN:
        return _error(view, Field.CHECKPOINT, sentence_text(refusal.sentence))
    return _update(notice("Not possible", refusal.sentence))


def _error(view: Mapping[str, Any], field: Field, sentence: str) -> Answer:
    """Beside the field, or beside the first input if the form has no such field."""
    inputs = [block["block_id"] for block in view["blocks"] if block["type"] == "input"]
    if not inputs or view.get("callback_id") != FormId.THREAD_COMMAND:
        return _update(notice("Not possible", sentence))
    return {"response_action": "errors", "errors": {field if field in inputs else inputs[0]: sentence}}


def _update(view: Mapping[str, Any]) -> Answer:
    return {"response_action": "update", "view": view}
