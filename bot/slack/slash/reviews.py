"""`/reviews`: each word a small function from what was asked to what is answered, to the one who asked."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from blocks.card.rendering import render
from blocks.home import reviews
from blocks.home.queue import ROWS
from blocks.home.stats import stats
from blocks.kit.ids import Ref
from blocks.kit.message import Message
from blocks.words.refusals import private
from bot.slack.clicks import forms, reading
from bot.slack.context import origin
from bot.slack.context.front import Front
from bot.slack.context.tap import person
from bot.slack.home import home
from bot.slack.home.mine import mine_of, queue_of
from bot.slack.home.places import Start
from bot.slack.home.rows import rows_of
from rules.authority.authorization import identify
from rules.authority.visibility import may_see
from rules.people.directory import AgentStanding, Roster
from rules.policy.summary import summary
from rules.reasons import Reason, Refusal, refuse
from rules.state.commands import Assign
from rules.values import parse_duration
from scheduler.cards.admin_alerts import message_of
from store.agents import agent_admin
from store.agents.agent_admin import RegistryError
from store.outbox import troubles
from store.packages.queue import count_open
from store.packages.sampled import to_judge
from store.packages.statistics import stats as statistics

WEEK = timedelta(days=7)
DAY = timedelta(days=1)
_USER = re.compile(r"<@([UW][A-Z0-9]{1,20})(?:\|[^>]*)?>")
_DONE_BEFORE = "This command was already carried out. Nothing was done again."
_ID = re.compile(r"pkg_[0-9a-z_]{1,60}")


@dataclass(frozen=True, slots=True)
class Asked:
    """What was typed after `/reviews`, and by whom. `fresh` belongs to this one command alone."""

    user_id: str
    words: tuple[str, ...]
    fresh: str

    @property
    def first(self) -> str:
        return self.words[0] if self.words else ""

    @property
    def user(self) -> str | None:
        """The first person who is named."""
        return next((found[1] for word in self.words if (found := _USER.fullmatch(word))), None)


Word = Callable[[Front, Asked], Awaitable[Message]]


async def answered(front: Front, body: Mapping[str, Any]) -> Message:
    user_id = body["user_id"]
    word, *rest = (body.get("text") or "").split() or ["mine"]
    asked = Asked(user_id, tuple(rest), body["trigger_id"])
    roster = await front.store.read(front.store.house.roster)
    is_admin = user_id in roster.policy.admins
    if refusal := await origin.refusal_of(front, body, user_id) or _nobody_known(front, roster, user_id):
        return private(refusal.sentence)
    if handler := _WORDS.get(word.lower()):
        return await handler(front, asked)
    if handler := _OF_ADMINS.get(word.lower()):
        return await handler(front, asked) if is_admin else private(refuse(Reason.NOT_ADMIN).sentence)
    return reviews.unknown(word, is_admin=is_admin)


def _nobody_known(front: Front, roster: Roster, user_id: str) -> Refusal | None:
    """What waits for people is for the people of this workspace."""
    known = identify(roster, user_id, front.store.clock())
    return known if isinstance(known, Refusal) else None


async def _queue(front: Front, asked: Asked) -> Message:
    house = front.store.house

    def read(connection: Connection) -> Message:
        roster = house.roster(connection)
        seen = queue_of(connection, house.tenant_id, roster, asked.user_id, front.store.clock(), limit=ROWS)
        rows = rows_of(connection, seen.states, roster, asked.user_id)
        waiting = reviews.queue(rows, seen.more, searched=seen.searched)
        if asked.user_id not in roster.policy.admins:
            return waiting
        known = troubles.known(connection, house.tenant_id)
        return reviews.with_troubles(waiting, [message_of(its) for its in known])

    return await front.store.read(read)


async def _mine(front: Front, asked: Asked) -> Message:
    house, now = front.store.house, front.store.clock()

    def read(connection: Connection) -> Message:
        roster = house.roster(connection)
        if not roster.roles_of(asked.user_id):
            return reviews.no_role(is_admin=asked.user_id in roster.policy.admins)
        page = mine_of(connection, house.tenant_id, roster, asked.user_id, now, start=Start(), limit=ROWS)
        in_all = count_open(connection, house.tenant_id)
        return reviews.mine(rows_of(connection, page.states, roster, asked.user_id), waiting=in_all)

    return await front.store.read(read)


async def _show(front: Front, asked: Asked) -> Message:
    """The card itself: what can be done on it can be done from here."""
    dossier = await front.dossier(Ref(asked.first, 1, 0)) if _ID.fullmatch(asked.first) else None
    refusal = await reading.may_not_read(front, person(asked.user_id), dossier, asked.first)
    if dossier is None or (refusal and refusal.reason is Reason.NOT_VISIBLE):
        return _no_such(asked, "show")
    if refusal:
        return private(refusal.sentence)
    drawn = render(dossier)
    await front.store.keep_rendering(dossier.state.decision_package_id, drawn.rendering_id, drawn.body)
    return Message(drawn.text, drawn.blocks)


async def _stats(front: Front, asked: Asked) -> Message:
    now, written = front.store.clock(), " ".join(asked.words)
    try:
        since = now - (parse_duration(written) if written else WEEK)
    except (ValueError, OverflowError):
        since = now
    if since == now:
        return private(f"“{written}” is no period to look back on: write 7d, 36h or 90m.")
    return stats(await front.store.read(lambda connection: statistics(connection, since, now)))


async def _sampled(front: Front, asked: Asked) -> Message:
    house = front.store.house

    def read(connection: Connection) -> Message:
        roster, now = house.roster(connection), front.store.clock()
        every = to_judge(connection, house.tenant_id)
        found = [state for state in every if may_see(roster, state, asked.user_id, now)]
        rows = rows_of(connection, found[:ROWS], roster, asked.user_id)
        return reviews.sampled(rows, len(found) - len(rows))

    return await front.store.read(read)


async def _away(front: Front, asked: Asked) -> Message:
    """Until a date, a time or for so long; without any, for a day."""
    written, now = await _when(front, asked), front.store.clock()
    try:
        until = _until(written, now) if written else now + DAY
    except (ValueError, OverflowError):
        told = f"“{written}” is no time: write 3d, 2026-12-24 or 2026-12-24T17:00."
        return private(f"{told} Who stands in for you is picked from the list that Slack shows after an @.")
    if wrong := await forms.away(front, asked.user_id, until, asked.user, asked.fresh):
        return private(wrong.sentence)
    front.errands.send("home", home.publish(front, asked.user_id))
    instead = f"; <@{asked.user}> stands in for you" if asked.user else ""
    return reviews.done(f"You are away until {until.isoformat(timespec='minutes')}{instead}. `/reviews back` ends it.")


async def _when(front: Front, asked: Asked) -> str:
    """What is no person: Slack makes a mention of the first word of a name at times, and leaves the others."""
    roster = await front.store.read(front.store.house.roster)
    name = roster.names.get(asked.user, "").casefold().split() if asked.user else []
    return " ".join(word for word in asked.words if not _USER.fullmatch(word) and word.casefold() not in name)


def _until(written: str, now: datetime) -> datetime:
    """A date or a time without a zone is in UTC: Slack does not tell us the reader's."""
    try:
        period: timedelta = parse_duration(written)
    except ValueError:
        at = datetime.fromisoformat(written)
        return at if at.tzinfo else at.replace(tzinfo=UTC)
    return now + period


