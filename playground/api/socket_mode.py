"""Socket Mode: the app holds up to ten sockets, and each payload is sent over one of them in turn.

A payload waits for its acknowledgement under its envelope's id, as `Delivery` waits for an answer over HTTP. Tests
close sockets and make them mute.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import uuid4

from aiohttp import WSMsgType, web

from playground.api.api_call import Answer, ApiCall, Method
from playground.model.ids import secret
from playground.model.workspace import Workspace

MAX_SOCKETS = 10
CONNECTION_LIFETIME = 18_060  # seconds, as Slack's hello says
DisconnectReason = Literal["warning", "refresh_requested", "link_disabled"]


def connections_open(call: ApiCall) -> Answer:
    slack, ticket = call.slack, secret()
    slack.tickets.add(ticket)
    address = slack.base_url.replace("http", "ws", 1)
    return {"url": f"{address}/playground/link/?ticket={ticket}&app_id={slack.app_id}"}


METHODS = {"apps.connections.open": Method(connections_open, "T3", ("connections:write",), app_level=True)}


@dataclass(frozen=True, slots=True, eq=False)
class Socket:
    websocket: web.WebSocketResponse
    transport: asyncio.Transport | None


@dataclass(slots=True)
class Sockets:
    slack: Workspace
    _open: list[Socket] = field(default_factory=list)
    _awaited: dict[str, asyncio.Future[Any]] = field(default_factory=dict)
    _turns: itertools.count[int] = field(default_factory=itertools.count)
    is_mute: bool = False  # a fault: connections are accepted, but nothing is sent

    @property
    def connected(self) -> int:
        return len(self._open)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """A ticket works once. A connection over the limit gets a disconnect message and is closed."""
        ticket = request.query.get("ticket", "")
        if ticket not in self.slack.tickets:
            raise web.HTTPUnauthorized(text="invalid ticket")
        self.slack.tickets.discard(ticket)
        socket = Socket(web.WebSocketResponse(), request.transport)
        await socket.websocket.prepare(request)
        if self.connected < MAX_SOCKETS:
            await self._serve(socket)
        else:
            await socket.websocket.send_json(_disconnect("too_many_websockets"))
            await socket.websocket.close()
        return socket.websocket

    async def _serve(self, socket: Socket) -> None:
        self._open.append(socket)
        self.slack.changes.announce("socket.opened")
        try:
            if not self.is_mute:
                await socket.websocket.send_json(self._hello())
            async for message in socket.websocket:
                if message.type is WSMsgType.TEXT:
                    self._acknowledge(message.json())
        finally:
            self._forget(socket)

    def _forget(self, socket: Socket) -> None:
        if socket in self._open:
            self._open.remove(socket)
            self.slack.changes.announce("socket.closed")

    def _hello(self) -> dict[str, Any]:
        debug = {"host": "applink-1", "started": "2026-01-01 00:00:00.000", "build_number": 1}
        return {
            "type": "hello",
            "num_connections": self.connected,
            "debug_info": debug | {"approximate_connection_time": CONNECTION_LIFETIME},
            "connection_info": {"app_id": self.slack.app_id},
        }

    def _acknowledge(self, acknowledgement: Mapping[str, Any]) -> None:
        waiter = self._awaited.get(str(acknowledgement.get("envelope_id")))
        if waiter and not waiter.done():
            waiter.set_result(acknowledgement.get("payload"))

    async def send(self, kind: str, payload: Mapping[str, Any], retry: int, reason: str) -> Any:
        """Returns the payload of the acknowledgement, however long it takes."""
        envelope_id = str(uuid4())
        envelope = {
            "envelope_id": envelope_id,
            "type": kind,
            "payload": payload,
            "accepts_response_payload": kind != "events_api",
        }
        if kind == "events_api":
            envelope |= {"retry_attempt": retry, "retry_reason": reason}
        waiter = self._awaited[envelope_id] = asyncio.get_running_loop().create_future()
        try:
            await self._next().websocket.send_json(envelope)
            return await waiter
        finally:
            del self._awaited[envelope_id]

    def _next(self) -> Socket:
        return self._open[next(self._turns) % len(self._open)]

    async def disconnect(self, reason: DisconnectReason) -> None:
        """A warning leaves the sockets open for a while; any other reason closes them."""
        for socket in tuple(self._open):
            await socket.websocket.send_json(_disconnect(reason))
            if reason != "warning":
                self._forget(socket)
                await socket.websocket.close()

    def drop(self) -> None:
        """Cut all connections without a message."""
        for socket in tuple(self._open):
            self._forget(socket)
            if socket.transport:
                socket.transport.abort()


def _disconnect(reason: str) -> dict[str, Any]:
    return {"type": "disconnect", "reason": reason, "debug_info": {"host": "applink-1"}}
