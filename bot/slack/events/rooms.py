"""What Slack tells of channels: where nothing can be shown any more, people are asked elsewhere at once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Connection

from bot.slack.context.front import Front
from scheduler.cards.delivery import AGAIN_AFTER
from store.outbox import cards, diverted, troubles

log = structlog.get_logger()

# What each of them means, in the word that a call would be refused with.
SHUT: Mapping[str, str] = {
    "channel_archive": "is_archived",
    "group_archive": "is_archived",
    "channel_deleted": "channel_not_found",
    "group_deleted": "channel_not_found",
    "channel_left": "not_in_channel",
    "group_left": "not_in_channel",
}
OPENED = frozenset(["channel_unarchive", "group_unarchive"])
MOVED = "channel_id_changed"
ALL = SHUT.keys() | OPENED | {MOVED, "member_left_channel", "member_joined_channel"}


async def changed(front: Front, event: Mapping[str, Any]) -> None:
    match event["type"]:
        case kind if kind in SHUT:
            await _shut(front, event["channel"], SHUT[kind])
        case kind if kind in OPENED:
            await _opened(front, event["channel"])
        case "member_left_channel" if await _is_us(front, event["user"]):
            await _shut(front, event["channel"], "not_in_channel")
        case "member_joined_channel" if await _is_us(front, event["user"]):
            await _opened(front, event["channel"])
        case "channel_id_changed":
            await _renumbered(front, event["old_channel_id"], event["new_channel_id"])
        case _:
            await _somebody_came_or_went(front, event["channel"])


async def _somebody_came_or_went(front: Front, channel: str) -> None:
    """Read at once: who leaves and comes back between two readings must not keep the time before."""
    tenant_id = front.store.house.tenant_id
    if await front.store.write(lambda connection: cards.prove_anew(connection, tenant_id, channel)):
        front.look()


async def _is_us(front: Front, user: str) -> bool:
    return user == (await front.client.installed()).bot_user_id


async def _shut(front: Front, channel: str, error: str) -> None:
    await front.store.write(lambda connection: _shut_here(connection, front, channel, error))
    front.look()


def _shut_here(connection: Connection, front: Front, channel: str, error: str) -> None:
    """Most channels of a workspace are none of ours: neither named by the policy, nor is anything asked there."""
    house = front.store.house
    moved = cards.bring_anew(connection, house.tenant_id, channel)
    if moved or channel in cards.channels_of(house.policy):
        log.warning("slack.channel_shut", channel=channel, error=error, cards=moved)
        _keep(connection, house.tenant_id, channel, error)


def _keep(connection: Connection, tenant_id: str, channel: str, error: str) -> None:
    """Should Slack not be heard saying that it is open again, it is tried again after a while."""
    now = datetime.now(UTC)
    troubles.keep(
        connection, tenant_id, channel, error=error, now=now, closed_until=now + timedelta(seconds=AGAIN_AFTER)
    )


async def _opened(front: Front, channel: str) -> None:
    """What was asked elsewhere meanwhile and still waits is shown here now."""
    tenant_id = front.store.house.tenant_id

    def open_again(connection: Connection) -> None:
        troubles.over(connection, tenant_id, channel, now=datetime.now(UTC))
        diverted.wake(connection, tenant_id, channel)

    await front.store.write(open_again)
    front.look()


async def _renumbered(front: Front, old: str, new: str) -> None:
    """What lies there is reached by the new id; but the policy names the old one, which Slack no longer knows."""
    house = front.store.house

    def renumber(connection: Connection) -> None:
        cards.renumber(connection, house.tenant_id, old, new)
        if old in cards.channels_of(house.policy):
            _keep(connection, house.tenant_id, old, MOVED)

    await front.store.write(renumber)
