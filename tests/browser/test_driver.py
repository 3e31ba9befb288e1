"""Which browser the tests use, and the error if there is none."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.browser import driver
from tests.browser.driver import INSTALLING, NAMED, NONE, executable
from tests.programs import MissingProgramError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on the path, on a machine without any other browser."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv(NAMED, raising=False)
    monkeypatch.setattr(driver, "PLACES", ())
    return tmp_path


@pytest.fixture
def root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)


def program(path: Path, script: str = "") -> Path:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def test_a_browser_on_the_path_is_used(folder: Path) -> None:
    there = program(folder / "microsoft-edge")
    assert executable(pytest.fail) == str(there)


def test_the_headless_shell_is_used_before_a_browser_with_windows(folder: Path) -> None:
    program(folder / "chromium")
    there = program(folder / "chromium-headless-shell")
    assert executable(pytest.fail) == str(there)


def test_the_browser_named_by_the_variable_is_used_first(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(folder / "chromium")
    named = program(folder / "mine")
    monkeypatch.setenv(NAMED, str(named))
    assert executable(pytest.fail) == str(named)


def test_an_unknown_name_is_reported(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAMED, str(folder / "none"))
    with pytest.raises(MissingProgramError, match=r"CHROME_PATH is .*, where there is no file"):
        executable(pytest.fail)


def test_without_a_browser_the_error_says_what_to_install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(folder / "apt-get")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(MissingProgramError) as fault:
        executable(pytest.fail)
    assert str(fault.value) == NONE
    assert "apt-get install chromium" in NONE


def test_root_on_debian_installs_chromium_and_says_so(folder: Path, root: None) -> None:
    log, program_path = folder / "log", folder / "chromium-headless-shell"
    program(
        folder / "apt-get",
        f'echo "$@" >> {log}\ncase "$2" in install) : > {program_path}; /bin/chmod +x {program_path};; esac',
    )
    printed: list[str] = []
    assert executable(printed.append) == str(program_path)
    assert printed == [INSTALLING]
    assert log.read_text().splitlines() == [
        "-qq update",
        "-qq install --yes --no-install-recommends chromium-headless-shell fonts-liberation fonts-noto-color-emoji",
    ]


def test_an_install_that_fails_says_why(folder: Path, root: None) -> None:
    program(folder / "apt-get", "echo 'E: no such host' >&2; exit 100")
    with pytest.raises(MissingProgramError, match=r"Install one .* apt-get update said: E: no such host"):
        executable(lambda _: None)
