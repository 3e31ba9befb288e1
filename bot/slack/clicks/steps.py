"""Forms that a click opens, and the steps of forms that do not fit into one view.

A step that shows what is being approved is stored before it is shown, and recorded once Slack has accepted it: only
then does it count as shown to this person.
"""

from __future__ import annotations

import json

from blocks.card.rendering import fingerprint
from blocks.forms.fields import is_shown
from blocks.forms.forms import SHOWS_CONTENT, Step, read_step, step
from blocks.kit.ids import Field
from blocks.words.dossier import Dossier
from blocks.words.verbs import LOOKS
from bot.slack.context.deciding import attempt
from bot.slack.context.listener_context import GONE, ListenerContext
from bot.slack.context.tap import Tap
from rules.state.commands import OpenForm, Verb
from rules.state.model import Status
from store.installation.installation import fresh_id

_FORM_ONLY = (Field.ANSWER_CHOICE, Field.ANSWER_DATA)


async def open_form(context: ListenerContext, tap: Tap, verb: Verb, dossier: Dossier) -> None:
    current = step(verb, dossier, 1)
    is_evidence = _is_evidence(tap, verb, dossier, current)
    rendering_id = await _keep_rendering(context, dossier, current) if is_evidence else None
    if await context.open(tap, current.view) and rendering_id:
        await _record_step(context, tap, dossier, current, rendering_id)


async def turn_step(context: ListenerContext, tap: Tap) -> None:
    """Show another step in place of the open one, unless the decision would be refused."""
    target = read_step(tap.value)
    dossier = await context.dossier(target[2], tap.user_id) if target else None
    if target is None or dossier is None or tap.view is None:
        await context.tell(tap, GONE)
        return
    number, verb, ref = target
    trial = await attempt(context, tap.user_id, (verb, ref), dossier.state, tap.trigger_id)
    if trial.refusal:
        await context.refuse(tap, trial.refusal, dossier)
    else:
        await _show_step(context, tap, verb, dossier, step(verb, dossier, number))


async def _show_step(context: ListenerContext, tap: Tap, verb: Verb, dossier: Dossier, current: Step) -> None:
    rendering_id = await _keep_rendering(context, dossier, current)
    await context.redraw(tap.view or {}, current.view)
    if _is_evidence(tap, verb, dossier, current):
        await _record_step(context, tap, dossier, current, rendering_id)


def _is_evidence(tap: Tap, verb: Verb, dossier: Dossier, current: Step) -> bool:
    """Whether the decision rests on this step. If it began on a card that shows everything, it rests on the card.

    A card may not show the choices or fields of an answer, so an answer given in a form rests on the form.
    """
    needs_form = any(is_shown(field, verb, dossier) for field in LOOKS[verb].fields if field in _FORM_ONLY)
    on_card = dossier.state.whole_on_card and dossier.state.status is Status.PENDING
    seen_on_card = on_card and tap.is_on_card and not needs_form
    return verb in SHOWS_CONTENT and current.of > 0 and not seen_on_card


async def _keep_rendering(context: ListenerContext, dossier: Dossier, current: Step) -> str:
    rendering_id = fingerprint(current.view)
    body = json.dumps(current.view, ensure_ascii=False)
    await context.store.save_rendering(dossier.state.decision_package_id, rendering_id, body)
    return rendering_id


async def _record_step(context: ListenerContext, tap: Tap, dossier: Dossier, current: Step, rendering_id: str) -> None:
    command = OpenForm(
        command_id=f"slack:form:{fresh_id()}",
        decision_package_id=dossier.state.decision_package_id,
        expected_package_version=dossier.state.version,
        rendering_id=rendering_id,
        page=current.number,
        of=current.of,
        shown=current.view,
    )
    await context.store.execute(command, tap.actor)
