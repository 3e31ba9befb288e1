"""Only one `countersign serve` per SQLite file: a second one waits, and then fails with one line."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest

from bot import cli
from bot.process import server_lock
from bot.process.server_lock import AlreadyServedError, hold_server_lock
from tests.bot.process.serving import serve_process
from tests.fork_server import start_program

_HOLDER = """
import asyncio, sys
from bot.process.server_lock import hold_server_lock
async def hold():
    async with hold_server_lock(sys.argv[1]):
        print("held", flush=True)
        await asyncio.Event().wait()
asyncio.run(hold())
"""


def _serve_without_waiting() -> NoReturn:
    server_lock.LOCK_WITHIN = 0
    cli.main()


@contextmanager
def _held_by_another(url: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", _HOLDER, url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        yield holder
        holder.kill()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_second_serve_on_the_same_file_fails_with_one_line(database_url: str, tmp_path: Path) -> None:
    async with serve_process(database_url, tmp_path) as process:
        settings = {"COUNTERSIGN_DATABASE_URL": database_url, "COUNTERSIGN_LOG": "json", "COUNTERSIGN_PORT": "0"}
        slack = {"SLACK_BOT_TOKEN": process.slack.bot_token, "SLACK_SIGNING_SECRET": process.slack.signing_secret}
        started = await start_program(_serve_without_waiting, "serve", cwd=tmp_path, env=os.environ | settings | slack)
        async with asyncio.timeout(60):
            _, output = await started.communicate()
        uses = f"countersign: another `countersign serve` uses {database_url.removeprefix('sqlite:///')}"
        line = output.decode().splitlines()[-1]
        assert (started.returncode, line) == (1, f"{uses}; stop it first, or use PostgreSQL to run several")


async def test_a_second_process_takes_over_once_the_first_is_killed(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'countersign.db'}"
    (tmp_path / "link").symlink_to(tmp_path)
    with _held_by_another(f"sqlite:///{tmp_path / 'link' / 'countersign.db'}") as holder:
        waiting = asyncio.ensure_future(_takes_its_turn(url))
        await asyncio.sleep(0)
        assert not waiting.done()
        holder.kill()
        async with asyncio.timeout(5):
            await waiting


async def test_a_missing_folder_is_created_for_the_database_and_its_lock(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "one"
    await _takes_its_turn(f"sqlite:///{folder / 'countersign.db'}")
    assert (folder.stat().st_mode & 0o777, [path.name for path in folder.iterdir()]) == (0o700, ["countersign.db.lock"])


async def _takes_its_turn(url: str) -> None:
    async with hold_server_lock(url):
        pass


async def test_waiting_for_a_held_lock_ends_with_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_lock, "LOCK_WITHIN", 0.2)
    url = f"sqlite:///{tmp_path / 'countersign.db'}"
    with _held_by_another(url), pytest.raises(AlreadyServedError, match="another `countersign serve` uses"):
        await _takes_its_turn(url)
