"""The demo's own controls: what the agents say, moving business time, and starting a story again.

They answer only requests that the playground's page may make.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import from_json

from bot.demo.agents.diary import Diary
from bot.demo.open_decisions import OpenDecision, find_open_decisions
from bot.demo.page.clock import MovedClock
from bot.demo.page.passage import Passage
from bot.demo.stage import Stage
from playground.browser.own_page import own_page_only
from rules.record.chain import rfc3339
from store.engine.workers import UnavailableError
from store.store import Store

MAX_MOVE = 24 * 3600  # seconds per move: shorter than any deadline of an agent
KEEPALIVE = 15.0  # seconds after which an idle stream sends a comment


class Move(BaseModel):
    """How far business time moves: forward only."""

    model_config = ConfigDict(extra="forbid", strict=True)

    seconds: int = Field(ge=1, le=MAX_MOVE)


class Panel:
    def __init__(self, clock: MovedClock, diary: Diary) -> None:
        self._clock, self._diary = clock, diary
        self._stage: Stage | None = None
        self._passage: Passage | None = None
        self._store: Store | None = None
        self._ending = False

    def connect(self, stage: Stage, passage: Passage, store: Store) -> None:
        """Called once the service runs: from now on there is a state to show and a time to move."""
        self._stage, self._passage, self._store = stage, passage, store

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/playground/demo/state", self.state),
            web.get("/playground/demo/events", self.events),
            web.post("/playground/demo/time", self.move),
            web.post("/playground/demo/stories/{name}", self.begin),
        ]

    async def state(self, request: web.Request) -> web.Response:
        own_page_only(request)
        return web.json_response(await self._state())

    async def _state(self) -> dict[str, object]:
        now = {"now": rfc3339(self._clock()), "moved_seconds": round(self._clock.moved.total_seconds())}
        return now | (self._stage.state(await self._open_decisions()) if self._stage else {"agents": [], "stories": []})

    async def _open_decisions(self) -> Mapping[str, OpenDecision]:
        """Empty while the service starts or ends."""
        if self._store is None:
            return {}
        installation, at = self._store.installation, self._clock()
        try:
            return await self._store.read(lambda connection: find_open_decisions(connection, installation, at))
        except UnavailableError:
            return {}

    async def move(self, request: web.Request) -> web.Response:
        """Handles the panel's request to move business time forward, and answers with the new state."""
        own_page_only(request)
        try:
            move_request = Move.model_validate(from_json(await request.read()))
        except (ValidationError, ValueError):
            return _problem(400, f'Send {{"seconds": 3600}}: whole seconds, from 1 to {MAX_MOVE}.')
        if self._passage is None:
            return _problem(503, "The demo is still starting. Try again in a second.")
        try:
            await self._passage.move(timedelta(seconds=move_request.seconds))
        except UnavailableError:
            return _problem(503, "The demo is ending.")
        self._diary.changes.announce("time.moved")
        return web.json_response(await self._state())

    async def begin(self, request: web.Request) -> web.Response:
        own_page_only(request)
        name = request.match_info["name"]
        if self._stage is None or not self._stage.has_story(name):
            return _problem(404, "There is no story of this name.")
        if self._stage.is_running(name):
            return _problem(409, "It is still running: its card waits for a reviewer.")
        self._stage.begin(name)
        return web.json_response(await self._state(), status=202)

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Sends "changed" after each change; the state itself is a separate request."""
        own_page_only(request)
        stream = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        await stream.prepare(request)
        news = asyncio.Event()
        unsubscribe = self._diary.changes.subscribe(lambda _: news.set())
        try:
            with suppress(ConnectionResetError):  # the browser disconnected
                while not self._ending:
                    await stream.write(b"data: changed\n\n" if news.is_set() else b": here\n\n")
                    news.clear()
                    await _wait_for(news, KEEPALIVE)
        finally:
            unsubscribe()
        return stream

    def end(self) -> None:
        """End all streams, so that shutdown need not wait for them."""
        self._ending = True
        self._diary.changes.announce("demo.ending")


async def _wait_for(news: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await news.wait()


def _problem(status: int, detail: str) -> web.Response:
    return web.json_response({"detail": detail}, status=status)
