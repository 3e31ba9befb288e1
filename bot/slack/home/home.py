"""App Home: published when someone opens it, and again after their own actions.

It shows no live data: a change by someone else appears when Home is opened again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Self

from sqlalchemy import Connection

from blocks.forms.forms import away_form
from blocks.home.filter import filter_form, filter_of
from blocks.home.home import HomeData, RowPage, home_view
from blocks.home.mirror import mirror_view
from blocks.home.queue import ROWS
from blocks.kit.ids import ActionId
from bot.slack.context.listener_context import ListenerContext
from bot.slack.context.tap import Tap
from bot.slack.home.mine import mine_of
from bot.slack.home.places import FIRST, format_start, parse_start
from bot.slack.home.rows import Viewer, decided_rows, rows_of
from rules.authority.visibility import may_see
from rules.search import EVERYTHING, Search
from store.installation import directory
from store.mail.preferences import set_takeovers_only, wants_takeovers_only
from store.mail.sending import are_mails_sent
from store.oversight.looks import list_looks
from store.oversight.mirror import load_mirror
from store.oversight.outcomes import count_all
from store.packages.queue import count_open, list_decisions_by


@dataclass(frozen=True, slots=True)
class OpenPages:
    """Which page of each list is shown, and what the first list is filtered by."""

    mine: str = FIRST
    decided: str = FIRST
    search: Search = EVERYTHING

    @classmethod
    def first_of(cls, view: Mapping[str, Any] | None) -> Self:
        """The first pages, filtered as in Home or as in the Home from which this modal was opened."""
        return cls(search=filter_of(view))


async def turn_list(context: ListenerContext, tap: Tap) -> None:
    page = {"mine": tap.value} if tap.action_id == ActionId.HOME_MINE else {"decided": tap.value}
    await publish(context, tap.user_id, OpenPages(**page, search=filter_of(tap.view)))


async def open_filter(context: ListenerContext, tap: Tap) -> None:
    await context.open(tap, filter_form(filter_of(tap.view)))


async def clear_filter(context: ListenerContext, tap: Tap) -> None:
    await publish(context, tap.user_id, OpenPages())


async def open_mirror(context: ListenerContext, tap: Tap) -> None:
    """For the person who taps, and for nobody else: the button names nobody."""
    store, now = context.store, context.store.clock()
    await count_all(store.database)
    mirror = await store.read(
        lambda connection: load_mirror(connection, store.installation.tenant_id, tap.user_id, now)
    )
    await context.open(tap, mirror_view(mirror))


async def open_away_form(context: ListenerContext, tap: Tap) -> None:
    await context.open(tap, away_form())


async def handle_back(context: ListenerContext, tap: Tap) -> None:
    await end_absence(context, tap.user_id, tap.trigger_id)
    context.background.start("home", publish(context, tap.user_id, OpenPages.first_of(tap.view)))


async def end_absence(context: ListenerContext, user_id: str, request_id: str) -> None:
    now = context.store.clock()
    await context.store.write_once(request_id, lambda connection: directory.end_absence(connection, user_id, now))


async def choose_mails(context: ListenerContext, tap: Tap) -> None:
    """The checkbox is ticked if the person wants all mails."""
    now, only = context.store.clock(), not tap.value
    await context.store.write_once(
        tap.trigger_id, lambda connection: set_takeovers_only(connection, tap.user_id, now, only=only)
    )
    context.background.start("home", publish(context, tap.user_id, OpenPages.first_of(tap.view)))


async def publish(context: ListenerContext, user_id: str, pages: OpenPages, warning: str | None = None) -> None:
    """Publish Home for one person. `warning`: a sentence that could not be shown in any other way."""
    content = await context.store.read(lambda connection: _load_home(connection, context, user_id, pages))
    view = home_view(replace(content, notice=warning))
    await context.call_in_time(context.web.views_publish(user_id=user_id, view=view))


def _load_home(connection: Connection, context: ListenerContext, user_id: str, pages: OpenPages) -> HomeData:
    installation, now = context.store.installation, context.store.clock()
    roster = installation.roster(connection)
    viewer = Viewer(user_id, roster, context.client, now)
    person = roster.person(user_id)
    away = person if person and person.is_away(now) else None
    delegate = away.delegate if away else None
    waiting = _waiting_list(connection, installation.tenant_id, viewer, pages)
    return HomeData(
        name=person.name if person else user_id,
        to_decide=waiting,
        own_count=len(waiting.rows) if waiting.is_whole else None,
        looks=rows_of(connection, list_looks(connection, installation.tenant_id, user_id), viewer),
        decided=_decided_list(connection, installation.tenant_id, viewer, pages.decided),
        search=pages.search,
        waiting=count_open(connection, installation.tenant_id),
        away_until=away.away_until if away else None,
        delegate=roster.names.get(delegate, delegate) if delegate else None,
        all_mails=_all_mails(connection, installation.tenant_id, user_id, now),
        is_reviewer=bool(roster.roles_of(user_id)),
        is_admin=user_id in roster.policy.admins,
        posture=() if roster.policy.soft.enabled else ("Soft approvals are off: silence never counts as consent.",),
    )


def _all_mails(connection: Connection, tenant_id: str, user_id: str, now: datetime) -> bool | None:
    """Whether the person wants all mails; None if this installation sends none."""
    if not are_mails_sent(connection, now):
        return None
    return not wants_takeovers_only(connection, tenant_id, user_id)


def _waiting_list(connection: Connection, tenant_id: str, viewer: Viewer, pages: OpenPages) -> RowPage:
    start = parse_start(pages.mine)
    page = mine_of(connection, tenant_id, viewer, start=start, limit=ROWS, search=pages.search)
    return RowPage(
        rows=rows_of(connection, page.states, viewer),
        following=format_start(page.following) if page.following else None,
        previous=None if pages.mine == FIRST else FIRST,
    )


def _decided_list(connection: Connection, tenant_id: str, viewer: Viewer, start: str) -> RowPage:
    """Packages that this person may no longer see are left out, so a page can be shorter."""
    after = _parse_decided_place(start)
    decisions = list_decisions_by(connection, tenant_id, viewer.user_id, limit=ROWS + 1, after=after)
    shown = decisions[:ROWS]
    following = f"{shown[-1].at.isoformat()} {shown[-1].event_id}" if len(decisions) > ROWS else None
    seen = [entry for entry in shown if may_see(viewer.roster, entry.package, viewer.user_id, viewer.now)]
    rows = decided_rows(connection, seen, viewer)
    return RowPage(rows=rows, following=following, previous=None if start == FIRST else FIRST)


def _parse_decided_place(text: str) -> tuple[datetime, str] | None:
    moment, _, event_id = text.partition(" ")
    try:
        at = datetime.fromisoformat(moment)
    except ValueError:
        return None
    return (at, event_id) if at.tzinfo else None
