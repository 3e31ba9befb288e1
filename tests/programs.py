"""Programs that pip does not bring: those on the path, or as root on Debian and its kin those that apt-get installs."""

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
    """Says what to do."""


@dataclass(frozen=True)
class Program:
    """What is looked for, the packages that bring it, and the sentences for installing it and for its absence."""

    found: Callable[[], str | None]
    packages: tuple[str, ...]
    installing: str
    none: str

    def path(self, say: Say) -> str:
        found = self.found()
        if not found and _may_install():
            # One worker installs, while the others wait until it has.
            with _alone():
                found = self.found() or self._installed(say)
        if not found:
            raise MissingProgramError(self.none)
        return found

    def _installed(self, say: Say) -> str | None:
        say(self.installing)
        quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        for command in (["update"], ["install", "--yes", "--no-install-recommends", *self.packages]):
            done = subprocess.run(["apt-get", "-qq", *command], env=quiet, capture_output=True, text=True, check=False)
            if done.returncode:
                raise MissingProgramError(f"{self.none} apt-get {command[0]} said: {done.stderr.strip()[-500:]}")
        return self.found()


def sayer(config: pytest.Config) -> Say:
    """Writes to the terminal although pytest captures what tests write."""

    def say(sentence: str) -> None:
        with config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
            sys.stderr.write(f"\n{sentence}\n")

    return say


def _may_install() -> bool:
    return sys.platform == "linux" and os.geteuid() == 0 and shutil.which("apt-get") is not None


@contextmanager
def _alone() -> Iterator[None]:
    with (Path(tempfile.gettempdir()) / "countersign-apt.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
