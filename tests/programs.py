"""Programs that pip cannot install: taken from the path, or installed by apt-get if the tests run as root."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

Say = Callable[[str], None]


class MissingProgramError(Exception):
    """A program is missing. The message says what to install."""


@dataclass(frozen=True)
class Program:
    """A program: how to find it, the packages that contain it, and the messages for installing it and if it is missing."""

    find: Callable[[], str | None]
    packages: tuple[str, ...]
    installing: str
    missing: str

    def path(self, say: Say) -> str:
        if _may_install():
            # One process installs while the others wait, who could otherwise find a program without its libraries.
            with _install_lock():
                path = self.find() or self._install(say)
        else:
            path = self.find()
        if not path:
            raise MissingProgramError(self.missing)
        return path

    def _install(self, say: Say) -> str | None:
        say(self.installing)
        quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        for command in (["update"], ["install", "--yes", "--no-install-recommends", *self.packages]):
            result = subprocess.run(
                ["apt-get", "-qq", *command], env=quiet, capture_output=True, text=True, check=False
            )
            if result.returncode:
                raise MissingProgramError(f"{self.missing} apt-get {command[0]} said: {result.stderr.strip()[-500:]}")
        return self.find()


def terminal_printer(config: pytest.Config) -> Say:
    """Writes to the terminal although pytest captures what tests write."""

    def say(sentence: str) -> None:
        with config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
            sys.stderr.write(f"\n{sentence}\n")

    return say


def _may_install() -> bool:
    return sys.platform == "linux" and os.geteuid() == 0 and shutil.which("apt-get") is not None


@contextmanager
def _install_lock() -> Iterator[None]:
    with (Path(tempfile.gettempdir()) / "countersign-apt.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
