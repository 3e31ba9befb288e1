"""Details: opened, turned, and kept as read once Slack has accepted the page."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import NamedTuple

from blocks.card.rendering import fingerprint
from blocks.details.details import details, exact_pages, read_page
from blocks.kit.ids import FormId, Ref
from blocks.words.dossier import Dossier
from blocks.words.views import View
from bot.slack.context.front import GONE, Front
from bot.slack.context.tap import Tap
from rules.people.directory import Actor
from rules.reasons import Reason, Refusal, refuse
from rules.state.commands import OpenDetails
from store.installation.house import fresh_id


class Page(NamedTuple):
    """A page of Details as it is shown, and the id that its content gives it."""

    number: int
    view: View
    rendering_id: str


async def opened(front: Front, tap: Tap) -> None:
    ref = Ref.read(tap.value)
    if ref is None:
        await front.tell(tap, "Not possible", GONE)
        return
    dossier = await front.dossier(ref)
    from_card = dossier is not None and await front.on_card(tap, dossier.state)
    refusal = await may_not_read(front, tap.actor, dossier, ref.package_id, from_card=from_card)
    if refusal or dossier is None:
        await _refused(front, tap, refusal, dossier)
        return
    page = _drawn(dossier, 1)
    if await front.open(tap, page.view):
        await _read(front, tap, dossier, page, from_card=from_card)


async def turned(front: Front, tap: Tap) -> None:
    """Another page, in the place of the one that is open."""
    asks = read_page(tap.value)
    if asks is None or tap.view is None:
        await front.tell(tap, "Not possible", GONE)
        return
    dossier = await front.dossier(asks[1])
    refusal = await may_not_read(front, tap.actor, dossier, asks[1].package_id)
    if refusal or dossier is None:
        await _refused(front, tap, refusal, dossier)
    else:
        await _shown(front, tap, dossier, asks[0])


async def _refused(front: Front, tap: Tap, refusal: Refusal | None, dossier: Dossier | None) -> None:
    if refusal:
        await front.refuse(tap, refusal, dossier)


async def refresh(front: Front, tap: Tap, ref: Ref) -> None:
    """The open page once more, after something was done in it: from here on it is this page that was seen."""
    dossier = await front.dossier(ref._replace(rendering_id=None))
    asks = read_page((tap.view or {}).get("private_metadata", ""))
    if dossier and asks and tap.view and tap.view.get("callback_id") == FormId.DETAILS:
        await _shown(front, tap, dossier, asks[0])


async def _shown(front: Front, tap: Tap, dossier: Dossier, number: int) -> None:
    its, page = tap.view or {}, _drawn(dossier, number)
    await front.redraw(its, page.view)
    await _read(front, tap, dossier, page)


def _drawn(dossier: Dossier, number: int) -> Page:
    """Where no card was before the reader, it is this page that its buttons say was seen."""
    view = details(dossier, number)
    rendering_id = fingerprint(view)
    if dossier.rendering_id is None:
        view = details(replace(dossier, rendering_id=rendering_id), number)
    return Page(number, view, rendering_id)


async def may_not_read(
    front: Front, actor: Actor, dossier: Dossier | None, package_id: str, *, from_card: bool = False
) -> Refusal | None:
    """Why this person may not see the package; the same for one that does not exist."""
    if dossier is None:
        return refuse(Reason.NOT_VISIBLE, package=package_id)
    trial = _command(dossier, f"slack:trial:{fresh_id()}:details", "-", 1, from_card=from_card)
    return (await front.store.carry_out(trial, actor, trial=True)).refusal


async def _read(front: Front, tap: Tap, dossier: Dossier, page: Page, *, from_card: bool = False) -> None:
    """What was read is kept like a card: exactly, before it counts."""
    store, state = front.store, dossier.state
    body = json.dumps(page.view, ensure_ascii=False)
    await store.keep_rendering(state.decision_package_id, page.rendering_id, body)
    command_id = f"slack:details:{fresh_id()}"
    command = _command(dossier, command_id, page.rendering_id, page.number, from_card=from_card)
    await store.carry_out(command, tap.actor)


def _command(dossier: Dossier, command_id: str, rendering_id: str, page: int, *, from_card: bool) -> OpenDetails:
    state = dossier.state
    return OpenDetails(
        command_id=command_id,
        decision_package_id=state.decision_package_id,
        expected_package_version=state.version,
        rendering_id=rendering_id,
        page=page,
        from_card=from_card,
        of=exact_pages(dossier),
    )
