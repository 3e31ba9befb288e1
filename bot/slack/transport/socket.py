"""Socket Mode: the way in where there is no public address. We call Slack, and Slack sends over the open connection.

The SDK has a client for this. Ours is here because a connection is replaced every hour or so, and meanwhile somebody
clicks: it opens the next one before it lets go of the last, notices a cut at once, asks for a new single-use ticket at
each attempt, answers on the connection by which it was asked, and at the end finishes what it was asked.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

import structlog
from aiohttp import ClientWebSocketResponse, WSMsgType
from slack_bolt.adapter.socket_mode.async_internals import run_async_bolt_app
from slack_bolt.async_app import AsyncApp
from slack_bolt.response import BoltResponse
from slack_sdk.socket_mode.request import SocketModeRequest

from bot.slack.context.errands import Errands
from bot.slack.outgoing.client import SlackClient
from bot.slack.outgoing.faults import RAISED, understood
from scheduler.common.messenger import BusyError, SlackError, UnreachableError
from scheduler.time.clicks import Clicks
from store.waiters import stopped

log = structlog.get_logger()

OPENS_WITHIN = 10.0
HEARTBEAT = 10.0  # a connection that has fallen silent does not say so
LASTS = 30.0  # what ended sooner counts as a failure, so that nothing goes round and round without a pause
PAUSE, LONGEST_PAUSE = 1.0, 60.0


class Socket:
    """`connected` holds the connections on which Slack has said hello; `_refused` is why Slack gives no new one."""

    def __init__(self, client: SlackClient, token: str, errands: Errands, clicks: Clicks) -> None:
        self._client, self._token, self._errands, self._clicks = client, token, errands, clicks
        self._readers: set[asyncio.Task[None]] = set()
        self.connected: set[ClientWebSocketResponse] = set()
        self.others = 0  # connections of the app that the newest hello counts and that are not of this process
        self._outdated: set[ClientWebSocketResponse] = set()
        self._ending = asyncio.Event()
        self._greeted = time.monotonic()
        self._refused: str | None = None

    @property
    def refused(self) -> str | None:
        """Why no click can come in, if Slack itself does not want it: Socket Mode is off, or its token is not valid."""
        return None if self.connected else self._refused

    @asynccontextmanager
    async def open(self, app: AsyncApp) -> AsyncIterator[None]:
        """At the end nothing more is taken in, and what was taken is answered before its connection is closed."""
        self._app = app
        listening = asyncio.create_task(self._listen_for_ever())
        try:
            yield
        finally:
            for task in (listening, *self._readers):
                await stopped(task)
            await self._errands.finished()
            for ws in tuple(self.connected):
                await ws.close()
            self.connected.clear()

    async def _listen_for_ever(self) -> None:
        """Whenever a connection ends, or is about to, there is another one."""
        failures = 0
        while True:
            failures = 0 if await self._link() else failures + 1
            await asyncio.sleep(_pause(failures))

    def renew(self, after: float) -> None:
        """Opens another connection instead of these, if the newest hello is so old: its hello counts again."""
        if self.connected and not self._outdated and time.monotonic() - self._greeted >= after:
            self._outdated = set(self.connected)
            self._ending.set()

    async def ticket(self) -> str:
        """The address of a connection to come: good for one, and not for long."""
        answer = await understood(self._client.web.apps_connections_open(app_token=self._token), "url")
        return str(answer["url"])

    async def _link(self) -> bool:
        """One connection, until it ends or has to be replaced; and whether it was of any use."""
        began = time.monotonic()
        try:
            async with asyncio.timeout(OPENS_WITHIN):
                ws = await self._opened()
        except (SlackError, *RAISED) as fault:
            log.warning("socket.not_connected", error=str(fault) or type(fault).__name__)
            if isinstance(fault, SlackError) and not isinstance(fault, BusyError | UnreachableError):
                self._refused = fault.error
            await asyncio.sleep(fault.after if isinstance(fault, BusyError) else 0)
            return False
        ending = self._ending = asyncio.Event()
        reader = asyncio.create_task(self._read(ws, ending))
        self._readers.add(reader)
        reader.add_done_callback(self._readers.discard)
        await ending.wait()
        return time.monotonic() - began >= LASTS

    async def _opened(self) -> ClientWebSocketResponse:
        web, address = self._client.web, await self.ticket()
        ssl = True if web.ssl is None else web.ssl
        opened = web.session.ws_connect(address, heartbeat=HEARTBEAT, proxy=web.proxy, ssl=ssl)  # type: ignore[union-attr]
        return await opened

    async def _read(self, ws: ClientWebSocketResponse, ending: asyncio.Event) -> None:
        mute = asyncio.get_running_loop().call_later(OPENS_WITHIN, self._give_up, ws, ending)
        try:
            async for message in ws:
                if message.type is WSMsgType.TEXT:
                    self._take(ws, _envelope(message.data), ending)
            log.info("socket.ended", code=ws.close_code)
            self.connected.discard(ws)
        finally:
            mute.cancel()
            ending.set()

    def _give_up(self, ws: ClientWebSocketResponse, ending: asyncio.Event) -> None:
        """A connection over which Slack has not said hello brings nothing: another one may."""
        if ws not in self.connected:
            log.warning("socket.mute")
            self._errands.send("close", ws.close())
            ending.set()

    def _take(self, ws: ClientWebSocketResponse, envelope: dict[str, Any], ending: asyncio.Event) -> None:
        match envelope.get("type"):
            case "hello":
                self._greet(ws, envelope)
            case "disconnect":
                self._take_leave(str(envelope.get("reason")))
                ending.set()
            case _:
                self._errands.send("envelope", self._answer(ws, envelope))

    def _take_leave(self, reason: str) -> None:
        log.info("socket.ending", reason=reason)
        if reason == "link_disabled":  # somebody switched Socket Mode off
            self._refused = reason

    def _greet(self, ws: ClientWebSocketResponse, hello: dict[str, Any]) -> None:
        self.connected.add(ws)
        self._refused = None
        self.others = max(0, int(hello.get("num_connections") or 0) - len(self.connected))
        self._greeted = time.monotonic()
        log.info("socket.connected", others=self.others)
        for outdated in self._outdated:
            self._errands.send("close", outdated.close())
        self._outdated = set()

    async def _answer(self, ws: ClientWebSocketResponse, envelope: dict[str, Any]) -> None:
        request = SocketModeRequest.from_dict(envelope)
        if request is None:
            return
        try:
            with self._clicks.taken():
                answer = await run_async_bolt_app(self._app, request)
        except Exception as fault:  # noqa: BLE001 - no listener lets anything escape: it is Bolt that could not read it
            log.warning("socket.unreadable", error=type(fault).__name__)
            return
        if answer.status != HTTPStatus.OK:
            log.warning("socket.not_answered", kind=request.type, status=answer.status)
            return
        try:
            await ws.send_json({"envelope_id": request.envelope_id, **_payload(answer)})
        except ConnectionError as fault:
            log.warning("socket.answer_lost", kind=request.type, error=str(fault))


def _envelope(text: str) -> dict[str, Any]:
    """What is none goes by like one of a kind that we do not know; the connection holds."""
    try:
        read = json.loads(text)
    except ValueError:
        read = None
    return read if isinstance(read, dict) else {}


def _payload(answer: BoltResponse) -> dict[str, Any]:
    if not answer.body:
        return {}
    is_json = answer.first_headers().get("content-type", "").startswith("application/json")
    return {"payload": json.loads(answer.body) if is_json else {"text": answer.body}}


def _pause(failures: int) -> float:
    """Longer with each failure, and not at the same moment in every replica. After what went well there is none."""
    return random.uniform(0.5, 1) * min(LONGEST_PAUSE, PAUSE * 2.0**failures) if failures else 0  # noqa: S311
