"""Events about channels. If a channel can no longer show cards, reviewers are asked elsewhere at once.

`CLOSING` gives an event the same error that a refused post has, so both are one trouble (`store.outbox.troubles`), and
delivery looks for another place. `bot.slack.app` registers the handler for `ALL`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Connection

from bot.slack.context.listener_context import ListenerContext
from scheduler.cards.delivery import RETRY_AFTER
from store.outbox import cards, refused_places, troubles

log = structlog.get_logger()

# After each event, Slack refuses calls to the channel with this error.
CLOSING: Mapping[str, str] = {
    "channel_archive": "is_archived",
    "group_archive": "is_archived",
    "channel_deleted": "channel_not_found",
    "group_deleted": "channel_not_found",
    "channel_left": "not_in_channel",
    "group_left": "not_in_channel",
}
REOPENING = frozenset(["channel_unarchive", "group_unarchive"])
RENUMBERED = "channel_id_changed"
ALL = CLOSING.keys() | REOPENING | {RENUMBERED, "member_left_channel", "member_joined_channel"}


async def channel_changed(context: ListenerContext, event: Mapping[str, Any]) -> None:
    """Handle an event of `ALL`: cards stop going to the channel, go there again, or its members are read again."""
    match event["type"]:
        case kind if kind in CLOSING:
            await _close(context, event["channel"], CLOSING[kind])
        case kind if kind in REOPENING:
            await _reopen(context, event["channel"])
        case "member_left_channel" if await _is_us(context, event["user"]):
            await _close(context, event["channel"], "not_in_channel")
        case "member_joined_channel" if await _is_us(context, event["user"]):
            await _reopen(context, event["channel"])
        case kind if kind == RENUMBERED:
            await _renumber(context, event["old_channel_id"], event["new_channel_id"])
        case _:
            await _membership_changed(context, event["channel"])


async def _membership_changed(context: ListenerContext, channel: str) -> None:
    """Check who sees the cards at once: time in which someone had left must not count as seen."""
    tenant_id = context.store.installation.tenant_id
    if await context.store.write(lambda connection: cards.recheck_channel_viewers(connection, tenant_id, channel)):
        context.wake_delivery()


async def _is_us(context: ListenerContext, user: str) -> bool:
    return user == (await context.client.installation()).bot_user_id


async def _close(context: ListenerContext, channel: str, error: str) -> None:
    await context.store.write(lambda connection: _mark_closed(connection, context, channel, error))
    context.wake_delivery()


def _mark_closed(connection: Connection, context: ListenerContext, channel: str, error: str) -> None:
    """Most channels are irrelevant: the policy does not name them and they hold no cards."""
    installation = context.store.installation
    moved = cards.redeliver_channel(connection, installation.tenant_id, channel)
    if moved or channel in installation.policy.channel_ids:
        log.warning("slack.channel_closed", channel=channel, error=error, cards=moved)
        _keep_trouble(connection, installation.tenant_id, channel, error)


def _keep_trouble(connection: Connection, tenant_id: str, channel: str, error: str) -> None:
    """The channel is tried again after a while, in case Slack's event about its reopening is lost."""
    now = datetime.now(UTC)
    troubles.record_trouble(
        connection, tenant_id, channel, error=error, now=now, closed_until=now + timedelta(seconds=RETRY_AFTER)
    )


async def _reopen(context: ListenerContext, channel: str) -> None:
    """Show here again the packages that were shown elsewhere meanwhile and still wait."""
    tenant_id = context.store.installation.tenant_id

    def mark_open(connection: Connection) -> None:
        troubles.end_troubles(connection, tenant_id, channel, now=datetime.now(UTC))
        refused_places.wake_channel(connection, tenant_id, channel)

    await context.store.write(mark_open)
    context.wake_delivery()


async def _renumber(context: ListenerContext, old: str, new: str) -> None:
    """Cards are reachable under the new id; but the policy names the old id, which Slack no longer knows."""
    installation = context.store.installation

    def renumber(connection: Connection) -> None:
        cards.move_channel(connection, installation.tenant_id, old, new)
        if old in installation.policy.channel_ids:
            _keep_trouble(connection, installation.tenant_id, old, RENUMBERED)

    await context.store.write(renumber)
