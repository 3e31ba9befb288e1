"""A person can turn off all mails but those about takeovers. Each change is an event."""

from __future__ import annotations

import asyncio
import json
from functools import partial
from typing import Any

from sqlalchemy import text

from store.mail import preferences
from store.mail.preferences import set_takeovers_only
from tests.rules.world import NOW, SENTA, SVEN
from tests.store.world import World, replica

ONLY, ALL = partial(set_takeovers_only, only=True, now=NOW), partial(set_takeovers_only, only=False, now=NOW)


async def wants_takeovers_only(world: World, user_id: str) -> bool:
    return await world.read(lambda connection: preferences.wants_takeovers_only(connection, world.tenant_id, user_id))


async def changes(world: World) -> list[tuple[str, Any]]:
    query = text("SELECT actor, body FROM tenant_events WHERE event_type = 'person.mails_changed' ORDER BY sequence")
    rows = await world.read(lambda connection: connection.execute(query).all())
    return [(row.actor, json.loads(row.body)["change"]["mails"]) for row in rows]


async def test_without_a_choice_a_person_gets_all_mails(world: World) -> None:
    assert not await wants_takeovers_only(world, SENTA)


async def test_a_person_turns_mails_off_and_on_again_for_themselves_alone(world: World) -> None:
    await world.write(lambda connection: ONLY(connection, SENTA))
    off = [await wants_takeovers_only(world, user) for user in (SENTA, SVEN)]
    await world.write(lambda connection: ALL(connection, SENTA))
    assert (off, await wants_takeovers_only(world, SENTA)) == ([True, False], False)
    assert await changes(world) == [(SENTA, "takeovers"), (SENTA, "all")]


async def test_the_same_choice_twice_is_one_event_also_at_the_same_time(world: World) -> None:
    await world.write(lambda connection: ALL(connection, SENTA))
    async with replica(world) as other:
        await asyncio.gather(*(one.write(lambda connection: ONLY(connection, SENTA)) for one in (world, other)))
    assert await changes(world) == [(SENTA, "takeovers")]
