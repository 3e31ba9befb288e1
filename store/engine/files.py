"""The files of SQLite are for their owner alone, whatever the umask: they hold what agents and people wrote."""

from __future__ import annotations

import os
from pathlib import Path

OWNER_ONLY, PRIVATE_FOLDER = 0o600, 0o700
_BESIDE = ("", "-wal", "-shm", "-journal")


def secure_files(database: str) -> None:
    """Makes the file, in a folder of its own where there is none. SQLite gives what lies beside it the same mode.

    A folder that is there already may hold other things, so its mode stays.
    """
    path = Path(database)
    make_private_folder(path)
    if not path.exists():
        # Never opened when it exists: closing it would end the locks that this process holds on it through SQLite.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, OWNER_ONLY))
    for end in _BESIDE:
        _close_to_others(Path(f"{database}{end}"))


def make_private_folder(database: Path) -> None:
    for folder in reversed(database.parents):
        if not folder.exists():
            folder.mkdir(PRIVATE_FOLDER)
            folder.chmod(PRIVATE_FOLDER)


def _close_to_others(path: Path) -> None:
    """What an earlier release left open. The files of another owner are not ours to change."""
    if path.exists() and path.stat().st_uid == os.geteuid() and path.stat().st_mode & 0o077:
        path.chmod(OWNER_ONLY)
