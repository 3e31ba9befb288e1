"""The folder in which a demo keeps its state. One demo at a time can use it.

`demo.lock` marks a folder as a demo's and is locked while it runs; a folder with other content and no mark is refused.
`moved_time` lets every command of `countersign` see the demo's time.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from shutil import copyfile

from bot.demo.faults import DemoError
from bot.demo.page.clock import read_moved
from store.engine.address import parse_database_url

SAMPLE_POLICY = Path(__file__).with_name("policy.toml")
MARK = "demo.lock"
DATABASE, POLICY, LOG = "countersign.db", "policy.toml", "countersign.log"
CLOCK, MESSAGES, MAILS, AGENTS = "clock.txt", "messages.jsonl", "mails.jsonl", "agents.jsonl"
FILES_BESIDE_DATABASE = tuple(f"{DATABASE}{ending}" for ending in ("-wal", "-shm", ".key", ".counter"))
ALL_FILES = (DATABASE, *FILES_BESIDE_DATABASE, POLICY, LOG, CLOCK, MESSAGES, MAILS, AGENTS)


def moved_time(database_url: str) -> timedelta:
    """By how much a visitor moved time, if this is the database of a demo; else zero."""
    path = Path(str(parse_database_url(database_url).database))
    is_demo = path.name == DATABASE and path.with_name(MARK).exists()
    return read_moved(path.with_name(CLOCK)) if is_demo else timedelta(0)


class Folder:
    """Knows its files by name, and touches no others."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.database_url = f"sqlite:///{self.path / DATABASE}"
        self.policy, self.log = self.path / POLICY, self.path / LOG
        self.clock, self.messages, self.agents = self.path / CLOCK, self.path / MESSAGES, self.path / AGENTS
        self.mails = self.path / MAILS

    @property
    def is_used(self) -> bool:
        return (self.path / DATABASE).exists()

    @contextmanager
    def hold(self, *, fresh: bool = False) -> Iterator[None]:
        """Create the folder if needed and lock it until the end. `fresh` deletes the earlier state."""
        try:
            self._prepare()
            lock = (self.path / MARK).open("a")
        except OSError as fault:
            raise DemoError(
                f"{self.path} cannot be used as the demo's folder ({fault.strerror}); name another with --folder"
            ) from fault
        with lock:
            self._lock(lock.fileno())
            if fresh:
                for name in ALL_FILES:
                    (self.path / name).unlink(missing_ok=True)
            if not self.policy.exists():
                copyfile(SAMPLE_POLICY, self.policy)
            yield

    def _prepare(self) -> None:
        """A folder with other content that was never a demo's is left alone."""
        if "?" in str(self.path):  # starts the options of a database URL
            raise DemoError(
                f"{self.path} has a '?' in its name, which a database URL cannot contain; name another with --folder"
            )
        self.path.mkdir(parents=True, exist_ok=True)
        if not (self.path / MARK).exists() and any(self.path.iterdir()):
            raise DemoError(f"{self.path} holds other things than a demo; name an empty folder with --folder")

    def _lock(self, descriptor: int) -> None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as fault:
            raise DemoError(
                f"a demo already runs in {self.path}; end it first, or name another with --folder"
            ) from fault
