"""Silence with replicas as processes of their own: it counts only while each of them could carry out a click.

Nothing here depends on how fast the machine is. A lease of an hour outlasts each test, and times are only ever too
short if silence was counted that must not count.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from rules.policy.parse import read_policy
from store.installation.presence import PRESENCES
from store.installation.slack_requests import HEARD
from tests.bot.service import SOFT
from tests.bot.slack.address import public_address
from tests.bot.slack.office import POLICY
from tests.machines.crowd import crowd
from tests.machines.final_state import all_shown
from tests.machines.fleet import Fleet, fleet
from tests.store.world import Clock, World, open_replica

ONE_OR_TWO = pytest.mark.parametrize(
    ("database_url", "size"), [("sqlite", 1), ("postgresql", 2)], indirect=["database_url"]
)
TWO = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
AN_HOUR = timedelta(hours=1)
SOFT_TIMEOUT = timedelta(seconds=3)
ENDS_WITHIN = 120
QUIET = POLICY.replace("[tiers.medium]", f'[tiers.medium]\nsoft_timeout = "{SOFT_TIMEOUT.seconds}s"')


@asynccontextmanager
async def replicas(
    database_url: str,
    folder: Path,
    size: int,
    lease: timedelta = AN_HOUR,
    soft: str = 'proof_every = "20s"',
    **service: str,
) -> AsyncIterator[Fleet]:
    settings = {"REPLICA_LEASE": str(lease.total_seconds()), **service}
    async with fleet(database_url, folder, size, f"{QUIET}\n[soft]\n{soft}\n", **settings) as started:
        await slack_is_known_to_have_called(started)
        yield started


def beside(service: Fleet) -> AbstractAsyncContextManager[World]:
    """Open a store with the policy of the replicas; another policy would be activated for them too."""
    return open_replica(service.database_url, read_policy(service.policy.encode()), Clock(datetime.now(UTC)))


async def slack_is_known_to_have_called(service: Fleet) -> None:
    """Wait until the replica that Slack called has recorded it for all replicas."""
    async with asyncio.timeout(ENDS_WITHIN), beside(service) as world:
        while not await world.read(lambda connection: connection.execute(select(HEARD.c.at)).first()):
            pass


async def submit_soft_package(service: Fleet) -> str:
    """A package for soft approval with a posted card."""
    async with crowd(service) as group:
        submitted = await group.request("POST", "/v1/packages", SOFT)
    assert (submitted.status, submitted.body["level"]) == (202, "soft_approval"), submitted
    await all_shown(service)
    return str(submitted.body["decision_package_id"])


async def wait_for_end(service: Fleet, package_id: str) -> dict[str, Any]:
    """Wait until the package is decided or hard, and return it."""
    async with asyncio.timeout(ENDS_WITHIN), crowd(service) as group:
        while True:
            body = (await group.request("GET", f"/v1/packages/{package_id}?wait=1")).body
            if body["terminal"] or body["level"] == "hard_approval":
                return body


async def consented_at(service: Fleet, package_id: str) -> datetime:
    body = await wait_for_end(service, package_id)
    assert (body["status"], body["level"]) == ("consented", "soft_approval"), body["why"]
    return datetime.fromisoformat(body["decision"]["decided_at"])


async def last_signs_of_life(service: Fleet) -> list[datetime]:
    async with beside(service) as world:
        query = select(PRESENCES.c.alive_at).order_by(PRESENCES.c.alive_at)
        return list(await world.read(lambda connection: connection.execute(query).scalars().all()))


def hang(service: Fleet) -> None:
    """Let one replica hang; the load balancer no longer sends it requests."""
    service.replicas[1].url = ""
    service.replicas[1].process.send_signal(signal.SIGSTOP)


@ONE_OR_TWO
async def test_silence_consents_while_every_replica_can_take_a_click(
    database_url: str, tmp_path: Path, size: int
) -> None:
    async with replicas(database_url, tmp_path, size) as service:
        before = datetime.now(UTC)
        assert await consented_at(service, await submit_soft_package(service)) >= before + SOFT_TIMEOUT


@TWO
async def test_silence_counts_again_once_the_lease_of_a_hanging_replica_expires(
    database_url: str, tmp_path: Path
) -> None:
    lease = timedelta(seconds=10)
    async with replicas(database_url, tmp_path, 2, lease) as service:
        hang(service)
        consented = await consented_at(service, await submit_soft_package(service))
        assert consented >= (await last_signs_of_life(service))[0] + lease + SOFT_TIMEOUT


@TWO
async def test_silence_counts_again_once_a_hanging_replica_recovers(database_url: str, tmp_path: Path) -> None:
    async with replicas(database_url, tmp_path, 2) as service:
        url = service.replicas[1].url
        hang(service)
        package_id, back = await submit_soft_package(service), datetime.now(UTC)
        service.replicas[1].process.send_signal(signal.SIGCONT)
        service.replicas[1].url = url
        assert await consented_at(service, package_id) >= back + SOFT_TIMEOUT


@TWO
async def test_a_cleanly_stopped_replica_does_not_delay_silence(database_url: str, tmp_path: Path) -> None:
    """The lease would be longer than this test."""
    async with replicas(database_url, tmp_path, 2) as service:
        assert await service.replicas[1].stop() == 0
        await consented_at(service, await submit_soft_package(service))


@ONE_OR_TWO
async def test_a_proxy_that_drops_slacks_requests_never_causes_consent_and_hardens_the_package(
    database_url: str, tmp_path: Path, size: int
) -> None:
    """The proxy answers as if all were well. Agents do not use it."""
    soft = 'proof_every = "2s"\nproof_lost = "4s"'
    async with (
        public_address() as address,
        replicas(database_url, tmp_path, size, soft=soft, COUNTERSIGN_PUBLIC_URL=address.url) as service,
    ):
        address.broken = 200
        body = await wait_for_end(service, await submit_soft_package(service))
        assert (body["status"], body["level"], body["why"][0]["rule"]) == ("pending", "hard_approval", "proof-lost")
