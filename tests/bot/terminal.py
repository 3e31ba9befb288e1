"""A terminal for tests of the command line: a folder with a policy, and a database."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest

import bot.cli.doctor.slack  # noqa: F401 - imported before `now` is patched, because it compares the real time with Slack's
import tests.bot.every_command  # noqa: F401 - imported before `now` is patched
from bot.cli import run_command
from bot.settings import Settings
from tests.bot.process.serving import KEY
from tests.rules.world import DORA, NOW, RITA, ROSS, SENTA, SUSI

POLICY = f"""
version = "test-1"
admins = ["{RITA}"]
[roles.reviewer]
members = ["{RITA}", "{ROSS}"]
[roles.senior_reviewer]
members = ["{SENTA}"]
includes = ["reviewer"]
max_risk = "high"
[roles.supervisor]
members = ["{SUSI}"]
includes = ["senior_reviewer"]
max_risk = "critical"
[roles.director]
members = ["{DORA}"]
includes = ["supervisor"]
max_risk = "critical"
[directory]
max_age = "1000d"
[actions."record.read"]
reversibility = "reversible"
"""

_SETTINGS = [str(field.alias or name).upper() for name, field in Settings.model_fields.items()]


class CommandResult(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def line(self) -> str:
        """The only line on stderr, if stdout is empty."""
        assert self.out == ""
        (line,) = self.err.splitlines()
        return line

    def value_of(self, name: str) -> str:
        """The text after `name: ` at the start of a line."""
        (fact,) = [line.partition(": ")[2] for line in self.out.splitlines() if line.startswith(f"{name}: ")]
        return fact


class Terminal:
    """Runs the command line in this process, in a thread of its own: a command runs where no event loop does."""

    def __init__(self, folder: Path, url: str, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.url, self._capsys = folder, url, capsys

    def __call__(self, *arguments: str) -> CommandResult:
        self._capsys.readouterr()
        with ThreadPoolExecutor(1) as thread:
            code = thread.submit(run_command, arguments).result()
        return CommandResult(code, *self._capsys.readouterr())

    def file(self, name: str, content: str | bytes) -> str:
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)


def make_terminal(
    folder: Path, url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Terminal:
    """A terminal in this folder, with this database. The time is `NOW` of the tests of `rules`."""
    for name in _SETTINGS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COUNTERSIGN_DATABASE_URL", url)
    if url.startswith("postgresql"):
        monkeypatch.setenv("COUNTERSIGN_KEY", KEY)  # on PostgreSQL it must be set
    monkeypatch.setattr("bot.cli.common.session.now", lambda: NOW)
    terminal = Terminal(folder, url, capsys)
    terminal.file("policy.toml", POLICY)
    return terminal
