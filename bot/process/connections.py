"""Limits the open connections, so that idle, slow or too many clients never keep Slack out.

Each connection is in one phase, and each phase has a time limit: the head of a request must arrive within seconds, a
request must end within a minute or so, and an idle connection is closed. Each phase belongs to a share of all
connections. When a share is full, its oldest connection is closed for the new one; a new connection is never refused,
because it may be Slack. A connection counts as keyless until its current request has shown a valid agent key or Slack
signature, so only Slack can fill Slack's share. Heads and keyless requests have separate shares, so that neither can
push out the other.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import Any, NamedTuple

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from bot.logs import request_log
from bot.metrics import Metrics
from bot.process.headers import ServerResponse
from bot.process.peers import Peers
from store.waiters import cancel_task

log = structlog.get_logger()

CHECK_INTERVAL = 1.0  # seconds
LOG_INTERVAL = 60.0  # seconds: at most one log line a minute


class Phase(StrEnum):
    """What a connection is doing. HEAD begins with the first byte of a request, or with a new connection."""

    HEAD = "head"
    KEYLESS = "keyless"  # a request without a valid key or signature, or before either was checked
    AGENT = "agent"
    AGENT_IDLE = "agent_idle"
    SLACK = "slack"
    SLACK_IDLE = "slack_idle"


HEAD_WITHIN = 10.0  # seconds, as all limits here
PHASE_LIMITS: Mapping[Phase, float] = {
    Phase.HEAD: HEAD_WITHIN,
    Phase.KEYLESS: 15.0,  # body and answer; /slack/events checks its signature only after the body
    Phase.AGENT: 90.0,  # a body, and a wait of 30 seconds
    Phase.AGENT_IDLE: 130.0,  # longer than proxies and clients keep idle connections
    Phase.SLACK: 30.0,
    Phase.SLACK_IDLE: 130.0,
}
_IDLE = {Phase.AGENT: Phase.AGENT_IDLE, Phase.SLACK: Phase.SLACK_IDLE}


class Share(NamedTuple):
    """A part of all connections, in eighths. When it is full, the phases in `yields` lose some, in this order."""

    eighths: int
    yields: tuple[Phase, ...]


_KEYLESS = (Share(1, (Phase.HEAD,)), Share(2, (Phase.KEYLESS,)))
_AGENTS = Share(4, (Phase.AGENT_IDLE, Phase.AGENT))
_SLACK = Share(1, (Phase.SLACK_IDLE,))  # a request that Slack has signed is never aborted to make room
_SHARE_OF = {phase: share for share in (*_KEYLESS, _AGENTS, _SLACK) for phase in share.yields} | {Phase.SLACK: _SLACK}


class Connection(web.RequestHandler):
    """One incoming connection. It reports its phases to the registry while it is open."""

    __slots__ = ("deadline", "peer", "phase", "proof", "registry")

    def __init__(self, registry: Connections, server: web.Server, **options: Any) -> None:
        super().__init__(server, loop=asyncio.get_running_loop(), **options)
        self.registry = registry
        # `proof` is the phase between requests: HEAD until a request has shown a valid key or signature.
        self.phase, self.proof = Phase.HEAD, Phase.HEAD
        self.peer: str | None = None
        self.deadline = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.registry.add(self, transport.get_extra_info("peername"))

    def connection_lost(self, exc: BaseException | None) -> None:
        self.registry.remove(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.phase is self.proof:  # no request is in progress
            self.registry.head_started(self)
        super().data_received(data)

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Mark the connection as idle once the response is written."""
        result = await super().finish_response(request, resp, start_time)
        self.registry.move(self, self.proof)
        return result

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Replace aiohttp's error page by a plain response, and close the connection after it."""
        answer = super().handle_error(request, status, exc, message)
        text = answer.text if isinstance(answer, web.Response) else None
        response = ServerResponse(status=answer.status, text=text, content_type=answer.content_type)
        response.force_close()
        return response

    def abort(self) -> None:
        """Close at once and drop unsent data: the client may never read it."""
        transport = self.transport
        self.force_close()
        if transport is not None:
            transport.abort()


