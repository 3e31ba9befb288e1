"""A database that was restored from a backup is frozen until someone thaws it."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from sqlalchemy import text

from bot.running import run_service
from bot.settings import read_settings
from store.engine.address import parse_database_url
from store.engine.engines import make_engine
from tests.bot.process.serving import add_people_and_agent
from tests.bot.service import AUTOMATIC, POLICY
from tests.bot.terminal import Terminal, make_terminal

ONE = AUTOMATIC | {"requested_by": None}
SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def terminal(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Terminal:
    return make_terminal(tmp_path, database_url, monkeypatch, capsys)


def test_a_restore_is_recorded_and_freezes_until_thaw(terminal: Terminal) -> None:
    result = terminal("restored")
    assert (result.code, result.err) == (0, "")
    assert result.out.splitlines()[-1].endswith("then run: countersign thaw")
    assert "everything is frozen" in terminal("agents", "list").out
    assert terminal("thaw").code == 0
    assert "frozen" not in terminal("agents", "list").out
    engine = make_engine(parse_database_url(terminal.url))
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT event_type, actor FROM tenant_events ORDER BY sequence")).all()
    engine.dispose()
    assert [tuple(row) for row in rows] == [("tenant.restored", "operator"), ("tenant.thawed", "operator")]


@asynccontextmanager
async def serve(url: str, folder: Path, key: str) -> AsyncIterator[aiohttp.ClientSession]:
    (folder / "policy.toml").write_text(POLICY)
    given = {"COUNTERSIGN_DATABASE_URL": url, "COUNTERSIGN_POLICY": folder / "policy.toml", "COUNTERSIGN_PORT": 0}
    headers = {"Authorization": f"Bearer {key}"}
    async with (
        run_service(read_settings(**given, _env_file=None)) as running,
        aiohttp.ClientSession(running.url, headers=headers) as http,
    ):
        yield http


async def submit(http: aiohttp.ClientSession) -> int:
    async with http.post("/v1/packages", json=ONE) as response:
        return response.status


async def back_up_and_restore(url: str, folder: Path) -> str:
    """Back up, submit a package and restore the backup; return the agent's key."""
    database, backup = folder / "countersign.db", folder / "backup.db"
    key = await add_people_and_agent(url)
    async with serve(url, folder, key) as http:
        with sqlite3.connect(database) as connection:
            connection.execute("VACUUM INTO ?", [str(backup)])
        assert await submit(http) == 201
    for name in ("countersign.db", "countersign.db-wal", "countersign.db-shm"):
        (folder / name).unlink(missing_ok=True)
    shutil.move(backup, database)
    return key


@SQLITE
async def test_a_database_older_than_its_counter_freezes_the_installation_once(terminal: Terminal) -> None:
    key = await back_up_and_restore(terminal.url, terminal.folder)
    async with serve(terminal.url, terminal.folder, key) as http:
        async with http.get("/readyz") as response:
            assert (await response.json())["posture"]["frozen"] is True
        assert await submit(http) == 409
        assert terminal("thaw").code == 0
        assert await submit(http) == 201
    async with serve(terminal.url, terminal.folder, key) as http:
        assert await submit(http) == 201


@SQLITE
async def test_a_recorded_restore_is_not_frozen_a_second_time(terminal: Terminal) -> None:
    key = await back_up_and_restore(terminal.url, terminal.folder)
    assert (terminal("restored").code, terminal("thaw").code) == (0, 0)
    async with serve(terminal.url, terminal.folder, key) as http:
        assert await submit(http) == 201


@SQLITE
@pytest.mark.parametrize("counter", [None, "no counter", json.dumps({"tenant_id": "another", "events": 10**9})])
async def test_a_missing_or_foreign_counter_causes_no_freeze(terminal: Terminal, counter: str | None) -> None:
    key = await back_up_and_restore(terminal.url, terminal.folder)
    path = terminal.folder / "countersign.db.counter"
    path.unlink()
    if counter is not None:
        path.write_text(counter)
    async with serve(terminal.url, terminal.folder, key) as http:
        assert await submit(http) == 201
    assert json.loads(path.read_text())["events"] > 0
