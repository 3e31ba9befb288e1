"""`/reviews threads`, `hold`, `resume`, `cancel` and `history`: the same as the buttons of a thread."""

from __future__ import annotations

from blocks.kit.message import Message
from blocks.threads.thread import thread_list, thread_message
from blocks.words.refusals import private_message
from blocks.words.thread_looks import THREAD_LOOKS
from bot.slack.context.listener_context import ListenerContext
from bot.slack.context.tap import Tap
from bot.slack.slash.request import Request
from bot.slack.threads.clicks import open_thread_form
from bot.slack.threads.reading import load_thread_dossier, load_thread_dossiers
from rules.reasons import Reason, refuse
from rules.threads.commands import ThreadVerb
from rules.threads.model import ThreadStatus, thread_key


async def list_threads(context: ListenerContext, request: Request) -> Message:
    return thread_list(await load_thread_dossiers(context, request.user_id))


async def show_thread(context: ListenerContext, request: Request) -> Message:
    dossier = await load_thread_dossier(context, request.user_id, thread_key(" ".join(request.words)))
    return thread_message(dossier) if dossier else which_one(request, "history")


async def open_hold(context: ListenerContext, request: Request) -> Message:
    return await _open_form(context, request, ThreadVerb.HOLD)


async def open_cancel(context: ListenerContext, request: Request) -> Message:
    return await _open_form(context, request, ThreadVerb.CANCEL)


async def open_resume(context: ListenerContext, request: Request, *, held_only: bool) -> Message | None:
    """None if this person sees no (held) thread of this name: then it may be the name of an agent."""
    known = await load_thread_dossier(context, request.user_id, thread_key(" ".join(request.words)))
    meant = known and (known.state.status is ThreadStatus.HELD or not held_only)
    return await _open_form(context, request, ThreadVerb.RESUME) if meant else None


async def _open_form(context: ListenerContext, request: Request, verb: ThreadVerb) -> Message:
    """Opens the form, or a window that says why not. The answer is the thread itself."""
    key = thread_key(" ".join(request.words))
    dossier = await load_thread_dossier(context, request.user_id, key)
    if dossier is None:
        return which_one(request, verb)
    action = THREAD_LOOKS[verb].action
    tap = Tap(user_id=request.user_id, action_id=action, value=key, trigger_id=request.request_id)
    await open_thread_form(context, tap)
    return thread_message(dossier)


def which_one(request: Request, word: str) -> Message:
    """There is no such thread that this person can see, or no name was given."""
    if not request.words:
        return private_message(f"Which one? Write it as: /reviews {word} THREAD.")
    return private_message(refuse(Reason.THREAD_NOT_VISIBLE, thread=" ".join(request.words)).sentence)
