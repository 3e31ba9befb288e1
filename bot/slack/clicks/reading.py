"""Details: open the modal, turn its pages, and record which pages were read.

A page counts as read once Slack has accepted it. Its exact content is stored first, under an id that is derived from
the content.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import NamedTuple

from sqlalchemy import Connection

from blocks.card.rendering import fingerprint
from blocks.details.details import content_page_count, details_view, read_page
from blocks.home.filter import own_metadata
from blocks.kit.ids import FormId, Ref
from blocks.words.dossier import Dossier
from blocks.words.views import View
from bot.slack.context.listener_context import GONE, ListenerContext
from bot.slack.context.tap import Tap
from bot.slack.home import home
from bot.slack.home.links import links_to_cards
from rules.people.directory import Actor
from rules.reasons import Reason, Refusal, refuse
from rules.state.commands import OpenDetails, Verb
from rules.state.reading import with_page_read
from rules.state.sightings import Details
from rules.verbs.trials import Offer, offer_to
from store.installation.installation import fresh_id


class Page(NamedTuple):
    """A page of Details as it is shown. `rendering_id` is derived from its content."""

    number: int
    view: View
    rendering_id: str


async def open_details(context: ListenerContext, tap: Tap) -> None:
    """Open Details if the reader may see the package, and record that they opened it."""
    ref = Ref.read(tap.value)
    if ref is None:
        await context.tell(tap, GONE)
        return
    dossier = await context.dossier(ref, tap.user_id)
    from_card = dossier is not None and await context.is_on_card(tap, dossier.state)
    refusal = await reading_refusal(context, tap.actor, dossier, ref.package_id, from_card=from_card)
    if refusal:
        await context.refuse(tap, refusal, dossier)
    elif dossier:
        page = _render_page(await for_reader(context, tap.user_id, dossier, 1), 1)
        if await context.open(tap, page.view):
            await _record_reading(context, tap, dossier, page, from_card=from_card)


async def turn_page(context: ListenerContext, tap: Tap) -> None:
    """Show another page in place of the open one."""
    target = read_page(tap.value)
    if target is None or tap.view is None:
        await context.tell(tap, GONE)
        return
    number, ref = target
    dossier = await context.dossier(ref, tap.user_id)
    refusal = await reading_refusal(context, tap.actor, dossier, ref.package_id)
    if refusal:
        await context.refuse(tap, refusal, dossier)
    elif dossier:
        await _show_page(context, tap, dossier, number)


async def refresh(context: ListenerContext, tap: Tap, ref: Ref) -> None:
    """Show the open page again after an action in it. From then on, this new page is what the person has seen."""
    dossier = await context.dossier(ref._replace(rendering_id=None), tap.user_id)
    open_page = read_page(own_metadata(tap.view))
    if dossier and open_page and tap.view and tap.view.get("callback_id") == FormId.DETAILS:
        number, _ = open_page
        await _show_page(context, tap, dossier, number)


async def _show_page(context: ListenerContext, tap: Tap, dossier: Dossier, number: int) -> None:
    page = _render_page(await for_reader(context, tap.user_id, dossier, number), number)
    await context.redraw(tap.view or {}, page.view)
    await _record_reading(context, tap, dossier, page)


async def for_reader(context: ListenerContext, user_id: str, dossier: Dossier, page: int | None = None) -> Dossier:
    """Add what this person may do, and a link to a card that they see. If they open a `page`, it counts as read."""
    store, state = context.store, dossier.state
    pages = content_page_count(dossier)
    after = (
        with_page_read(state, Details(reviewer_id=user_id, version=state.version, page=page, of=pages))
        if page
        else state
    )

    def add(connection: Connection) -> Dossier:
        if dossier.look:
            return replace(dossier, offer=Offer((Verb.JUDGE,)))
        roster = store.installation.roster(connection)
        link = links_to_cards(connection, context.client, [state], user_id).get(state.decision_package_id)
        return replace(dossier, offer=offer_to(after, roster, user_id, store.clock()), card_link=link)

    return await store.read(add)


def _render_page(dossier: Dossier, number: int) -> Page:
    """If the reader came from no card, the page's own id is the rendering that its buttons refer to."""
    view = details_view(dossier, number)
    rendering_id = fingerprint(view)
    if dossier.rendering_id is None:
        view = details_view(replace(dossier, rendering_id=rendering_id), number)
    return Page(number, view, rendering_id)


async def reading_refusal(
    context: ListenerContext, actor: Actor, dossier: Dossier | None, package_id: str, *, from_card: bool = False
) -> Refusal | None:
    """Why this person may not see the package, or None. Without a dossier, always a refusal: as if it were hidden."""
    if dossier is None:
        return refuse(Reason.NOT_VISIBLE, package=package_id)
    trial = _details_command(dossier, f"slack:trial:{fresh_id()}:details", "-", 1, from_card=from_card)
    return (await context.store.execute(trial, actor, trial=True)).refusal


async def _record_reading(
    context: ListenerContext, tap: Tap, dossier: Dossier, page: Page, *, from_card: bool = False
) -> None:
    """Store the page exactly as shown before it counts as read, as is done for cards."""
    store, state = context.store, dossier.state
    body = json.dumps(page.view, ensure_ascii=False)
    await store.save_rendering(state.decision_package_id, page.rendering_id, body)
    command_id = f"slack:details:{fresh_id()}"
    command = _details_command(dossier, command_id, page.rendering_id, page.number, from_card=from_card)
    await store.execute(command, tap.actor)
    if tap.view and dossier.terms.details_first:  # Home may offer more once this is read
        context.background.start("home", home.publish(context, tap.user_id, home.OpenPages.first_of(tap.view)))


def _details_command(
    dossier: Dossier, command_id: str, rendering_id: str, page: int, *, from_card: bool
) -> OpenDetails:
    state = dossier.state
    return OpenDetails(
        command_id=command_id,
        decision_package_id=state.decision_package_id,
        expected_package_version=state.version,
        rendering_id=rendering_id,
        page=page,
        from_card=from_card,
        of=content_page_count(dossier),
    )
