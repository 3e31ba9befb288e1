"""One browser that follows the workspace. It is told how things stand now, never what happened meanwhile.

What has changed is marked, and looked at when it is told: so a browser that is slow is told the newest once, and one
that comes back after any time begins with everything. Nothing can be lost, and no list of changes is kept.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

from playground.browser.picture import Picture
from playground.model.changes import Change

HEARTBEAT = 15.0  # seconds, after which also a browser that went without a word is noticed


class Part(NamedTuple):
    """Of a picture; of the messages, one."""

    name: str
    channel: str = ""
    ts: str = ""


WHOLE = Part("whole")


class Follower:
    def __init__(self, picture: Picture) -> None:
        self._picture = picture
        self._stale: dict[Part, None] = {WHOLE: None}  # in the order in which they became so
        self._news, self._ended = asyncio.Event(), False
        self._news.set()

    def hear(self, change: Change) -> None:
        part = self._touched(change)
        if part is not None:
            self._stale[part] = None
            self._news.set()

    def _touched(self, change: Change) -> Part | None:
        about, mine = change.about, change.about.get("user") == self._picture.user
        match change.kind.split("."):
            case ["message" | "note", _]:
                return Part("message", about["channel"], about["ts"])
            case ["view", _]:
                return Part("modals") if mine else None
            case ["home", _]:
                return Part("home") if mine else None
            case ["weather", _]:
                return Part("weather")
            case ["person" | "channel" | "group", _]:
                return WHOLE
            case _:
                return None

    def end(self) -> None:
        self._ended = True
        self._news.set()

    async def events(self) -> AsyncIterator[bytes]:
        """In the form of server-sent events, until `end`."""
        yield b"retry: 500\n\n"
        while not self._ended:
            try:
                async with asyncio.timeout(HEARTBEAT):
                    await self._news.wait()
            except TimeoutError:
                yield b": still here\n\n"
                continue
            self._news.clear()
            for part in self._taken():
                yield self._event(part)

    def _taken(self) -> list[Part]:
        stale, self._stale = self._stale, {}
        return [WHOLE] if WHOLE in stale else list(stale)

    def _event(self, part: Part) -> bytes:
        return f"event: {part.name}\ndata: {json.dumps(self._shown(part))}\n\n".encode()

    def _shown(self, part: Part) -> Any:
        match part.name:
            case "message":
                there = self._picture.message(part.channel, part.ts)
                return {"channel": part.channel, "ts": part.ts, "message": there}
            case "modals":
                return self._picture.modals()
            case "home":
                return self._picture.home()
            case "weather":
                return self._picture.weather()
            case _:
                return self._picture.whole()
