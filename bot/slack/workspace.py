"""What Slack tells of people and groups by itself: learnt at once, so that who was removed cannot click meanwhile.

And of the app: whether it is there at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

from bot.slack.front import Front
from bot.slack.people import person_of
from scheduler.reconciler import GONE_FOR
from store import directory, troubles
from store.store import Store

PEOPLE = ("user_change", "team_join")
GROUPS = ("subteam_created", "subteam_updated")
MEMBERS = "subteam_members_changed"
APP = ("app_uninstalled", "tokens_revoked")


async def person_changed(front: Front, event: Mapping[str, Any]) -> None:
    its = await front.client.installed()
    person = person_of(event["user"], its.team_id, its.enterprise_id)
    await front.store.write(lambda connection: directory.learn_person(connection, person))


async def group_changed(front: Front, event: Mapping[str, Any]) -> None:
    """A group that was switched off has nobody in it."""
    group = event["subteam"]
    users = [] if group.get("date_delete") else group.get("users")
    if users is not None:
        await _learn(front, group["id"], users)


async def members_changed(front: Front, event: Mapping[str, Any]) -> None:
    group, added, removed = event["subteam_id"], event.get("added_users") or (), event.get("removed_users") or ()
    if _is_named(front, group):
        await front.store.write(lambda connection: directory.change_group(connection, group, added, removed))


async def app_gone(front: Front, event: Mapping[str, Any]) -> None:
    """Told late, it may be there again: the next heartbeat finds out. Tokens of people are none of ours."""
    if event["type"] == "tokens_revoked" and not (event.get("tokens") or {}).get("bot"):
        return
    await app_is_gone(front.store, event["type"])


async def app_is_gone(store: Store, error: str) -> None:
    tenant_id, now = store.house.tenant_id, datetime.now(UTC)
    kept = partial(troubles.keep, error=error, now=now, closed_until=now + GONE_FOR)
    await store.write(lambda connection: kept(connection, tenant_id, troubles.APP))


async def app_is_back(store: Store) -> None:
    tenant_id, now = store.house.tenant_id, datetime.now(UTC)
    if await store.read(lambda connection: troubles.closed(connection, tenant_id, troubles.APP, now)):
        await store.write(lambda connection: troubles.over(connection, tenant_id, troubles.APP))


async def _learn(front: Front, group: str, users: Any) -> None:
    if _is_named(front, group):
        await front.store.write(lambda connection: directory.learn_group(connection, group, sorted(users)))


def _is_named(front: Front, group: str) -> bool:
    """Only groups that the policy names are kept: nobody's role hangs on the others."""
    return any(group in role.groups for role in front.store.house.policy.roles.values())
