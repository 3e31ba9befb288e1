"""A script in a process of its own, forked from one that has loaded what the scripts import: most of a start is that."""

from __future__ import annotations

import asyncio
import os
import runpy
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.forked import FORKED


class Script:
    """Started at once; it may be killed, as any process. It has no standard input."""

    def __init__(self, path: Path, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        self._folder = TemporaryDirectory()
        self._said = [Path(self._folder.name, name) for name in ("out", "err")]
        self._its = FORKED.Process(target=_run, args=(path, arguments, dict(environment), self._said), daemon=True)
        self._its.start()

    @property
    def returncode(self) -> int | None:
        return self._its.exitcode

    def kill(self) -> None:
        self._its.kill()

    async def communicate(self) -> tuple[bytes, bytes]:
        """What it has said, once it has ended."""
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_reader(self._its.sentinel, ended.set)
        await ended.wait()
        loop.remove_reader(self._its.sentinel)
        self._its.join()
        with self._folder:
            out, err = (file.read_bytes() for file in self._said)
        return out, err


def _run(path: Path, arguments: Sequence[str], environment: Mapping[str, str], said: Sequence[Path]) -> None:
    for number, file in enumerate(said, 1):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT), number)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = [str(path), *arguments]
    sys.path[0:0] = [str(path.parent)]
    runpy.run_path(str(path), run_name="__main__")
