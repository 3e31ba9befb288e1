"""The slash command `/reviews`: one small function per subcommand. Only the caller sees the answer.

`_WORDS` and `_ADMIN_WORDS` name the handlers. A handler reads what the caller may see and returns a message that
`blocks.home.reviews` draws. `bot.slack.app` calls `handle_slash_command`; Slack gives up after three seconds.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Connection

from blocks.card.rendering import render
from blocks.home import reviews
from blocks.home.policy import policy
from blocks.home.queue import ROWS
from blocks.kit.ids import Ref
from blocks.kit.message import Message
from blocks.kit.text import unescape
from blocks.words.dossier import Dossier
from blocks.words.refusals import message_about, private_message
from bot.slack.clicks import forms, reading
from bot.slack.context import origin
from bot.slack.context.listener_context import ListenerContext
from bot.slack.context.tap import person
from bot.slack.home import home
from bot.slack.home.exceptions import exception_rows
from bot.slack.home.mine import mine_of, queue_of
from bot.slack.home.places import Start
from bot.slack.home.rows import Viewer, rows_of
from bot.slack.slash import threads
from bot.slack.slash.agents import pause_agent, resume_agent, show_agents
from bot.slack.slash.request import USER, Request
from bot.slack.slash.stats import show_stats
from rules.authority.authorization import identify
from rules.authority.visibility import may_see
from rules.people.directory import Roster
from rules.policy.summary import summary_sections
from rules.reasons import Reason, Refusal, refuse
from rules.search import MAX_LENGTH, Search
from rules.state.commands import Assign
from rules.values import parse_duration
from scheduler.cards.admin_alerts import alert_message
from store.outbox import troubles
from store.oversight.looks import list_looks
from store.packages.exceptions import list_exceptions
from store.packages.queue import count_open, list_unjudged

DAY = timedelta(days=1)
_ID = re.compile(r"pkg_[0-9a-z_]{1,60}")


Handler = Callable[[ListenerContext, Request], Awaitable[Message]]


async def handle_slash_command(context: ListenerContext, body: Mapping[str, Any]) -> Message:
    """Run the handler of the first word (default: `mine`), if the caller is known and may use it."""
    user_id = body["user_id"]
    word, *rest = unescape(body.get("text") or "").split() or ["mine"]
    request = Request(user_id, tuple(rest), body["trigger_id"])
    roster = await context.store.read(context.store.installation.roster)
    is_admin = user_id in roster.policy.admins
    if refusal := await origin.origin_refusal(context, body, user_id) or _unknown_person(context, roster, user_id):
        return private_message(refusal.sentence)
    if handler := _WORDS.get(word.lower()):
        return await handler(context, request)
    if handler := _ADMIN_WORDS.get(word.lower()):
        return await handler(context, request) if is_admin else private_message(refuse(Reason.NOT_ADMIN).sentence)
    return reviews.unknown_word(word, is_admin=is_admin)


def _unknown_person(context: ListenerContext, roster: Roster, user_id: str) -> Refusal | None:
    """Only people of this workspace may see the queue."""
    identity = identify(roster, user_id, context.store.clock())
    return identity if isinstance(identity, Refusal) else None


def _viewer(connection: Connection, context: ListenerContext, request: Request) -> Viewer:
    store = context.store
    return Viewer(request.user_id, store.installation.roster(connection), context.client, store.clock())


async def _queue(context: ListenerContext, request: Request) -> Message:
    installation = context.store.installation
    try:
        search = Search.of_words(request.words)
    except ValidationError:
        return private_message(f"That is too long to search for. Use at most {MAX_LENGTH} characters.")

    def read(connection: Connection) -> Message:
        viewer = _viewer(connection, context, request)
        visible = queue_of(connection, installation.tenant_id, viewer, limit=ROWS, search=search)
        rows = rows_of(connection, visible.states, viewer)
        waiting = reviews.queue(rows, visible.more, search=search, searched=visible.searched)
        if request.user_id not in viewer.roster.policy.admins:
            return waiting
        problems = troubles.current_troubles(connection, installation.tenant_id)
        return reviews.with_troubles(waiting, [alert_message(problem) for problem in problems])

    return await context.store.read(read)


async def _mine(context: ListenerContext, request: Request) -> Message:
    installation = context.store.installation

    def read(connection: Connection) -> Message:
        viewer = _viewer(connection, context, request)
        if not viewer.roster.roles_of(request.user_id):
            return reviews.no_role_message(is_admin=request.user_id in viewer.roster.policy.admins)
        page = mine_of(connection, installation.tenant_id, viewer, start=Start(), limit=ROWS)
        open_count = count_open(connection, installation.tenant_id)
        looks = list_looks(connection, installation.tenant_id, viewer.user_id)
        rows = rows_of(connection, [*looks, *page.states], viewer)
        return reviews.mine(rows, waiting=open_count, is_whole=page.following is None)

    return await context.store.read(read)


async def _dossier(context: ListenerContext, request: Request) -> Dossier | None:
    if not _ID.fullmatch(request.first):
        return None
    return await context.dossier(Ref(request.first, 1, 0), request.user_id)


async def _show(context: ListenerContext, request: Request) -> Message:
    """The card, with the buttons that the caller may use."""
    dossier = await _dossier(context, request)
    refusal = await reading.reading_refusal(context, person(request.user_id), dossier, request.first)
    if dossier is None or (refusal and refusal.reason is Reason.NOT_VISIBLE):
        return _not_found(request, "show")
    if refusal:
        return private_message(refusal.sentence)
    dossier = await reading.for_reader(context, request.user_id, dossier)
    card = render(dossier)
    await context.store.save_rendering(dossier.state.decision_package_id, card.rendering_id, card.body)
    return reviews.show(dossier, card)


async def _sampled(context: ListenerContext, request: Request) -> Message:
    installation = context.store.installation

    def read(connection: Connection) -> Message:
        viewer = _viewer(connection, context, request)
        own = list_looks(connection, installation.tenant_id, viewer.user_id)
        sample = list_unjudged(connection, installation.tenant_id)
        visible = [*own, *(one for one in sample if may_see(viewer.roster, one, viewer.user_id, viewer.now))]
        rows = rows_of(connection, visible[:ROWS], viewer)
        return reviews.sampled(rows, len(visible) - len(rows))

    return await context.store.read(read)


async def _exceptions(context: ListenerContext, request: Request) -> Message:
    installation = context.store.installation

    def read(connection: Connection) -> Message:
        viewer = _viewer(connection, context, request)
        listed = list_exceptions(connection, installation.tenant_id, viewer.now)
        visible = [entry for entry in listed if may_see(viewer.roster, entry.state, viewer.user_id, viewer.now)]
        entries = exception_rows(connection, visible[:ROWS], viewer)
        return reviews.exceptions(entries, len(visible) - len(entries))

    return await context.store.read(read)


async def _away(context: ListenerContext, request: Request) -> Message:
    """Away until a date or time, or for a period; for a day if neither is named."""
    text, now = await _time_words(context, request), context.store.clock()
    try:
        until = _until(text, now) if text else now + DAY
    except (ValueError, OverflowError):
        sentence = f"I don't understand “{text}”. Try 3d, 2026-12-24 or 2026-12-24T17:00."
        return private_message(f"{sentence} Pick your delegate from the list that Slack shows after an @.")
    if invalid := await forms.set_absence(context, request.user_id, until, request.user, request.request_id):
        return private_message(invalid.sentence)
    context.background.start("home", home.publish(context, request.user_id, home.OpenPages()))
    delegate = f"; <@{request.user}> stands in for you" if request.user else ""
    return private_message(
        f"You are away until {until.isoformat(timespec='minutes')}{delegate}. `/reviews back` ends it."
    )


async def _time_words(context: ListenerContext, request: Request) -> str:
    """The words that are not part of a mention: Slack may turn only the first word of a name into one."""
    roster = await context.store.read(context.store.installation.roster)
    name = roster.names.get(request.user, "").casefold().split() if request.user else []
    return " ".join(word for word in request.words if not USER.fullmatch(word) and word.casefold() not in name)


def _until(text: str, now: datetime) -> datetime:
    """Without a zone, a date or time is in UTC: a slash command does not carry the reader's zone."""
    try:
        period: timedelta = parse_duration(text)
    except ValueError:
        at = datetime.fromisoformat(text)
        return at if at.tzinfo else at.replace(tzinfo=UTC)
    return now + period


