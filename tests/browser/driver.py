"""The browser that the tests drive: whichever Chrome, Chromium or Edge there is; Debian's, where it may be installed."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from playwright.async_api import Browser, async_playwright

NAMED = "CHROME_PATH"
NAMES = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "microsoft-edge",
    "microsoft-edge-stable",
    "msedge",
)
PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    "C:/Program Files/Google/Chrome/Application/chrome.exe",
    "C:/Program Files (x86)/Microsoft/Edge/Application/msedge.exe",
)
PACKAGES = ("chromium", "fonts-liberation", "fonts-noto-color-emoji")
INSTALLING = (
    f"The browser tests find no browser. Installing {' '.join(PACKAGES)} by apt-get; this takes a minute or two …"
)
NONE = (
    "The browser tests drive a Chrome, Chromium or Edge, and there is none. Install one (on Debian or Ubuntu: "
    f"apt-get install {' '.join(PACKAGES)}), or say in {NAMED} where it is."
)


class NoBrowserError(Exception):
    """Says what to do."""


def executable(say: Callable[[str], None]) -> str:
    """Where the browser is. As root on Debian and its kin it is installed where there is none; elsewhere that is asked for."""
    found = _found()
    if not found and _may_install():
        # One worker installs, while the others wait until it has.
        with _alone():
            found = _found() or _installed(say)
    if not found:
        raise NoBrowserError(NONE)
    return found


def _found() -> str | None:
    if named := os.environ.get(NAMED):
        if not Path(named).is_file():
            raise NoBrowserError(f"{NAMED} is {named}, where there is no file.")
        return named
    there = (shutil.which(name) for name in (*NAMES, *PLACES))
    return next((path for path in there if path), None)


def _may_install() -> bool:
    return sys.platform == "linux" and os.geteuid() == 0 and shutil.which("apt-get") is not None


def _installed(say: Callable[[str], None]) -> str | None:
    say(INSTALLING)
    quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update"], ["install", "--yes", "--no-install-recommends", *PACKAGES]):
        done = subprocess.run(["apt-get", "-qq", *command], env=quiet, capture_output=True, text=True, check=False)
        if done.returncode:
            raise NoBrowserError(f"{NONE} apt-get {command[0]} said: {done.stderr.strip()[-500:]}")
    return _found()


@contextmanager
def _alone() -> Iterator[None]:
    with (Path(tempfile.gettempdir()) / "countersign-browser.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@asynccontextmanager
async def launched(path: str) -> AsyncIterator[Browser]:
    # Chromium's own sandbox refuses root; what it would keep out does not come here, since the tests see loopback alone.
    arguments = ["--no-sandbox"] if sys.platform == "linux" and os.geteuid() == 0 else []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=arguments)
        yield browser
        await browser.close()
