"""Carries out a verb: one command per intention, however often the button was tapped or the request sent."""

from __future__ import annotations

from blocks.kit.ids import Ref
from bot.slack.context.commands import Values, command_of, trial_of
from bot.slack.context.listener_context import ListenerContext
from bot.slack.context.tap import person
from rules.canonical import sha256_of
from rules.state.commands import Verb
from rules.state.model import PackageState
from store.commands.execute import Outcome


async def decide(
    context: ListenerContext, user_id: str, intent: tuple[Verb, Ref], values: Values, request_id: str
) -> Outcome:
    """Carry out the verb. The reference must be proven (`ListenerContext.state_and_proof`).

    The command id is derived from the person, the verb, the rendering and the values, so a double tap or a redelivery
    is the same command. A row of a list has no rendering that changes with the package: there, the request takes its
    place. A refused command can be tried again once the obstacle is gone: a new request then gets a command id of its
    own. The same request sent again, for example by someone who recorded it, gets the same refusal again.
    """
    verb, ref = intent
    seen = str(ref) if ref.rendering_id else f"{ref} {request_id}"
    digest = sha256_of([user_id, verb, seen, {field.value: value for field, value in values.items()}])
    first = command_of(verb, ref, values, f"slack:{digest}")
    outcome = await context.store.execute(first, person(user_id), request=request_id)
    if outcome.replayed and outcome.refusal and outcome.request != request_id:
        retry = command_of(verb, ref, values, f"slack:{digest}:{request_id}")
        outcome = await context.store.execute(retry, person(user_id), request=request_id)
    if not outcome.refusal:
        context.metrics.clicks.labels("done").inc()
    return _count_refusal(context, user_id, ref, outcome)


async def attempt(
    context: ListenerContext, user_id: str, intent: tuple[Verb, Ref], state: PackageState, request_id: str
) -> Outcome:
    """Whether this person may give this verb at all; checked before a form asks them for words."""
    verb, ref = intent
    trial = trial_of(verb, ref, state, context.store.clock(), f"slack:trial:{request_id}:{verb}")
    return _count_refusal(context, user_id, ref, await context.store.execute(trial, person(user_id), trial=True))


def _count_refusal(context: ListenerContext, user_id: str, ref: Ref, outcome: Outcome) -> Outcome:
    if outcome.refusal:
        context.count_refusal(outcome.refusal, ref.package_id, user_id)
    return outcome
