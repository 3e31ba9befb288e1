"""All replicas share the directory: several can renew it at once, and all see it with their next transaction."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from datetime import datetime

import pytest
from sqlalchemy import Connection, text

from rules.people.directory import Directory, Person
from rules.reasons import Reason
from rules.state.commands import Approve
from store.engine.workers import Operation
from store.installation import directory, installation
from tests.rules.world import DAY, HARD, NOW, SENTA, SVEN, ask, people, person
from tests.store.world import World, replica


async def known(world: World) -> dict[str, Person]:
    roster = await world.read(world.store.installation.roster)
    return dict(roster.directory.people)


def replace_directory(everybody: dict[str, Person], groups: dict[str, list[str]] | None = None) -> Operation[None]:
    return lambda connection: directory.replace_directory(connection, everybody.values(), groups or {}, NOW)


async def at_once(world: World, other: World, operation: Callable[[Connection], None]) -> None:
    await asyncio.gather(*(replica_world.write(operation) for replica_world in (world, other) for _ in range(4)))


async def test_the_directory_is_replaced_whole(world: World) -> None:
    await world.write(replace_directory({SENTA: person(SENTA)}, {"SGROUP": [SENTA, SENTA]}))
    roster = await world.read(world.store.installation.roster)
    assert dict(roster.directory.people) == {SENTA: person(SENTA)}
    assert roster.directory.groups == {"SGROUP": frozenset([SENTA])}
    assert roster.directory.as_of == NOW


async def test_replicas_that_renew_the_directory_at_once_do_not_disturb_each_other(world: World) -> None:
    async with replica(world) as other:
        await at_once(world, other, replace_directory(people(), {"SGROUP": [SENTA]}))
        assert await known(other) == people()


async def test_a_person_who_leaves_twice_at_once_is_away(world: World) -> None:
    until = NOW + DAY
    async with replica(world) as other:
        await at_once(world, other, lambda connection: directory.begin_absence(connection, SENTA, until, SVEN, NOW))
        gone = (await known(other))[SENTA]
    assert (gone.away_until, gone.delegate) == (until, SVEN)


async def test_a_person_who_returns_twice_at_once_is_back_with_one_event(world: World) -> None:
    await world.write(lambda connection: directory.begin_absence(connection, SENTA, NOW + DAY, None, NOW))
    async with replica(world) as other:
        await at_once(world, other, lambda connection: directory.end_absence(connection, SENTA, NOW))
    query = text("SELECT event_type FROM tenant_events WHERE actor = :senta ORDER BY sequence")
    event_types = await world.read(lambda connection: list(connection.execute(query, {"senta": SENTA}).scalars()))
    assert event_types == ["person.away", "person.back"]
    assert (await known(world))[SENTA] == person(SENTA)


async def test_absences_survive_a_renewal_of_the_directory(world: World) -> None:
    await world.write(lambda connection: directory.begin_absence(connection, SENTA, NOW + DAY, None, NOW))
    await world.write(replace_directory(people()))
    assert (await known(world))[SENTA].away_until == NOW + DAY


async def test_every_replica_sees_a_renewal_with_its_next_transaction(world: World) -> None:
    state = await world.submit(HARD)
    async with replica(world) as other:
        assert SENTA in await known(other)
        without = {who: person for who, person in people().items() if who != SENTA}
        await world.write(replace_directory(without))
        outcome = await other.do(ask(Approve, state), SENTA)
    assert outcome.refusal is not None
    assert outcome.refusal.reason is Reason.UNKNOWN_PERSON


async def test_a_directory_that_is_too_old_lets_nobody_decide(world: World) -> None:
    state = await world.submit(HARD)
    world.clock.passes(1000 * DAY + DAY)
    outcome = await world.do(ask(Approve, state), SENTA)
    assert outcome.refusal is not None
    assert outcome.refusal.reason is Reason.DIRECTORY_STALE


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_rolled_back_renewal_is_cached_by_nobody(world: World) -> None:
    def renewed_and_rolled_back(connection: Connection) -> None:
        replace_directory(people())(connection)
        world.store.installation.roster(connection)
        raise ValueError

    with pytest.raises(ValueError, match=r"^$"):
        await world.write(renewed_and_rolled_back)
    await world.write(replace_directory({SVEN: person(SVEN)}))
    assert await known(world) == {SVEN: person(SVEN)}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_directory_that_changed_is_not_read_in_the_loop(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    read = installation.load_directory
    threads: list[int] = []

    def load_and_note(connection: Connection, as_of: datetime | None) -> Directory:
        threads.append(threading.get_ident())
        return read(connection, as_of)

    state = await world.submit(HARD)
    await world.write(replace_directory(people()))
    monkeypatch.setattr(installation, "load_directory", load_and_note)
    await world.after(ask(Approve, state), SENTA)
    assert len(threads) == 1
    assert threading.get_ident() not in threads
