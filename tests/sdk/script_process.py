"""Run a script in a forked process. The parent has loaded what scripts import, which is most of a script's start."""

from __future__ import annotations

import asyncio
import os
import runpy
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.fork_server import FORK_CONTEXT


class Script:
    """A script that starts at once, can be killed, and has no standard input."""

    def __init__(self, path: Path, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        self._folder = TemporaryDirectory()
        self._files = [Path(self._folder.name, name) for name in ("out", "err")]
        self._process = FORK_CONTEXT.Process(
            target=_run, args=(path, arguments, dict(environment), self._files), daemon=True
        )
        self._process.start()

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def kill(self) -> None:
        self._process.kill()

    async def communicate(self) -> tuple[bytes, bytes]:
        """Waits for its end and returns its output and errors."""
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_reader(self._process.sentinel, ended.set)
        await ended.wait()
        loop.remove_reader(self._process.sentinel)
        self._process.join()
        with self._folder:
            out, err = (file.read_bytes() for file in self._files)
        return out, err


def _run(path: Path, arguments: Sequence[str], environment: Mapping[str, str], files: Sequence[Path]) -> None:
    for number, file in enumerate(files, 1):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT), number)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = [str(path), *arguments]
    sys.path[0:0] = [str(path.parent)]
    runpy.run_path(str(path), run_name="__main__")