class Connections:
    """The registry of all open connections of this process, at most `limit`."""

    def __init__(self, limit: int, peers: Peers, metrics: Metrics) -> None:
        self._limit, self._peers, self._metrics = limit, peers, metrics
        self._phases: dict[Phase, dict[Connection, None]] = {phase: {} for phase in Phase}
        self._keyless_by_peer: defaultdict[tuple[str, Phase], dict[Connection, None]] = defaultdict(dict)
        self._closed: Counter[str] = Counter()
        self._now = asyncio.get_running_loop().time
        self._next_log_at = 0.0
        for phase, members in self._phases.items():
            metrics.connections.labels(phase.value).set_function(members.__len__)

    def factory(self, runner: web.AppRunner) -> Callable[[], Connection]:
        server, options = runner.server, {"access_log": None, "logger": request_log()}
        assert server is not None  # noqa: S101 - the runner is set up before anything is accepted
        return lambda: Connection(self, server, **options)

    def add(self, connection: Connection, address: Any) -> None:
        connection.peer = self._peers.of_connection(address)
        self.move(connection, Phase.HEAD)

    def head_started(self, connection: Connection) -> None:
        """The first bytes of a request head have arrived: the rest must follow within `HEAD_WITHIN`."""
        connection.deadline = min(connection.deadline, self._now() + HEAD_WITHIN)

    def head_received(self, connection: Connection, request: web.BaseRequest) -> None:
        """A whole head has arrived; no key or signature has been checked yet."""
        self._forget_peer(connection)
        connection.peer = self._peers.of_request(connection.peername, request.headers)
        self.move(connection, Phase.KEYLESS)

    def mark_proven(self, connection: Connection, phase: Phase) -> None:
        """The current request has shown an agent's key or Slack's signature: `phase` says which."""
        connection.proof = _IDLE[phase]
        self.move(connection, phase)

    def move(self, connection: Connection, phase: Phase) -> None:
        """Enter a phase as its newest member. If the share is full now, its oldest connections are closed."""
        if connection.transport is None:
            return
        self.remove(connection)
        connection.phase, connection.deadline = phase, self._now() + PHASE_LIMITS[phase]
        self._phases[phase][connection] = None
        share = _SHARE_OF[phase]
        if share in _KEYLESS and connection.peer is not None:
            of_peer = self._keyless_by_peer[connection.peer, phase]
            of_peer[connection] = None
            self._limit_peer(of_peer, self._capacity(share) // 2)
        self._make_room(share)

    def remove(self, connection: Connection) -> None:
        self._phases[connection.phase].pop(connection, None)
        self._forget_peer(connection)

    def _forget_peer(self, connection: Connection) -> None:
        key = (connection.peer or "", connection.phase)
        if of_peer := self._keyless_by_peer.get(key):
            of_peer.pop(connection, None)
            if not of_peer:
                del self._keyless_by_peer[key]

    def _capacity(self, share: Share) -> int:
        return self._limit * share.eighths // 8

    def _limit_peer(self, of_peer: dict[Connection, None], limit: int) -> None:
        """One address may hold at most half of a share of keyless connections."""
        while len(of_peer) > limit:
            self._close(next(iter(of_peer)), "crowded")

    def _make_room(self, share: Share) -> None:
        members = [self._phases[phase] for phase in share.yields]
        while sum(map(len, members)) > self._capacity(share):
            first_to_yield = next(connections for connections in members if connections)
            self._close(next(iter(first_to_yield)), "crowded")

    def _close(self, connection: Connection, reason: str) -> None:
        self.remove(connection)
        connection.abort()
        self._closed[reason] += 1
        self._metrics.connections_closed.labels(reason).inc()

    @asynccontextmanager
    async def watch(self) -> AsyncIterator[None]:
        """Close expired connections once a second, until the end of the block."""
        checking = asyncio.create_task(self._check_for_ever())
        try:
            yield
        finally:
            await cancel_task(checking)

    async def _check_for_ever(self) -> None:
        while True:
            await asyncio.sleep(CHECK_INTERVAL)
            try:
                self.close_expired()
            except Exception:
                log.exception("http.connections_check_failed")

    def close_expired(self) -> None:
        """Close the connections whose phase has ended."""
        now = self._now()
        expired = [member for members in self._phases.values() for member in members if member.deadline <= now]
        for connection in expired:
            self._close(connection, "idle" if connection.phase in _IDLE.values() else "slow")
        self._log_closed(now)

    def _log_closed(self, now: float) -> None:
        """Log the closed connections, at most one line a minute. Idle ones alone are not logged."""
        if self._closed.keys() - {"idle"} and now >= self._next_log_at:
            log.warning("http.connections_closed", **self._closed)
            self._closed.clear()
            self._next_log_at = now + LOG_INTERVAL


@web.middleware
async def track_connection(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Tell the registry that the head of this request has arrived."""
    if isinstance(request.protocol, Connection):
        request.protocol.registry.head_received(request.protocol, request)
    return await handler(request)


def mark_proven(request: web.Request, phase: Phase) -> None:
    """Record that the current request has shown a valid key or signature."""
    if isinstance(request.protocol, Connection):
        request.protocol.registry.mark_proven(request.protocol, phase)


def peer_of(request: web.BaseRequest) -> str | None:
    """The client's address, possibly as forwarded by a trusted proxy."""
    return request.protocol.peer if isinstance(request.protocol, Connection) else None
