"""One browser that follows the workspace. It is sent the current state, never a list of past changes.

A change only marks a part of the page as stale; the part is read when it is sent. A slow browser gets the newest state
once, and a browser that reconnects at any time starts with everything. Nothing can be lost, and no changes are stored.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

from playground.browser.page_data import PageData
from playground.model.changes import Change

HEARTBEAT = 15.0  # seconds; a write is how a silent disconnect is noticed


class Part(NamedTuple):
    """A part of the page; for messages, a single one."""

    name: str
    channel: str = ""
    ts: str = ""


WHOLE = Part("whole")


class Follower:
    def __init__(self, data: PageData) -> None:
        self._data = data
        self._stale: dict[Part, None] = {WHOLE: None}  # oldest first
        self._news, self._ended = asyncio.Event(), False
        self._news.set()

    def note_change(self, change: Change) -> None:
        part = self._part_of(change)
        if part is not None:
            self._stale[part] = None
            self._news.set()

    def _part_of(self, change: Change) -> Part | None:
        about, is_own = change.about, change.about.get("user") == self._data.user
        match change.kind.split("."):
            case ["message" | "note", _]:
                return Part("message", about["channel"], about["ts"])
            case ["view", _]:
                return Part("modals") if is_own else None
            case ["home", _]:
                return Part("home") if is_own else None
            case ["condition" | "mail" as name, _]:
                return Part(name)
            case ["person" | "channel" | "group", _]:
                return WHOLE
            case _:
                return None

    def end(self) -> None:
        self._ended = True
        self._news.set()

    async def events(self) -> AsyncIterator[bytes]:
        """Server-sent events, until `end` is called."""
        yield b"retry: 500\n\n"
        while not self._ended:
            try:
                async with asyncio.timeout(HEARTBEAT):
                    await self._news.wait()
            except TimeoutError:
                yield b": still here\n\n"
                continue
            self._news.clear()
            for part in self._take_stale():
                yield self._event(part)

    def _take_stale(self) -> list[Part]:
        stale, self._stale = self._stale, {}
        return [WHOLE] if WHOLE in stale else list(stale)

    def _event(self, part: Part) -> bytes:
        return f"event: {part.name}\ndata: {json.dumps(self._content(part))}\n\n".encode()

    def _content(self, part: Part) -> Any:
        match part.name:
            case "message":
                message = self._data.message(part.channel, part.ts)
                return {"channel": part.channel, "ts": part.ts, "message": message}
            case "modals":
                return self._data.modals()
            case "home":
                return self._data.home()
            case "condition":
                return self._data.condition()
            case "mail":
                return self._data.mail()
            case _:
                return self._data.whole()
