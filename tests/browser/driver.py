"""The browser that the tests drive: an installed Chrome, Chromium or Edge, or Debian's if it may be installed."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Browser, async_playwright

from tests.programs import MissingProgramError, Program, Say

NAMED = "CHROME_PATH"
# The headless shell is Chromium without windows: a page takes a quarter of the processor time.
NAMES = (
    "chromium-headless-shell",
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
PACKAGES = ("chromium-headless-shell", "fonts-liberation", "fonts-noto-color-emoji")
INSTALLING = (
    f"The browser tests find no browser. Installing {' '.join(PACKAGES)} by apt-get; this takes a minute or two …"
)
NONE = (
    "The browser tests drive a Chrome, Chromium or Edge, and there is none. Install one (on Debian or Ubuntu: "
    f"apt-get install {' '.join(PACKAGES)}), or say in {NAMED} where it is."
)


def executable(say: Say) -> str:
    """The path of the browser. Root on Debian or Ubuntu installs it if missing; otherwise an error asks for it."""
    return Program(_find_browser, PACKAGES, INSTALLING, NONE).path(say)


def _find_browser() -> str | None:
    if named := os.environ.get(NAMED):
        if not Path(named).is_file():
            raise MissingProgramError(f"{NAMED} is {named}, where there is no file.")
        return named
    there = (shutil.which(name) for name in (*NAMES, *PLACES))
    return next((path for path in there if path), None)


@asynccontextmanager
async def launch(path: str) -> AsyncIterator[Browser]:
    # Chromium's sandbox refuses to run as root, and is not needed here: the tests only visit loopback.
    arguments = ["--no-sandbox"] if sys.platform == "linux" and os.geteuid() == 0 else []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=arguments)
        yield browser
        await browser.close()


if __name__ == "__main__":  # installs the browser before a test needs it
    executable(print)
