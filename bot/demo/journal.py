"""The demo's own state that must survive a restart: one JSON line per entry, appended to a file."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

Entry = dict[str, Any]


class Journal:
    """A line that a crash cut off counts as not written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("a", encoding="utf-8")
        self._file.truncate(path.read_bytes().rfind(b"\n") + 1)

    def entries(self) -> list[Entry]:
        return [json.loads(line) for line in self._path.read_text(encoding="utf-8").splitlines()]

    def append(self, entry: Entry) -> None:
        self._file.write(json.dumps(entry) + "\n")
        self._file.flush()

    def shorten(self, entries: Iterable[Entry]) -> None:
        """Replace all entries by equivalent ones, atomically."""
        shorter = self._path.with_suffix(".new")
        shorter.write_text("".join(json.dumps(entry) + "\n" for entry in entries), encoding="utf-8")
        self._file.close()
        shorter.replace(self._path)
        self._file = self._path.open("a", encoding="utf-8")

    def close(self) -> None:
        self._file.close()
