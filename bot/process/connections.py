"""Open connections: none stays without a reason, and no crowd of them keeps Slack out.

Each connection is in one phase, and each phase has a time limit: a head must arrive within seconds, a request must end
within a minute or so, and an unused connection is closed. Every phase belongs to a share of all connections. When a
share is full, its oldest connection makes room for the new one; newcomers are never refused, because one of them may be
Slack. A connection counts as keyless until its current request shows a valid agent key or a valid Slack signature, so
only Slack can fill Slack's share. Heads and keyless requests have a share each: neither crowd can push out the other.
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
from store.waiters import stopped

log = structlog.get_logger()

LOOKS_EVERY = 1.0
TELLS_EVERY = 60.0  # a flood is one line a minute


class Phase(StrEnum):
    """What a connection is doing. Its head counts from the first byte, or from the start of a new connection."""

    HEAD = "head"
    KEYLESS = "keyless"  # a request without a valid key or signature, or before either was checked
    AGENT = "agent"
    AGENT_IDLE = "agent_idle"
    SLACK = "slack"
    SLACK_IDLE = "slack_idle"


HEAD_WITHIN = 10.0
LASTS: Mapping[Phase, float] = {
    Phase.HEAD: HEAD_WITHIN,
    Phase.KEYLESS: 15.0,  # body and answer; /slack/events checks its signature only after the body
    Phase.AGENT: 90.0,  # a body, and a wait of 30 seconds
    Phase.AGENT_IDLE: 130.0,  # longer than proxies and clients keep them
    Phase.SLACK: 30.0,
    Phase.SLACK_IDLE: 130.0,
}
_IDLE = {Phase.AGENT: Phase.AGENT_IDLE, Phase.SLACK: Phase.SLACK_IDLE}


class Share(NamedTuple):
    """A part of all connections, in eighths; `yields` is the order in which its connections make room."""

    eighths: int
    yields: tuple[Phase, ...]


_KEYLESS = (Share(1, (Phase.HEAD,)), Share(2, (Phase.KEYLESS,)))
_AGENTS = Share(4, (Phase.AGENT_IDLE, Phase.AGENT))
_SLACK = Share(1, (Phase.SLACK_IDLE,))  # a request that Slack signed is never cut off for another connection
_SHARE_OF = {phase: share for share in (*_KEYLESS, _AGENTS, _SLACK) for phase in share.yields} | {Phase.SLACK: _SLACK}


class Connection(web.RequestHandler):
    """One connection that came in, known to the registry for as long as it is open."""

    __slots__ = ("deadline", "peer", "phase", "proof", "registry")

    def __init__(self, registry: Connections, server: web.Server, **options: Any) -> None:
        super().__init__(server, loop=asyncio.get_running_loop(), **options)
        self.registry = registry
        self.phase, self.proof = Phase.HEAD, Phase.HEAD  # `proof`: how it waits for its next request
        self.peer: str | None = None
        self.deadline = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.registry.opened(self, transport.get_extra_info("peername"))

    def connection_lost(self, exc: BaseException | None) -> None:
        self.registry.gone(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.phase is self.proof:
            self.registry.begun(self)
        super().data_received(data)

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """After the answer was written the connection is idle."""
        answered = await super().finish_response(request, resp, start_time)
        self.registry.move(self, self.proof)
        return answered

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        answer = super().handle_error(request, status, exc, message)
        text = answer.text if isinstance(answer, web.Response) else None
        response = ServerResponse(status=answer.status, text=text, content_type=answer.content_type)
        response.force_close()
        return response

    def cut(self) -> None:
        """At once, and whatever was to be written: the other side may never read it."""
        transport = self.transport
        self.force_close()
        if transport is not None:
            transport.abort()


class Connections:
    """All of this process, at most `most`."""

    def __init__(self, most: int, peers: Peers, metrics: Metrics) -> None:
        self._most, self._peers, self._metrics = most, peers, metrics
        self._phases: dict[Phase, dict[Connection, None]] = {phase: {} for phase in Phase}
        self._keyless_of: defaultdict[tuple[str, Phase], dict[Connection, None]] = defaultdict(dict)
        self._closed: Counter[str] = Counter()
        self._now = asyncio.get_running_loop().time
        self._tells_at = 0.0
        for phase, members in self._phases.items():
            metrics.connections.labels(phase.value).set_function(members.__len__)

    def factory(self, runner: web.AppRunner) -> Callable[[], Connection]:
        server, options = runner.server, {"access_log": None, "logger": request_log()}
        assert server is not None  # noqa: S101 - the runner is set up before anything is accepted
        return lambda: Connection(self, server, **options)

    def opened(self, connection: Connection, address: Any) -> None:
        connection.peer = self._peers.of(address)
        self.move(connection, Phase.HEAD)

    def begun(self, connection: Connection) -> None:
        """The first bytes of a head, on an idle connection or on a new one: from here on it has little time."""
        connection.deadline = min(connection.deadline, self._now() + HEAD_WITHIN)

    def asks(self, connection: Connection, request: web.BaseRequest) -> None:
        """A whole head has arrived. Who sent it is not known yet."""
        self._forget_peer(connection)
        connection.peer = self._peers.behind(connection.peername, request.headers)
        self.move(connection, Phase.KEYLESS)

    def proven(self, connection: Connection, phase: Phase) -> None:
        connection.proof = _IDLE[phase]
        self.move(connection, phase)

    def move(self, connection: Connection, phase: Phase) -> None:
        """Into another phase, as its youngest; the oldest make room."""
        if connection.transport is None:
            return
        self._leave(connection)
        connection.phase, connection.deadline = phase, self._now() + LASTS[phase]
        self._phases[phase][connection] = None
        share = _SHARE_OF[phase]
        if share in _KEYLESS and connection.peer is not None:
            its = self._keyless_of[connection.peer, phase]
            its[connection] = None
            self._make_room_for_others(its, self._room_of(share) // 2)
        self._make_room(share)

    def gone(self, connection: Connection) -> None:
        self._leave(connection)

    def _leave(self, connection: Connection) -> None:
        self._phases[connection.phase].pop(connection, None)
        self._forget_peer(connection)

    def _forget_peer(self, connection: Connection) -> None:
        key = (connection.peer or "", connection.phase)
        if its := self._keyless_of.get(key):
            its.pop(connection, None)
            if not its:
                del self._keyless_of[key]

    def _room_of(self, share: Share) -> int:
        return self._most * share.eighths // 8

    def _make_room_for_others(self, of_peer: dict[Connection, None], most: int) -> None:
        """One address may hold half of a share of keyless connections."""
        while len(of_peer) > most:
            self._close(next(iter(of_peer)), "crowded")

    def _make_room(self, share: Share) -> None:
        members = [self._phases[phase] for phase in share.yields]
        while sum(map(len, members)) > self._room_of(share):
            self._close(next(iter(next(filter(None, members)))), "crowded")

    def _close(self, connection: Connection, reason: str) -> None:
        self._leave(connection)
        connection.cut()
        self._closed[reason] += 1
        self._metrics.connections_closed.labels(reason).inc()

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        looking = asyncio.create_task(self._look_for_ever())
        try:
            yield
        finally:
            await stopped(looking)

    async def _look_for_ever(self) -> None:
        while True:
            await asyncio.sleep(LOOKS_EVERY)
            try:
                self.look()
            except Exception:
                log.exception("http.connections_not_looked_after")

    def look(self) -> None:
        """Closes what has outstayed its phase."""
        now = self._now()
        late = [its for members in self._phases.values() for its in members if its.deadline <= now]
        for connection in late:
            self._close(connection, "idle" if connection.phase in _IDLE.values() else "slow")
        self._tell(now)

    def _tell(self, now: float) -> None:
        """One line for a burst, with what it came to so far."""
        if self._closed.keys() - {"idle"} and now >= self._tells_at:
            log.warning("http.connections_closed", **self._closed)
            self._closed.clear()
            self._tells_at = now + TELLS_EVERY


@web.middleware
async def watched(request: web.Request, handler: Handler) -> web.StreamResponse:
    if isinstance(request.protocol, Connection):
        request.protocol.registry.asks(request.protocol, request)
    return await handler(request)


def proven(request: web.Request, phase: Phase) -> None:
    """The current request has shown a valid key or a valid signature."""
    if isinstance(request.protocol, Connection):
        request.protocol.registry.proven(request.protocol, phase)


def peer_of(request: web.BaseRequest) -> str | None:
    """The address that the request comes from, or that a trusted proxy forwards."""
    return request.protocol.peer if isinstance(request.protocol, Connection) else None
