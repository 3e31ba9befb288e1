"""Three replicas on one PostgreSQL are killed and restarted under load, one after the other."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from pathlib import Path

import pytest

from playground.slack import Slack
from tests.bot.slack.office import CHANNEL
from tests.machines.crowd import FATES, Crowd, crowd
from tests.machines.final_state import all_shown, ending, verify_audit
from tests.machines.fleet import Fleet, fleet
from tests.scheduler.callbacks.receiver import Receiver, open_receiver

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)

PACKAGES = 150  # the tests pass with a thousand as well, but take too long
KILLS = 5


async def killing(service: Fleet, group: Crowd) -> None:
    """Kill a random replica each time a number of further packages is known."""
    for turn in range(KILLS):
        due = (turn + 1) * PACKAGES // (KILLS + 1)
        await group.until(lambda due=due: len(group.known) >= due)  # type: ignore[misc]
        victim = service.chance.choice(service.replicas)
        await victim.kill()
        await victim.start()


def received_ids_of(receiver: Receiver) -> dict[str, dict[str, set[str]]]:
    """The webhook ids of each package, by event type."""
    received_ids: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for got in receiver.got:
        received_ids[got.package][got.payload["type"]].add(got.id)
    return received_ids


async def test_with_randomly_killed_replicas_every_package_ends_by_its_rules_and_every_callback_arrives(
    database_url: str, tmp_path: Path
) -> None:
    async with fleet(database_url, tmp_path) as service, open_receiver() as receiver:
        async with crowd(service, FATES, receiver.url()) as group, asyncio.TaskGroup() as both:
            both.create_task(killing(service, group))
            both.create_task(group.work(PACKAGES))
        async with asyncio.timeout(60), receiver._arrived:
            await receiver._arrived.wait_for(lambda: len(received_ids_of(receiver)) == PACKAGES)
        await all_shown(service)
        statuses = {number: document["status"] for number, document in group.ended.items()}
        assert {number: status for number, status in statuses.items() if status not in group.fate(number).ends} == {}
        assert len(set(group.known.values())) == len(statuses) == PACKAGES
        async with ending(service) as end:
            assert await end.packages() == sorted(group.known.values())
            assert await end.endings() == dict.fromkeys(group.known.values(), 1)
            assert await end.wrong_cards() == []
            assert await end.faults() == []
        assert {
            id_: {kind: len(ids) for kind, ids in kinds.items()} for id_, kinds in received_ids_of(receiver).items()
        } == {group.known[number]: {f"package.{status}": 1} for number, status in statuses.items()}
        code, output = await verify_audit(service)
        assert (code, output.split(",")[0]) == (0, f"OK: {PACKAGES} packages")
        assert copies(service.slack) <= KILLS * 8


def copies(slack: Slack) -> int:
    cards = [message for message in slack.messages(CHANNEL) if message.thread_ts is None]
    return len(cards) - PACKAGES
