"""`/reviews stats`: the measures as a whole, or divided for people who may see them divided that way."""

from __future__ import annotations

from datetime import datetime, timedelta

from blocks.home.stats import stats
from blocks.kit.message import Message
from blocks.words.refusals import private_message
from bot.slack.context.listener_context import ListenerContext
from bot.slack.slash.request import Request
from rules.authority.visibility import sees_all
from rules.oversight.statistics import NAMES_ARE_OFF, Grouping
from rules.reasons import Reason, refuse
from rules.values import parse_duration
from rules.wording import either_of
from store.oversight.names import record_names_read
from store.oversight.outcomes import count_all
from store.oversight.statistics import load_statistics

WEEK = timedelta(days=7)


async def show_stats(context: ListenerContext, request: Request) -> Message:
    """Parse `[PERIOD] [by WHAT]`, check who may divide the numbers like that, and answer with the measures."""
    text, _, grouping = " ".join(request.words).partition("by ")
    now, by = context.store.clock(), _GROUPINGS.get(grouping.strip().lower())
    if grouping and by is None:
        return private_message(f"I can't divide by “{grouping}”. Try {either_of(f'by {word}' for word in Grouping)}.")
    try:
        since = now - (parse_duration(text.strip()) if text else WEEK)
    except (ValueError, OverflowError):
        since = now
    if since == now:
        return private_message(f"“{text.strip()}” is not a period. Try 7d, 36h or 90m.")
    if by is Grouping.REVIEWER:
        return await _by_reviewer(context, request.user_id, since, now)
    if by in _OF_SINGLE_PACKAGES and not sees_all(context.store.installation.policy, request.user_id):
        return private_message(f"Only people who see every package can divide the numbers by {by}. Ask an admin.")
    return await _measure(context, since, now, by)


async def _by_reviewer(context: ListenerContext, user_id: str, since: datetime, now: datetime) -> Message:
    """Only for admins: to see every package is not to see how a colleague works."""
    policy = context.store.installation.policy
    if user_id not in policy.admins:
        return private_message(refuse(Reason.NOT_ADMIN).sentence)
    may_read = await context.store.write(lambda connection: record_names_read(connection, policy, user_id, since, now))
    if not may_read:
        return private_message(NAMES_ARE_OFF)
    return await _measure(context, since, now, Grouping.REVIEWER)


async def _measure(context: ListenerContext, since: datetime, until: datetime, by: Grouping | None) -> Message:
    await count_all(context.store.database)
    return stats(await context.store.read(lambda connection: load_statistics(connection, since, until, by)))


_GROUPINGS = {grouping.value: grouping for grouping in Grouping}
# These can tell who decided what: an agent may have one package, and a role one person.
_OF_SINGLE_PACKAGES = (Grouping.AGENT, Grouping.TYPE, Grouping.ROLE)
