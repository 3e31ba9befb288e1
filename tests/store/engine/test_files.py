"""SQLite's files are private to their owner, whatever the umask."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection

from store.engine.address import parse_database_url
from store.engine.engines import make_engine, transact
from store.installation.tenancy import read_tenant_id
from store.migrations.migrate import migrate


@pytest.fixture
def no_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.mark.usefixtures("no_umask")
def test_the_database_its_log_files_and_its_new_folder_are_private(tmp_path: Path) -> None:
    file = tmp_path / "one" / "two" / "countersign.db"
    url = f"sqlite:///{file}"
    migrate(url, datetime.now(UTC))
    engine = make_engine(parse_database_url(url))
    with engine.connect() as connection:
        assert read_tenant_id(connection)
        transact(engine, lambda connection: connection.exec_driver_sql("UPDATE installation SET frozen = 0"))
        assert sorted(path.name for path in file.parent.iterdir()) == [
            file.name,
            f"{file.name}-shm",
            f"{file.name}-wal",
        ]
        assert {mode(path) for path in file.parent.iterdir()} == {0o600}
    assert (mode(file.parent), mode(file.parent.parent)) == (0o700, 0o700)
    engine.dispose()


def test_readable_files_of_an_earlier_release_become_private_and_the_folder_keeps_its_mode(tmp_path: Path) -> None:
    file = tmp_path / "countersign.db"
    file.touch(0o644)
    file.chmod(0o644)
    tmp_path.chmod(0o755)
    migrate(f"sqlite:///{file}", datetime.now(UTC))
    assert (mode(file), mode(tmp_path)) == (0o600, 0o755)


_READ_AND_LEAVE = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
print(connection.execute("SELECT frozen FROM installation").fetchone()[0])
connection.close()
"""


def _set_frozen(connection: Connection, frozen: int) -> None:
    connection.exec_driver_sql("UPDATE installation SET frozen = ?", (frozen,))


def test_a_second_engine_keeps_the_locks_of_the_first_so_no_process_removes_its_log(tmp_path: Path) -> None:
    file = tmp_path / "countersign.db"
    url = f"sqlite:///{file}"
    migrate(url, datetime.now(UTC))
    engine = make_engine(parse_database_url(url))
    seen = []
    for frozen in (1, 0):
        transact(engine, partial(_set_frozen, frozen=frozen))
        make_engine(parse_database_url(url)).dispose()
        seen.append(subprocess.check_output([sys.executable, "-c", _READ_AND_LEAVE, str(file)], text=True).strip())
    assert (seen, Path(f"{file}-wal").exists()) == (["1", "0"], True)
    engine.dispose()


def test_an_installation_is_not_named_like_a_workspace(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'countersign.db'}"
    migrate(url, datetime.now(UTC))
    engine = make_engine(parse_database_url(url))
    with engine.connect() as connection:
        assert read_tenant_id(connection).startswith("inst_")
    engine.dispose()
