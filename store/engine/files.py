"""Makes SQLite's files private to their owner, whatever the umask: they hold what agents and people wrote."""

from __future__ import annotations

import os
from pathlib import Path

OWNER_ONLY, PRIVATE_FOLDER = 0o600, 0o700
_SUFFIXES = ("", "-wal", "-shm", "-journal")


def secure_files(database: str) -> None:
    """Create the file, and its folder if needed. SQLite creates its log files with the same mode.

    An existing folder may hold other files, so its mode stays.
    """
    path = Path(database)
    make_private_folder(path)
    if not path.exists():
        # Never open an existing file: closing it would release the locks that SQLite holds on it in this process.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, OWNER_ONLY))
    for suffix in _SUFFIXES:
        _make_private(Path(f"{database}{suffix}"))


def make_private_folder(database: Path) -> None:
    for folder in reversed(database.parents):
        if not folder.exists():
            folder.mkdir(PRIVATE_FOLDER)
            folder.chmod(PRIVATE_FOLDER)


def _make_private(path: Path) -> None:
    """Take the rights of others from a file that an earlier release left readable, unless it has another owner."""
    if path.exists() and path.stat().st_uid == os.geteuid() and path.stat().st_mode & 0o077:
        path.chmod(OWNER_ONLY)
