"""Slack's events are applied in the order in which they happened, whichever replica receives them and when."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from datetime import datetime
from itertools import permutations
from typing import Any

import pytest

from rules.people.directory import Person
from store.installation import directory
from store.installation.directory_events import EventTime, apply_group, apply_group_change, apply_person
from tests.rules.world import MINUTE, NOW, RITA, SENTA, SVEN, people, person
from tests.store.world import World, replica

GROUP = "SGROUP"
READ = NOW - MINUTE


def at(minutes: float, event_id: str = "") -> EventTime:
    return EventTime(NOW + minutes * MINUTE, event_id or f"Ev{minutes}")


async def apply_change(world: World, event_time: EventTime, **changes: Any) -> bool:
    return await world.write(lambda connection: apply_person(connection, person(SENTA, **changes), event_time))


async def change_group(
    world: World, event_time: EventTime, added: Collection[str] = (), removed: Collection[str] = ()
) -> bool:
    return await world.write(lambda connection: apply_group_change(connection, GROUP, added, removed, event_time))


async def list_group(world: World, event_time: EventTime, *users: str) -> bool:
    return await world.write(lambda connection: apply_group(connection, GROUP, users, event_time))


async def read_directory(world: World, read_at: datetime = READ, *members: str) -> None:
    groups = {GROUP: members}
    await world.write(
        lambda connection: directory.replace_directory(connection, people().values(), groups, NOW, read_at)
    )


async def senta(world: World) -> Person:
    roster = await world.read(world.store.installation.roster)
    known = roster.person(SENTA)
    assert known is not None
    return known


async def members(world: World) -> set[str]:
    roster = await world.read(world.store.installation.roster)
    return set(roster.directory.groups.get(GROUP, ()))


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_the_newest_event_about_a_person_wins_in_any_order_of_arrival(
    world: World, order: tuple[int, ...]
) -> None:
    await read_directory(world)
    events: list[dict[str, Any]] = [{"name": "Senta K."}, {"is_guest": True}, {"active": False, "name": "Gone"}]
    async with replica(world) as other:
        for turn, number in enumerate(order):
            assert await apply_change((world, other)[turn % 2], at(number), **events[number])
        assert await senta(other) == await senta(world) == person(SENTA, **events[2])


async def test_a_repeated_event_changes_nothing_and_needs_no_reading(world: World) -> None:
    await read_directory(world)
    assert await apply_change(world, at(0), active=False)
    assert await apply_change(world, at(1), name="Back")
    assert await apply_change(world, at(0), active=False)
    assert await apply_change(world, at(1), name="Back")
    assert await senta(world) == person(SENTA, name="Back")


@pytest.mark.parametrize("last", [0, 1])
async def test_the_event_that_removes_authority_wins_over_a_simultaneous_one_until_the_next_reading(
    world: World, last: int
) -> None:
    await read_directory(world)
    events: list[tuple[EventTime, dict[str, Any]]] = [
        (at(0, "EvA"), {"active": False}),
        (at(0, "EvB"), {"name": "Back"}),
    ]
    ordered = events if last else events[::-1]
    certain = [await apply_change(world, event_time, **changes) for event_time, changes in ordered]
    assert (certain, (await senta(world)).active) == ([True, False], False)


async def test_an_event_before_the_reading_only_removes_authority(world: World) -> None:
    await read_directory(world, NOW)
    assert await apply_change(world, at(-1, "EvA")) is True  # it says what is known
    assert await apply_change(world, at(-1, "EvB"), active=False) is False
    assert await apply_change(world, at(-1, "EvC")) is False
    assert (await senta(world)).active is False
    assert await apply_change(world, at(1))
    assert (await senta(world)).active is True


async def test_an_event_before_the_reading_adds_no_person(world: World) -> None:
    await read_directory(world, NOW)
    stranger = person("UNEW")
    assert await world.write(lambda connection: apply_person(connection, stranger, at(-1))) is False
    roster = await world.read(world.store.installation.roster)
    assert roster.person("UNEW") is None


@pytest.mark.parametrize("order", list(permutations(range(4))))
async def test_the_newest_event_about_each_group_member_wins_in_any_order_of_arrival(
    world: World, order: tuple[int, ...]
) -> None:
    await read_directory(world, READ, SENTA)

    async def hear(where: World, number: int) -> bool:
        match number:
            case 0:
                return await change_group(where, at(0), added=[SVEN, RITA])
            case 1:
                return await list_group(where, at(1), RITA, SVEN)
            case 2:
                return await change_group(where, at(2), removed=[SVEN])
            case _:
                return await change_group(where, at(3), added=[SENTA])

    async with replica(world) as other:
        for turn, number in enumerate(order):
            assert await hear((world, other)[turn % 2], number)
        assert await members(other) == await members(world) == {RITA, SENTA}


async def test_a_late_addition_does_not_restore_a_member_missing_in_a_newer_list(world: World) -> None:
    await read_directory(world)
    assert await list_group(world, at(1), RITA)
    assert await change_group(world, at(0), added=[SENTA])
    assert await members(world) == {RITA}


async def test_a_group_event_before_the_reading_removes_members_and_never_adds_any(world: World) -> None:
    await read_directory(world, NOW, SENTA, SVEN)
    assert await change_group(world, at(-1), added=[RITA], removed=[SENTA]) is False
    assert await members(world) == {SVEN}
    assert await list_group(world, at(-1), RITA) is False
    assert await members(world) == set()


async def test_a_full_reading_replaces_earlier_events(world: World) -> None:
    await read_directory(world)
    await change_group(world, at(0), removed=[SENTA])
    await apply_change(world, at(0), active=False)
    await read_directory(world, at(1).at, SENTA)
    assert (await senta(world), await members(world)) == (person(SENTA), {SENTA})


async def test_replicas_that_receive_two_events_at_once_keep_the_newer_one(world: World) -> None:
    await read_directory(world)
    async with replica(world) as other:
        changes_of = ((world, at(0), {"name": "Older"}), (other, at(1), {"active": False}))
        await asyncio.gather(
            *(apply_change(where, event_time, **changes) for where, event_time, changes in changes_of * 4)
        )
        assert (await senta(world)).active is (await senta(other)).active is False