async def _back(front: Front, asked: Asked) -> Message:
    await home.come_back(front, asked.user_id, asked.fresh)
    front.errands.send("home", home.publish(front, asked.user_id))
    return reviews.done("You are here.")


async def _help(front: Front, asked: Asked) -> Message:
    return reviews.help(is_admin=asked.user_id in front.store.house.policy.admins)


async def _assign(front: Front, asked: Asked) -> Message:
    if not _ID.fullmatch(asked.first) or asked.user is None:
        return private("Write it as: /reviews assign ID @user.")
    command = Assign(command_id=f"slack:assign:{asked.fresh}", decision_package_id=asked.first, assignee=asked.user)
    outcome = await front.store.carry_out(command, person(asked.user_id))
    if outcome.refusal:
        return private(outcome.refusal.sentence)
    return reviews.done(f"{asked.first} is now with <@{asked.user}>.")


async def _audit(front: Front, asked: Asked) -> Message:
    dossier = await front.dossier(Ref(asked.first, 1, 0)) if _ID.fullmatch(asked.first) else None
    return reviews.audit(dossier) if dossier else _no_such(asked, "audit")


async def _policy(front: Front, _: Asked) -> Message:
    return reviews.policy(summary(front.store.house.policy).splitlines())


async def _pause(front: Front, asked: Asked) -> Message:
    return await _stood(front, asked, "pause", AgentStanding.PAUSED, "is paused: nothing new is taken from it")


async def _resume(front: Front, asked: Asked) -> Message:
    return await _stood(front, asked, "resume", AgentStanding.ACTIVE, "goes on")


async def _stood(front: Front, asked: Asked, word: str, standing: AgentStanding, what: str) -> Message:
    name, now = " ".join(asked.words), front.store.clock()
    if not name:
        return private(f"Which one? Write it as: /reviews {word} AGENT.")
    try:
        done = await front.store.write_once(
            asked.fresh, lambda connection: agent_admin.set_standing(connection, name, standing, now, by=asked.user_id)
        )
    except RegistryError as fault:
        return private(f"{fault}.")
    return reviews.done(f"The agent {name} {what}." if done else _DONE_BEFORE)


def _no_such(asked: Asked, word: str) -> Message:
    if asked.first:
        return private(refuse(Reason.NOT_VISIBLE, package=asked.first).sentence)
    return private(f"Which one? Write it as: /reviews {word} ID.")


_WORDS: Mapping[str, Word] = {
    "queue": _queue,
    "mine": _mine,
    "show": _show,
    "stats": _stats,
    "sampled": _sampled,
    "away": _away,
    "back": _back,
    "help": _help,
}
_OF_ADMINS: Mapping[str, Word] = {
    "assign": _assign,
    "audit": _audit,
    "policy": _policy,
    "pause": _pause,
    "resume": _resume,
}
