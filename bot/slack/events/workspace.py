"""Events about people, groups and the app itself.

Changes to people and groups are saved at once, so that a removed reviewer cannot click meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.slack.context.listener_context import ListenerContext
from bot.slack.outgoing.people import person_of
from scheduler.cards.troubles import begin_trouble
from store.engine.workers import Operation
from store.installation import directory_events
from store.installation.directory_events import EventTime
from store.outbox import troubles

PEOPLE = ("user_change", "team_join")
GROUPS = ("subteam_created", "subteam_updated")
MEMBERS = "subteam_members_changed"
APP = ("app_uninstalled", "tokens_revoked")


def stamp_of(body: Mapping[str, Any]) -> EventTime:
    """When an event happened. `event_ts` is more exact, but counts only within the second of `event_time`."""
    second = datetime.fromtimestamp(body["event_time"], UTC)
    exact = datetime.fromtimestamp(float(body["event"].get("event_ts") or 0), UTC)
    at = exact if second <= exact < second + timedelta(seconds=1) else second
    return EventTime(at, body["event_id"])


async def person_changed(context: ListenerContext, event: Mapping[str, Any], stamp: EventTime) -> None:
    ours = await context.client.installation()
    person = person_of(event["user"], ours.team_id, ours.enterprise_id)
    await _learn(context, lambda connection: directory_events.apply_person(connection, person, stamp))


async def group_changed(context: ListenerContext, event: Mapping[str, Any], stamp: EventTime) -> None:
    """A disabled group counts as empty."""
    group = event["subteam"]
    users = [] if group.get("date_delete") else group.get("users")
    if users is not None and await _is_named(context, group["id"]):
        await _learn(context, lambda connection: directory_events.apply_group(connection, group["id"], users, stamp))


async def members_changed(context: ListenerContext, event: Mapping[str, Any], stamp: EventTime) -> None:
    group, added, removed = event["subteam_id"], event.get("added_users") or (), event.get("removed_users") or ()
    if await _is_named(context, group):
        await _learn(
            context, lambda connection: directory_events.apply_group_change(connection, group, added, removed, stamp)
        )


async def app_gone(context: ListenerContext, event: Mapping[str, Any]) -> None:
    """The app may be back if the event is late: the next heartbeat shows. Tokens of people do not matter."""
    if event["type"] == "tokens_revoked" and not (event.get("tokens") or {}).get("bot"):
        return
    await begin_trouble(context.store, troubles.APP, event["type"])


async def _learn(context: ListenerContext, learn: Operation[bool]) -> None:
    """If the order of two events is unclear, the directory is read again."""
    if not await context.store.write(learn):
        context.reread_directory()


async def _is_named(context: ListenerContext, group: str) -> bool:
    """Only groups that the policy names are saved: no role depends on other groups."""
    roster = await context.store.read(context.store.installation.roster)
    return group in roster.policy.groups
