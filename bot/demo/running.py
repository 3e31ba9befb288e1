"""Runs the demo in a terminal: prints a few lines at the start and one at the end."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import webbrowser
from collections.abc import Callable

from bot import logs
from bot.demo.assembly import Demo, open_demo
from bot.demo.folder import Folder
from bot.process.event_loop import run_in_event_loop
from bot.settings import LogFormat

Say = Callable[[str], None]


def run_demo(folder: Folder, port: int, say: Say, *, fresh: bool, browser: bool) -> None:
    """Run until Ctrl-C or SIGTERM."""
    with folder.hold(fresh=fresh), folder.log.open("a", encoding="utf-8") as log:
        logs.set_up(LogFormat.TEXT, log)
        run_in_event_loop(_until_stopped(folder, port, say, browser=browser))


async def _until_stopped(folder: Folder, port: int, say: Say, *, browser: bool) -> None:
    """Signals also stop a demo that is still starting."""
    stop = asyncio.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signum, stop.set)
    ending, showing = asyncio.create_task(stop.wait()), asyncio.create_task(_show(folder, port, say, browser=browser))
    await asyncio.wait([ending, showing], return_when=asyncio.FIRST_COMPLETED)
    ending.cancel()
    showing.cancel()
    await asyncio.wait([showing])
    if not showing.cancelled() and (fault := showing.exception()):
        raise fault
    say("The demo has ended. The next start continues where it was.")


async def _show(folder: Folder, port: int, say: Say, *, browser: bool) -> None:
    say("Countersign's demo is starting ...")
    data_line = f"{folder.path} ({'continues; --fresh starts over' if folder.is_used else 'new'})"
    async with open_demo(folder, port) as demo:
        page = f"{demo.url}/playground"
        say(welcome(page, demo, data_line))
        if browser and not await asyncio.to_thread(_open_browser, page):
            say("No browser could be opened. Open this address yourself.")
        await asyncio.Event().wait()


EXAMPLE = (
    '{"title": "Refund order 456", "action_type": "refund_order", "proposed_action": "Refund 120 EUR",'
    ' "rationale": "The parcel came back", "risk_level": "medium", "confidence": 0.95,'
    ' "action_parameters": {"order": 456, "amount": "120.00"}}'
)


def welcome(page: str, demo: Demo, data_line: str) -> str:
    """The text that `countersign demo` prints once it runs."""
    return (
        f"\n  Open        {page}"
        "\n              A stand-in for Slack, on this machine alone"
        f"\n  API         {demo.url}/docs"
        f"\n  Your agent  export KEY={demo.own_agent.key}"
        f"\n              curl -s {demo.url}/v1/packages -H \"Authorization: Bearer $KEY\" -d '{EXAMPLE}'"
        "\n              The card appears in #reviews. Callbacks to this machine work; their secret is"
        f"\n              {demo.own_agent.callback_secret}"
        f"\n  Data        {data_line}"
        "\n  Stop        Ctrl-C\n"
    )


def _open_browser(page: str) -> bool:
    """Only if there is a screen: a text browser would take over the terminal."""
    screen = sys.platform in ("darwin", "win32") or any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")))
    return screen and webbrowser.open(page)
