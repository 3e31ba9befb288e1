"""`/reviews threads`, `hold`, `resume`, `cancel` and `history`: the same as the buttons of a thread.

`reviews` calls these functions. A thread is named by the words after the subcommand; one that the person does not see
is answered like one that does not exist.
"""

from __future__ import annotations

from blocks.kit.message import Message
from blocks.threads.dossier import ThreadDossier
from blocks.threads.thread import thread_list, thread_message
from blocks.words.refusals import private_message
from blocks.words.thread_looks import THREAD_LOOKS
from bot.slack.context.listener_context import ListenerContext, UndeliveredError
from bot.slack.context.tap import Tap
from bot.slack.slash.request import Request
from bot.slack.threads.clicks import open_thread_form
from bot.slack.threads.reading import LISTED, load_thread_dossier, load_thread_dossiers
from rules.reasons import Refusal
from rules.threads.commands import ThreadVerb
from rules.threads.model import ThreadStatus, thread_key


async def list_threads(context: ListenerContext, request: Request) -> Message:
    dossiers = await load_thread_dossiers(context, request.user_id)
    return thread_list(dossiers[:LISTED], more=len(dossiers) > LISTED)


async def show_thread(context: ListenerContext, request: Request) -> Message:
    dossier = await _load(context, request)
    return _refused(request, "history", dossier) if isinstance(dossier, Refusal) else thread_message(dossier)


async def open_hold(context: ListenerContext, request: Request) -> Message:
    return await _open_form(context, request, ThreadVerb.HOLD)


async def open_cancel(context: ListenerContext, request: Request) -> Message:
    return await _open_form(context, request, ThreadVerb.CANCEL)


async def open_resume(context: ListenerContext, request: Request) -> Message:
    return await _open_form(context, request, ThreadVerb.RESUME)


async def is_held(context: ListenerContext, request: Request) -> bool:
    """Whether this person sees a held thread of this name."""
    dossier = await _load(context, request)
    return isinstance(dossier, ThreadDossier) and dossier.state.status is ThreadStatus.HELD


async def _open_form(context: ListenerContext, request: Request, verb: ThreadVerb) -> Message:
    """Open the form, or a modal that says why not. The answer is the thread itself, or that Slack opened no modal."""
    dossier = await _load(context, request)
    if isinstance(dossier, Refusal):
        return _refused(request, verb, dossier)
    action, key = THREAD_LOOKS[verb].action, dossier.state.thread_key
    tap = Tap(user_id=request.user_id, action_id=action, value=key, trigger_id=request.request_id)
    try:
        await open_thread_form(context, tap)
    except UndeliveredError as undelivered:
        return private_message(undelivered.error)
    return thread_message(dossier)


async def _load(context: ListenerContext, request: Request) -> ThreadDossier | Refusal:
    name = " ".join(request.words)
    return await load_thread_dossier(context, request.user_id, thread_key(name), name)


def _refused(request: Request, word: str, refusal: Refusal) -> Message:
    """The refusal, or that no name was given."""
    return private_message(refusal.sentence if request.words else f"Which one? Write it as: /reviews {word} THREAD.")
