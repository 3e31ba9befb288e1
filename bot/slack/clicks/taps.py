"""Clicks on buttons and menus: each is parsed, carried out once, and answered.

The answer is the updated card, a form, or a message that only the clicker sees.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType

import structlog

from blocks.card.buttons import answers_on_buttons
from blocks.forms.forms import notice_modal
from blocks.kit.ids import ANSWER_BUTTONS, ActionId, Field, Ref
from blocks.words.dossier import is_grave
from blocks.words.refusals import done_message
from blocks.words.thread_looks import VERB_OF_ACTION
from blocks.words.verbs import LOOKS
from bot.slack.clicks import reading, steps
from bot.slack.context import copies
from bot.slack.context.commands import Values
from bot.slack.context.deciding import attempt, decide
from bot.slack.context.listener_context import GONE, ListenerContext, UndeliveredError
from bot.slack.context.tap import Tap
from bot.slack.home import home
from bot.slack.threads import clicks as threads
from rules.policy.model import Policy
from rules.state.commands import Verb
from rules.state.model import PackageState
from rules.state.terms import terms_today
from scheduler.common.messenger import SlackError

log = structlog.get_logger()

Handler = Callable[[ListenerContext, Tap], Awaitable[None]]


async def handle_verb(context: ListenerContext, tap: Tap) -> None:
    intent = tap.intent
    state, proven = await context.state_and_proof(intent[1]) if intent else (None, None)
    if intent is None or state is None or proven is None:
        await context.tell(tap, GONE)
    elif _needs_no_form(tap, intent[0], state, context.store.installation.policy):
        await _decide(context, tap, (intent[0], proven))
    else:
        await _open_form(context, tap, intent, state)


def _needs_no_form(tap: Tap, verb: Verb, state: PackageState, policy: Policy) -> bool:
    """Whether one tap is enough: no words are needed, the card shows everything, and the action is not grave."""
    if verb is Verb.APPROVE:
        return tap.is_on_card and state.whole_on_card and not is_grave(state, terms_today(state, policy))
    return LOOKS[verb].at_once or not LOOKS[verb].fields


async def handle_answer(context: ListenerContext, tap: Tap) -> None:
    """A button with an offered answer. It carries only a position: the text is that of the package itself.

    One tap is enough only on a card, which shows the question and the answers.
    """
    intent = tap.intent
    dossier = await context.dossier(intent[1], tap.user_id) if intent else None
    if intent is None or dossier is None:
        await context.tell(tap, GONE)
        return
    position, offered = ANSWER_BUTTONS.index(ActionId(tap.action_id)), answers_on_buttons(dossier)
    if tap.is_on_card and position < len(offered):
        _, proven = await context.state_and_proof(intent[1])
        await _decide(context, tap, (intent[0], proven), {Field.ANSWER: offered[position]})
    else:
        await _open_form(context, tap, intent, dossier.state)


async def _decide(
    context: ListenerContext, tap: Tap, intent: tuple[Verb, Ref], values: Values = MappingProxyType({})
) -> None:
    outcome = await decide(context, tap.user_id, intent, values, tap.trigger_id)
    if outcome.refusal:
        await context.refuse(tap, outcome.refusal, await context.dossier(intent[1], tap.user_id))
    else:
        await _show_done(context, tap, intent)


async def _show_done(context: ListenerContext, tap: Tap, intent: tuple[Verb, Ref]) -> None:
    """The command is done. If drawing fails now, nobody may be told that nothing was changed."""
    try:
        if tap.view:
            context.background.start("home", home.publish(context, tap.user_id, home.OpenPages.first_of(tap.view)))
            await reading.refresh(context, tap, intent[1])
        elif tap.card is None and (dossier := await context.dossier(intent[1], tap.user_id)):
            context.say(tap, done_message(intent[0], dossier))
    except SlackError:
        raise
    except Exception as fault:
        log.exception("slack.not_drawn", action=tap.action_id)
        raise SlackError(type(fault).__name__) from fault


async def _open_form(context: ListenerContext, tap: Tap, intent: tuple[Verb, Ref], state: PackageState) -> None:
    """The form is built from what was read before the trial: a version that arrives in between is refused."""
    dossier = await context.dossier(intent[1], tap.user_id)
    trial = await attempt(context, tap.user_id, intent, state, tap.trigger_id)
    if trial.refusal:
        await context.refuse(tap, trial.refusal, dossier)
    elif dossier:
        await steps.open_form(context, tap, intent[0], dossier)


HANDLERS: Mapping[str, Handler] = {
    **dict.fromkeys(LOOKS, handle_verb),
    **dict.fromkeys(ANSWER_BUTTONS, handle_answer),
    ActionId.MORE: handle_verb,
    ActionId.DETAILS: reading.open_details,
    ActionId.PAGE: reading.turn_page,
    ActionId.STEP: steps.turn_step,
    ActionId.THREAD: threads.open_thread,
    **dict.fromkeys(VERB_OF_ACTION, threads.open_thread_form),
    ActionId.HOME_MINE: home.turn_list,
    ActionId.HOME_DECIDED: home.turn_list,
    ActionId.HOME_FILTER: home.open_filter,
    ActionId.HOME_CLEAR: home.clear_filter,
    ActionId.HOME_AWAY: home.open_away_form,
    ActionId.HOME_BACK: home.handle_back,
    ActionId.HOME_MAILS: home.choose_mails,
    ActionId.HOME_MIRROR: home.open_mirror,
}


async def handle_tap(context: ListenerContext, tap: Tap) -> None:
    handler = HANDLERS.get(tap.action_id)
    if tap.card:
        if tap.response_url:
            context.response_urls.keep(tap.card, tap.response_url)
        context.background.start("which card", copies.check_copy(context, tap))
    try:
        await (handler(context, tap) if handler else context.tell(tap, GONE))
    except UndeliveredError as undelivered:
        await _show_in_place(context, tap, undelivered.error)


async def _show_in_place(context: ListenerContext, tap: Tap, sentence: str) -> None:
    """No modal could be opened, but the view with the button can still be redrawn."""
    view = tap.view or {}
    if view.get("type") == "home":
        await home.publish(context, tap.user_id, home.OpenPages.first_of(view), warning=sentence)
    elif view:
        await context.redraw(view, notice_modal("Not possible", sentence))
