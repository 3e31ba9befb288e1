"""A verb on its way down the road: one command for one intention, however often it was tapped or sent."""

from __future__ import annotations

from blocks.kit.ids import Ref
from bot.slack.context.front import Front
from bot.slack.context.tap import person
from bot.slack.context.wording import Values, command_of, trial_of
from rules.canonical import sha256_of
from rules.reasons import Reason
from rules.state.commands import Verb
from rules.state.model import PackageState
from store.commands.execute import Outcome

_OUR_FAULT = frozenset([Reason.DIRECTORY_STALE, Reason.TOO_BUSY])  # refused, but not for anything in the click


async def decide(front: Front, user_id: str, asks: tuple[Verb, Ref], values: Values, fresh: str) -> Outcome:
    """The id comes from who wants what of which rendering, so that a double tap or a redelivery is one command.

    What was refused may be wanted again, when what stood in the way is gone: then it is a command of its own. But the
    same request sent again, which anybody could do who recorded it, gets the refusal that it got.
    """
    verb, ref = asks
    meant = sha256_of([user_id, verb, str(ref), {field.value: value for field, value in values.items()}])
    first = command_of(verb, ref, values, f"slack:{meant}")
    outcome = await front.store.carry_out(first, person(user_id), request=fresh)
    if outcome.replayed and outcome.refusal and outcome.request != fresh:
        again = command_of(verb, ref, values, f"slack:{meant}:{fresh}")
        outcome = await front.store.carry_out(again, person(user_id), request=fresh)
    if not outcome.refusal:
        front.metrics.clicks.labels("done").inc()
    return _told(front, user_id, ref, outcome)


async def attempt(front: Front, user_id: str, asks: tuple[Verb, Ref], state: PackageState, fresh: str) -> Outcome:
    """Whether this person may give this verb at all, before they are asked for words."""
    verb, ref = asks
    trial = trial_of(verb, ref, state, front.store.clock(), f"slack:trial:{fresh}:{verb}")
    return _told(front, user_id, ref, await front.store.carry_out(trial, person(user_id), trial=True))


def _told(front: Front, user_id: str, ref: Ref, outcome: Outcome) -> Outcome:
    """A click that the service could not judge has failed like any other: it may have been an objection."""
    if outcome.refusal:
        front.metrics.clicks.labels("refused").inc()
        if outcome.refusal.reason in _OUR_FAULT:
            front.lost(ref, user_id)
    return outcome