async def _back(context: ListenerContext, request: Request) -> Message:
    await home.end_absence(context, request.user_id, request.request_id)
    context.background.start("home", home.publish(context, request.user_id, home.OpenPages()))
    return private_message("You're marked as available.")


async def _help(context: ListenerContext, request: Request) -> Message:
    return reviews.help(is_admin=request.user_id in context.store.installation.policy.admins)


async def _assign(context: ListenerContext, request: Request) -> Message:
    if not _ID.fullmatch(request.first) or request.user is None:
        return private_message("Write it as: /reviews assign ID @user.")
    command = Assign(
        command_id=f"slack:assign:{request.request_id}", decision_package_id=request.first, assignee=request.user
    )
    outcome = await context.store.execute(command, person(request.user_id))
    if outcome.refusal:
        return private_message(outcome.refusal.sentence)
    dossier, sentence = await _dossier(context, request), f"This is now with <@{request.user}>."
    return message_about(sentence, dossier) if dossier else private_message(sentence)


async def _audit(context: ListenerContext, request: Request) -> Message:
    dossier = await _dossier(context, request)
    return reviews.audit(dossier) if dossier else _not_found(request, "audit")


async def _policy(context: ListenerContext, _: Request) -> Message:
    active = context.store.installation.policy
    return policy(summary_sections(active), active.slack_ids)


async def _resume(context: ListenerContext, request: Request) -> Message:
    """A thread or, for admins, an agent of this name: agents name threads, so only a held one hides an agent."""
    is_admin = request.user_id in context.store.installation.policy.admins
    if not is_admin or await threads.is_held(context, request):
        return await threads.open_resume(context, request)
    return await resume_agent(context, request)


def _not_found(request: Request, word: str) -> Message:
    if request.first:
        return private_message(refuse(Reason.NOT_VISIBLE, package=request.first).sentence)
    return private_message(f"Which one? Write it as: /reviews {word} ID.")


_WORDS: Mapping[str, Handler] = {
    "queue": _queue,
    "mine": _mine,
    "show": _show,
    "stats": show_stats,
    "sampled": _sampled,
    "exceptions": _exceptions,
    "away": _away,
    "back": _back,
    "agents": show_agents,
    "threads": threads.list_threads,
    "hold": threads.open_hold,
    "resume": _resume,
    "cancel": threads.open_cancel,
    "history": threads.show_thread,
    "help": _help,
}
_ADMIN_WORDS: Mapping[str, Handler] = {
    "assign": _assign,
    "audit": _audit,
    "policy": _policy,
    "pause": pause_agent,
}
