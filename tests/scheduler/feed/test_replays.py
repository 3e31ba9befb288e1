"""A replay does not delay what happens meanwhile: chains that are sent again take turns with live ones."""

from __future__ import annotations

import pytest

from rules.state.commands import Approve, Comment
from scheduler.feed.sender import MAX_EVENTS
from scheduler.feed.webhook import FeedWebhook
from store.installation.tenancy import set_frozen
from tests.rules.world import RITA, SENTA, ask
from tests.scheduler.callbacks.receiver import Receiver
from tests.scheduler.feed.stations import PAUSE, Station, refuses, sequences


@pytest.fixture(autouse=True)
def one_chain_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FeedWebhook, "at_once", 1)


async def submit_some(station: Station, count: int = 4) -> list[str]:
    return sorted([(await station.world.submit()).decision_package_id for _ in range(count)])


async def replayed_packages(station: Station, receiver: Receiver) -> list[str]:
    """Packages whose events were sent, and are now sent again."""
    packages = await submit_some(station)
    await station.send()
    receiver.got.clear()
    await station.replay(since=station.world.clock())
    return packages


def arrivals(receiver: Receiver) -> list[str]:
    """The subjects of the events received, in order."""
    return [got.payload["subject"] for got in receiver.got]


async def test_the_chain_of_the_tenant_comes_first_and_then_live_and_replayed_chains_alternate(
    station: Station, receiver: Receiver
) -> None:
    replayed = await replayed_packages(station, receiver)
    live = await submit_some(station, 2)
    world = station.world
    await world.write(lambda connection: set_frozen(connection, frozen=True, actor="operator", now=world.clock()))
    await station.send()
    of_tenant, others = arrivals(receiver)[:3], arrivals(receiver)[3:]
    assert set(of_tenant) == {world.tenant_id}
    assert others == [replayed[0], live[0], replayed[1], live[1], *replayed[2:]]


async def test_a_live_event_of_a_chain_that_is_replayed_comes_after_the_earlier_ones_and_does_not_wait_for_other_replays(
    station: Station, receiver: Receiver
) -> None:
    replayed = await replayed_packages(station, receiver)
    state = await station.world.state(replayed[-1])
    await station.world.after(ask(Approve, state), SENTA)
    await station.send()
    assert sequences(receiver, replayed[-1]) == [1, 2, 3]
    assert arrivals(receiver).index(replayed[-1]) < arrivals(receiver).index(replayed[1])


async def test_a_replay_takes_no_place_from_a_chain_that_was_not_sent_yet(station: Station, receiver: Receiver) -> None:
    refused = refuses(receiver, "")
    waiting = await submit_some(station, 2)
    await station.send()
    refused.clear()
    receiver.got.clear()
    await station.replay(since=station.world.clock())
    later = await submit_some(station, 2)
    await station.later(PAUSE)
    assert arrivals(receiver)[-4:] == [*waiting, *later]


async def test_a_chain_that_was_replayed_whole_is_live_again(station: Station, receiver: Receiver) -> None:
    replayed = await replayed_packages(station, receiver)
    await station.send()
    receiver.got.clear()
    await station.replay(chain_id=replayed[0])
    state = await station.world.state(replayed[1])
    await station.world.after(ask(Approve, state), SENTA)
    await station.send()
    assert arrivals(receiver) == [replayed[1], replayed[1], replayed[0]]


async def test_a_long_chain_that_is_replayed_gives_way_after_each_claim(station: Station, receiver: Receiver) -> None:
    world, count = station.world, 2 * MAX_EVENTS
    long = await world.submit()
    for number in range(count):
        await world.after(ask(Comment, await world.state(long.decision_package_id), comment=f"{number}"), RITA)
    await station.send()
    await station.replay(chain_id=long.decision_package_id)
    receiver.got.clear()
    live = await submit_some(station, 2)
    await station.send()
    assert [arrivals(receiver).index(package) for package in live] == [MAX_EVENTS, 2 * MAX_EVENTS + 1]
    assert len(sequences(receiver, long.decision_package_id)) == 1 + count
