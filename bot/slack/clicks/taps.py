"""Clicks. Each is parsed, taken down the road once, and answered: by the card, by a form, or by a private sentence."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

import structlog

from blocks.forms.forms import notice
from blocks.kit.ids import ActionId, Ref
from blocks.words.dossier import is_grave
from blocks.words.verbs import LOOKS
from bot.slack.clicks import reading, steps
from bot.slack.context import copies
from bot.slack.context.deciding import attempt, decide
from bot.slack.context.front import GONE, Front, UnheardError
from bot.slack.context.tap import Tap
from bot.slack.home import home
from rules.policy.model import Policy
from rules.state.commands import Verb
from rules.state.model import PackageState
from rules.state.terms import terms_today
from scheduler.common.messenger import SlackError

log = structlog.get_logger()

Handler = Callable[[Front, Tap], Awaitable[None]]


async def verb(front: Front, tap: Tap) -> None:
    asks = tap.asks
    state = await front.state(asks[1]) if asks else None
    if asks is None or state is None:
        await front.tell(tap, "Not possible", GONE)
    elif _at_once(asks[0], state, front.store.house.policy):
        await _decided(front, tap, asks)
    else:
        await _asked_for_words(front, tap, asks, state)


def _at_once(verb: Verb, state: PackageState, policy: Policy) -> bool:
    """Whether one tap is enough: it needs no words, the card shows all of it, and nothing grave follows from it."""
    if verb is Verb.APPROVE:
        return state.whole_on_card and not is_grave(state, terms_today(state, policy))
    return LOOKS[verb].at_once or not LOOKS[verb].fields


async def _decided(front: Front, tap: Tap, asks: tuple[Verb, Ref]) -> None:
    outcome = await decide(front, tap.user_id, asks, {}, tap.trigger_id)
    if outcome.refusal:
        await front.refuse(tap, outcome.refusal, await front.dossier(asks[1]))
    elif tap.view:
        front.errands.send("home", home.publish(front, tap.user_id))
        await _shown_anew(front, tap, asks[1])


async def _shown_anew(front: Front, tap: Tap, ref: Ref) -> None:
    """It is done, whatever becomes of drawing it: from here on nobody may be told that nothing was changed."""
    try:
        await reading.refresh(front, tap, ref)
    except SlackError:
        raise
    except Exception as fault:
        log.exception("slack.not_drawn", action=tap.action_id)
        raise SlackError(type(fault).__name__) from fault


async def _asked_for_words(front: Front, tap: Tap, asks: tuple[Verb, Ref], state: PackageState) -> None:
    """Drawn from what was read before the attempt: a version that comes in between is refused, and gets no form."""
    dossier = await front.dossier(asks[1])
    tried = await attempt(front, tap.user_id, asks, state, tap.trigger_id)
    if tried.refusal:
        await front.refuse(tap, tried.refusal, dossier)
    elif dossier:
        await steps.opened(front, tap, asks[0], dossier)


TAPS: Mapping[str, Handler] = {
    **dict.fromkeys(LOOKS, verb),
    ActionId.MORE: verb,
    ActionId.DETAILS: reading.opened,
    ActionId.PAGE: reading.turned,
    ActionId.STEP: steps.turned,
    ActionId.HOME_MINE: home.turned,
    ActionId.HOME_DECIDED: home.turned,
    ActionId.HOME_AWAY: home.leaving,
    ActionId.HOME_BACK: home.returned,
}


async def tapped(front: Front, tap: Tap) -> None:
    handler = TAPS.get(tap.action_id)
    if tap.card:
        if tap.response_url:
            front.answers.keep(tap.card, tap.response_url)
        front.errands.send("which card", copies.known(front, tap))
    try:
        await (handler(front, tap) if handler else front.tell(tap, "Not possible", GONE))
    except UnheardError as unheard:
        await _said_in_its_place(front, tap, unheard.error)


async def _said_in_its_place(front: Front, tap: Tap, sentence: str) -> None:
    """No view could be opened; the one in which it was tapped can still be drawn anew."""
    view = tap.view or {}
    if view.get("type") == "home":
        await home.publish(front, tap.user_id, told=sentence)
    elif view:
        await front.redraw(view, notice("Once more", sentence))
