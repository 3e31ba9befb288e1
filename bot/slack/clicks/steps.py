"""Forms that open over what was clicked, and the steps of those that show more than one view can hold.

Each step that shows what an approval is for is kept before it is shown, and recorded once Slack has accepted it: only
then does it count as shown to this person.
"""

from __future__ import annotations

import json

from blocks.card.rendering import fingerprint
from blocks.forms.forms import SHOWING_ALL, Step, read_step, step
from blocks.words.dossier import Dossier
from bot.slack.context.deciding import attempt
from bot.slack.context.front import GONE, Front
from bot.slack.context.tap import Tap
from rules.state.commands import OpenForm, Verb
from store.installation.house import fresh_id


async def opened(front: Front, tap: Tap, verb: Verb, dossier: Dossier) -> None:
    at = step(verb, dossier, 1)
    counts = _counts(verb, dossier, at)
    rendering_id = await _kept(front, dossier, at) if counts else None
    if await front.open(tap, at.view) and rendering_id:
        await _read(front, tap, dossier, at, rendering_id)


async def turned(front: Front, tap: Tap) -> None:
    """Another step, in the place of the one that is open. What forbids the decision is said before it is drawn."""
    asks = read_step(tap.value)
    dossier = await front.dossier(asks[2]) if asks else None
    if asks is None or dossier is None or tap.view is None:
        await front.tell(tap, "Not possible", GONE)
        return
    number, verb, ref = asks
    tried = await attempt(front, tap.user_id, (verb, ref), dossier.state, tap.trigger_id)
    if tried.refusal:
        await front.refuse(tap, tried.refusal, dossier)
    else:
        await _shown(front, tap, verb, dossier, step(verb, dossier, number))


async def _shown(front: Front, tap: Tap, verb: Verb, dossier: Dossier, at: Step) -> None:
    rendering_id = await _kept(front, dossier, at)
    await front.redraw(tap.view or {}, at.view)
    if _counts(verb, dossier, at):
        await _read(front, tap, dossier, at, rendering_id)


def _counts(verb: Verb, dossier: Dossier, at: Step) -> bool:
    """Whether a decision rests on it: where the card shows all of it, the card is what was decided on."""
    return verb in SHOWING_ALL and at.of > 0 and not dossier.state.whole_on_card


async def _kept(front: Front, dossier: Dossier, at: Step) -> str:
    rendering_id = fingerprint(at.view)
    body = json.dumps(at.view, ensure_ascii=False)
    await front.store.keep_rendering(dossier.state.decision_package_id, rendering_id, body)
    return rendering_id


async def _read(front: Front, tap: Tap, dossier: Dossier, at: Step, rendering_id: str) -> None:
    command = OpenForm(
        command_id=f"slack:form:{fresh_id()}",
        decision_package_id=dossier.state.decision_package_id,
        expected_package_version=dossier.state.version,
        rendering_id=rendering_id,
        page=at.number,
        of=at.of,
        shown=at.view,
    )
    await front.store.carry_out(command, tap.actor)
