"""The folder in which a demo keeps what it needs to go on: its own, one demo at a time."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import copyfile

from bot.demo.faults import DemoError

SAMPLE_POLICY = Path(__file__).with_name("policy.toml")
MARK = "demo.lock"
DATABASE, POLICY, LOG = "countersign.db", "policy.toml", "countersign.log"
CLOCK, MESSAGES, AGENTS = "clock.txt", "messages.jsonl", "agents.jsonl"
BESIDE_IT = tuple(f"{DATABASE}{ending}" for ending in ("-wal", "-shm", ".key", ".counter"))
ALL = (DATABASE, *BESIDE_IT, POLICY, LOG, CLOCK, MESSAGES, AGENTS)


class Folder:
    """Knows its files by name, and touches no others."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.database_url = f"sqlite:///{self.path / DATABASE}"
        self.policy, self.log = self.path / POLICY, self.path / LOG
        self.clock, self.messages, self.agents = self.path / CLOCK, self.path / MESSAGES, self.path / AGENTS

    @property
    def used(self) -> bool:
        return (self.path / DATABASE).exists()

    @contextmanager
    def held(self, *, fresh: bool = False) -> Iterator[None]:
        """Made where it is not there, and ours alone until the end; `fresh` begins anew in it."""
        try:
            self._make()
            lock = (self.path / MARK).open("a")
        except OSError as fault:
            raise DemoError(
                f"{self.path} cannot be used as the demo's folder ({fault.strerror}); name another with --folder"
            ) from fault
        with lock:
            self._lock(lock.fileno())
            if fresh:
                for name in ALL:
                    (self.path / name).unlink(missing_ok=True)
            if not self.policy.exists():
                copyfile(SAMPLE_POLICY, self.policy)
            yield

    def _make(self) -> None:
        """What is there already and was never a demo's stays as it is."""
        if "?" in str(self.path):  # begins the options of a database's address
            raise DemoError(
                f"{self.path} has a '?' in its name, which no database can bear; name another with --folder"
            )
        self.path.mkdir(parents=True, exist_ok=True)
        strange = not (self.path / MARK).exists() and any(self.path.iterdir())
        if strange:
            raise DemoError(f"{self.path} holds other things than a demo; name an empty folder with --folder")

    def _lock(self, descriptor: int) -> None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as fault:
            raise DemoError(
                f"a demo already runs in {self.path}; end it first, or name another with --folder"
            ) from fault
