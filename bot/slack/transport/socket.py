"""Socket Mode, for installations without a public address: we connect to Slack, and it sends over the connection.

The SDK's client is not used, because connections are replaced about every hour and clicks must survive that. This
client opens the next connection before it drops the last one, notices a cut at once, asks for a new single-use ticket
at each attempt, answers on the connection that delivered the request, and finishes open requests on shutdown.
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

from bot.slack.context.background_tasks import BackgroundTasks
from bot.slack.context.slack_transport import ClicksInProgress
from bot.slack.outgoing.client import SlackClient
from bot.slack.outgoing.faults import CLIENT_ERRORS, read_answer
from scheduler.common.messenger import BusyError, SlackError, UnreachableError
from store.waiters import cancel_task

log = structlog.get_logger()

# All in seconds.
OPENS_WITHIN = 10.0
HEARTBEAT = 10.0  # a dead connection sends nothing, so it must be noticed
LASTS = 30.0  # a shorter connection counts as a failure, so that we pause before the next one
PAUSE, MAX_PAUSE = 1.0, 60.0


class Socket:
    """`connected` holds the connections on which Slack has said hello; `_refused` is why Slack gives no new one."""

    def __init__(self, client: SlackClient, token: str, background: BackgroundTasks, clicks: ClicksInProgress) -> None:
        self._client, self._token, self._background, self._clicks = client, token, background, clicks
        self._readers: set[asyncio.Task[None]] = set()
        self.connected: set[ClientWebSocketResponse] = set()
        self.greeted = asyncio.Event()  # set by the first hello
        self.announced: int | None = None  # connections of the app, as the newest hello counts them
        self.others = 0  # connections of the app that the newest hello counts, without those of this process
        self._outdated: set[ClientWebSocketResponse] = set()
        self._ending = asyncio.Event()  # the newest connection has ended, or is about to end
        self._last_hello = time.monotonic()
        self._refused: str | None = None

    @property
    def refusal(self) -> str | None:
        """Why no click can arrive, if Slack refuses: Socket Mode is off, or the token is not valid."""
        return None if self.connected else self._refused

    @asynccontextmanager
    async def open(self, app: AsyncApp) -> AsyncIterator[None]:
        """On exit nothing new is accepted, and accepted requests are answered before their connection is closed."""
        self._app = app
        listening = asyncio.create_task(self._listen_for_ever())
        try:
            yield
        finally:
            for task in (listening, *self._readers):
                await cancel_task(task)
            await self._background.finish()
            for ws in tuple(self.connected):
                await ws.close()
            self.connected.clear()

    async def _listen_for_ever(self) -> None:
        """Open the next connection whenever one ends or is about to end."""
        failures = 0
        while True:
            failures = 0 if await self._hold_connection() else failures + 1
            await asyncio.sleep(_pause(failures))

    def renew(self, after: float) -> None:
        """Replace the connections if the newest hello is `after` seconds old: the next hello counts them again."""
        if self.connected and not self._outdated and time.monotonic() - self._last_hello >= after:
            self._outdated = set(self.connected)
            self._ending.set()

    async def ticket(self) -> str:
        """The address for one new connection. It works once, and not for long."""
        answer = await read_answer(self._client.web.apps_connections_open(app_token=self._token), "url")
        return str(answer["url"])

    async def _hold_connection(self) -> bool:
        """Hold one connection until it ends or is replaced. Returns whether it lasted."""
        began = time.monotonic()
        try:
            async with asyncio.timeout(OPENS_WITHIN):
                ws = await self._connect()
        except (SlackError, *CLIENT_ERRORS) as fault:
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

    async def _connect(self) -> ClientWebSocketResponse:
        web, address = self._client.web, await self.ticket()
        ssl = True if web.ssl is None else web.ssl
        ws = web.session.ws_connect(address, heartbeat=HEARTBEAT, proxy=web.proxy, ssl=ssl)  # type: ignore[union-attr]
        return await ws

    async def _read(self, ws: ClientWebSocketResponse, ending: asyncio.Event) -> None:
        hello_timer = asyncio.get_running_loop().call_later(OPENS_WITHIN, self._give_up, ws, ending)
        try:
            async for message in ws:
                if message.type is WSMsgType.TEXT:
                    self._handle(ws, _envelope(message.data), ending)
            log.info("socket.ended", code=ws.close_code)
            self.connected.discard(ws)
        finally:
            hello_timer.cancel()
            ending.set()

    def _give_up(self, ws: ClientWebSocketResponse, ending: asyncio.Event) -> None:
        """A connection without hello brings no clicks: try another one."""
        if ws not in self.connected:
            log.warning("socket.no_hello")
            self._background.start("close", ws.close())
            ending.set()

    def _handle(self, ws: ClientWebSocketResponse, envelope: dict[str, Any], ending: asyncio.Event) -> None:
        match envelope.get("type"):
            case "hello":
                self._greet(ws, envelope)
            case "disconnect":
                self._note_disconnect(str(envelope.get("reason")))
                ending.set()
            case _:
                self._background.start("envelope", self._answer(ws, envelope))

    def _note_disconnect(self, reason: str) -> None:
        log.info("socket.ending", reason=reason)
        if reason == "link_disabled":  # Socket Mode was switched off
            self._refused = reason

    def _greet(self, ws: ClientWebSocketResponse, hello: dict[str, Any]) -> None:
        self.connected.add(ws)
        self._refused = None
        self.announced = hello.get("num_connections")
        self.others = max(0, int(self.announced or 0) - len(self.connected))
        self._last_hello = time.monotonic()
        self.greeted.set()
        log.info("socket.connected", others=self.others)
        for outdated in self._outdated:
            self._background.start("close", outdated.close())
        self._outdated = set()

    async def _answer(self, ws: ClientWebSocketResponse, envelope: dict[str, Any]) -> None:
        request = SocketModeRequest.from_dict(envelope)
        if request is None:
            return
        try:
            with self._clicks.in_progress():
                answer = await run_async_bolt_app(self._app, request)
        except Exception as fault:  # noqa: BLE001 - listeners let nothing escape: Bolt could not read it
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
    """Malformed text counts as an envelope of an unknown type; the connection stays open."""
    try:
        envelope = json.loads(text)
    except ValueError:
        envelope = None
    return envelope if isinstance(envelope, dict) else {}


def _payload(answer: BoltResponse) -> dict[str, Any]:
    if not answer.body:
        return {}
    is_json = answer.first_headers().get("content-type", "").startswith("application/json")
    return {"payload": json.loads(answer.body) if is_json else {"text": answer.body}}


def _pause(failures: int) -> float:
    """Longer with each failure, and random so that replicas do not reconnect together. No pause after success."""
    return random.uniform(0.5, 1) * min(MAX_PAUSE, PAUSE * 2.0**failures) if failures else 0  # noqa: S311
