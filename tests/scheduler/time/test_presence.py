"""With several processes, silence counts only while each of them could have executed a click."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import pytest
from sqlalchemy import Connection

from rules.scales import HITLLevel
from rules.state.model import PackageState, Status
from scheduler.time.click_transport import Proof
from scheduler.time.clicks import UnsettledClicks
from scheduler.time.heartbeat import Heartbeat
from store.installation import presence, uptime
from tests.rules.world import HOUR, MINUTE
from tests.scheduler.time.clockwork import Clockwork, OpenTransport
from tests.store.world import World, open_world, replica

LEASE = timedelta(seconds=60)


@pytest.fixture
async def other(clockwork: Clockwork) -> AsyncIterator[Clockwork]:
    async with replica(clockwork.world) as world:
        yield await Clockwork.start(world)


async def both_live(one: Clockwork, other: Clockwork, span: timedelta) -> None:
    await one.lives(span)
    await other.heart.time_skipped()


async def counted_time(world: World, since: PackageState) -> timedelta:
    assert since.shown is not None
    begin, end = since.shown.at, world.clock.now
    spans = await world.read(lambda connection: uptime.provable_spans(connection, world.tenant_id, begin, end))
    return sum((until - at for at, until in spans), timedelta())


async def test_time_counts_while_both_have_proof(clockwork: Clockwork, other: Clockwork) -> None:
    state = await clockwork.submit_and_show()
    await both_live(clockwork, other, 4 * MINUTE)
    assert await counted_time(clockwork.world, state) == 4 * MINUTE


async def test_the_first_probe_of_a_process_finds_it_already_known(database_url: str) -> None:
    """The probe's nonce is stored with the process and may arrive at any replica."""

    async with open_world(database_url) as world:

        class ProbingTransport(OpenTransport):
            came_in: list[bool]

            async def prove(self, *, wanted: bool, again: bool, pending: bool) -> Proof | None:
                installation = world.store.installation
                await world.write(
                    lambda connection: presence.start_probe(
                        connection, installation.tenant_id, installation.process_id, "word"
                    )
                )
                self.came_in = [
                    await world.write(
                        lambda connection: presence.finish_probe(connection, installation.tenant_id, "word")
                    )
                ]
                return await super().prove(wanted=wanted, again=again, pending=pending)

        async def reachable() -> bool:
            return True

        transport = ProbingTransport(world, lambda: 0.0)
        await Heartbeat(world.store, reachable, transport, UnsettledClicks(world.store), lambda: 0.0).tick()
        assert transport.came_in == [True]


async def test_time_does_not_count_while_one_has_no_proof(clockwork: Clockwork, other: Clockwork) -> None:
    state = await clockwork.submit_and_show()
    await both_live(clockwork, other, 2 * MINUTE)
    other.transport.open = False
    await both_live(clockwork, other, 3 * MINUTE)
    other.transport.open = True
    await both_live(clockwork, other, MINUTE)
    await both_live(clockwork, other, MINUTE)
    assert await counted_time(clockwork.world, state) == 3 * MINUTE


async def test_a_hanging_process_stops_silence_until_its_lease_expires(clockwork: Clockwork, other: Clockwork) -> None:
    state = await clockwork.submit_and_show()
    await both_live(clockwork, other, MINUTE)
    await clockwork.lives(LEASE)
    assert await counted_time(clockwork.world, state) == MINUTE
    await clockwork.lives(4 * MINUTE)
    assert await counted_time(clockwork.world, state) == 5 * MINUTE


async def test_a_process_that_stopped_cleanly_does_not_stop_silence(clockwork: Clockwork, other: Clockwork) -> None:
    state = await clockwork.submit_and_show()
    await both_live(clockwork, other, MINUTE)
    await other.heart.stop()
    await clockwork.lives(MINUTE)
    assert await counted_time(clockwork.world, state) == 2 * MINUTE


async def test_a_process_with_an_unsettled_failed_click_does_not_sign_off(
    clockwork: Clockwork, other: Clockwork
) -> None:
    state = await clockwork.submit_and_show()
    other.clicks.record_failure(state.decision_package_id, "URITA")
    await other.world.store.close()
    await other.heart.stop()
    await clockwork.lives(MINUTE / 2)
    assert await counted_time(clockwork.world, state) == timedelta()


async def test_a_process_that_cannot_read_the_policy_stops_silence_while_it_runs(
    clockwork: Clockwork, other: Clockwork
) -> None:
    """The process takes clicks and can execute none."""
    state = await clockwork.submit_and_show()
    await both_live(clockwork, other, MINUTE)
    await other.world.store.write(unreadable_for(other))
    for _ in range(5):
        await both_live(clockwork, other, MINUTE)
    assert await counted_time(clockwork.world, state) == MINUTE
    await other.heart.stop()
    await clockwork.lives(MINUTE)
    assert await counted_time(clockwork.world, state) == 2 * MINUTE


def unreadable_for(clockwork: Clockwork) -> Callable[[Connection], None]:
    """As if this process ran an older release than the one that applied the current policy."""
    installation = clockwork.world.store.installation

    def forget(connection: Connection) -> None:
        digest = installation.status(connection).policy_digest
        installation.policies._policies.clear()
        installation.policies._faults[digest or ""] = "of a later release"
        installation._known = None

    return forget


async def test_one_process_without_proof_makes_packages_hard_although_another_has_proof(
    clockwork: Clockwork, other: Clockwork
) -> None:
    state = await clockwork.submit_and_show()
    other.transport.open = False
    await both_live(clockwork, other, 11 * MINUTE)
    after = await clockwork.now(state)
    assert (after.status, after.level, after.why[0].rule) == (
        Status.PENDING,
        HITLLevel.HARD_APPROVAL,
        "proof-lost",
    )


async def test_time_that_an_older_version_recorded_without_proof_does_not_count(clockwork: Clockwork) -> None:
    state, world = await clockwork.submit_and_show(), clockwork.world
    now = world.clock.now
    await world.write(
        lambda connection: uptime.begin_uptime(connection, world.tenant_id, "before the upgrade", now, now)
    )
    await world.write(
        lambda connection: uptime.extend_uptime(connection, world.tenant_id, "before the upgrade", now, now + HOUR)
    )
    world.clock.passes(HOUR)
    assert await counted_time(world, state) == timedelta()


async def test_nothing_is_proven_after_the_start_of_a_click_in_progress(clockwork: Clockwork) -> None:
    state = await clockwork.submit_and_show()
    await clockwork.lives(MINUTE)
    with clockwork.clicks.in_progress():
        await clockwork.lives(2 * MINUTE)
        assert await counted_time(clockwork.world, state) == MINUTE
    await clockwork.lives(MINUTE)
    assert await counted_time(clockwork.world, state) == 4 * MINUTE
