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
from tests.machines.ending import all_shown
from tests.machines.fleet import Fleet, fleet
from tests.store.world import Clock, World, opened

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
    """By the policy of the replicas: another one would come into force for them, too."""
    return opened(service.database_url, read_policy(service.policy.encode()), Clock(datetime.now(UTC)))


async def slack_is_known_to_have_called(service: Fleet) -> None:
    """By all replicas: the one that was called has written it down."""
    async with asyncio.timeout(ENDS_WITHIN), beside(service) as world:
        while not await world.read(lambda connection: connection.execute(select(HEARD.c.at)).first()):
            pass


async def submit_soft_package(service: Fleet) -> str:
    """A package that waits for silence, and whose card is there."""
    async with crowd(service) as group:
        submitted = await group.asked("POST", "/v1/packages", SOFT)
    assert (submitted.status, submitted.body["level"]) == (202, "soft_approval"), submitted
    await all_shown(service)
    return str(submitted.body["decision_package_id"])


async def ended(service: Fleet, package_id: str) -> dict[str, Any]:
    """The package, as soon as it is decided or hard."""
    async with asyncio.timeout(ENDS_WITHIN), crowd(service) as group:
        while True:
            body = (await group.asked("GET", f"/v1/packages/{package_id}?wait=1")).body
            if body["terminal"] or body["level"] == "hard_approval":
                return body


async def consented_at(service: Fleet, package_id: str) -> datetime:
    body = await ended(service, package_id)
    assert (body["status"], body["level"]) == ("consented", "soft_approval"), body["why"]
    return datetime.fromisoformat(body["decision"]["decided_at"])


async def last_signs_of_life(service: Fleet) -> list[datetime]:
    async with beside(service) as world:
        query = select(PRESENCES.c.alive_at).order_by(PRESENCES.c.alive_at)
        return list(await world.read(lambda connection: connection.execute(query).scalars().all()))


def hang(service: Fleet) -> None:
    """One replica hangs, and the balancer gives it nothing any more."""
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
async def test_silence_counts_again_once_the_lease_of_a_replica_that_hangs_has_run_out(
    database_url: str, tmp_path: Path
) -> None:
    lease = timedelta(seconds=10)
    async with replicas(database_url, tmp_path, 2, lease) as service:
        hang(service)
        consented = await consented_at(service, await submit_soft_package(service))
        assert consented >= (await last_signs_of_life(service))[0] + lease + SOFT_TIMEOUT


@TWO
async def test_silence_counts_again_once_a_replica_that_hung_is_back(database_url: str, tmp_path: Path) -> None:
    async with replicas(database_url, tmp_path, 2) as service:
        url = service.replicas[1].url
        hang(service)
        package_id, back = await submit_soft_package(service), datetime.now(UTC)
        service.replicas[1].process.send_signal(signal.SIGCONT)
        service.replicas[1].url = url
        assert await consented_at(service, package_id) >= back + SOFT_TIMEOUT


@TWO
async def test_a_replica_that_is_stopped_in_order_holds_up_no_silence(database_url: str, tmp_path: Path) -> None:
    """Its lease would outlast this test."""
    async with replicas(database_url, tmp_path, 2) as service:
        assert await service.replicas[1].stop() == 0
        await consented_at(service, await submit_soft_package(service))


@ONE_OR_TWO
async def test_a_proxy_that_swallows_what_slack_sends_never_brings_consent_and_makes_the_package_hard(
    database_url: str, tmp_path: Path, size: int
) -> None:
    """It answers as if all were well. Agents do not come in through it."""
    soft = 'proof_every = "2s"\nproof_lost = "4s"'
    async with (
        public_address() as address,
        replicas(database_url, tmp_path, size, soft=soft, COUNTERSIGN_PUBLIC_URL=address.url) as service,
    ):
        address.broken = 200
        body = await ended(service, await submit_soft_package(service))
        assert (body["status"], body["level"], body["why"][0]["rule"]) == ("pending", "hard_approval", "proof-lost")
