"""The HTTP client for callbacks. Receivers are untrusted: they may hang, misbehave or redirect.

Only the head of a response is read, and the whole call has one time limit. Redirects are not followed. The client uses
no proxy from the environment. Between calls to agents it keeps no cookies and no connections.

The receiver of the feed is the operator's own, and gets many events in a row. So connections to it are kept for a few
seconds, if the rest of the response is short. The receiver may close one just when the next event is sent over it. The
event is then sent again over another connection, which is safe because it has an id.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import AsyncIterator, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

from aiohttp import (
    ClientConnectorCertificateError,
    ClientConnectorError,
    ClientError,
    ClientOSError,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    DummyCookieJar,
    InvalidURL,
    ServerDisconnectedError,
    TCPConnector,
    TraceConfig,
    TraceConnectionReuseconnParams,
)
from aiohttp.abc import AbstractResolver, ResolveResult

from bot.callbacks.guard import ALLOW_SETTING, ForbiddenError, Gate, Network
from scheduler.callbacks.client import Reply, UnsentError

CALL_WITHIN = 15.0  # seconds
KEPT_FOR = 4.0  # seconds: many servers close an idle connection after five
MAX_REST = 2**14  # bytes: after a longer rest of the response, its connection is not kept
REST_WITHIN = 1.0  # seconds
RESOLVER_THREADS = 256  # a name server that hangs blocks one thread per name, for longer than a call may take
_WAS_KEPT = "was_kept"


@asynccontextmanager
async def callback_client(
    allowed: Iterable[Network],
    tls: ssl.SSLContext | None = None,
    within: float = CALL_WITHIN,
    setting: str = ALLOW_SETTING,
    *,
    keeps_connections: bool = False,
) -> AsyncIterator[CallbackClient]:
    """Yield the client. `tls` defaults to the system's authorities; `within` limits a whole call, in seconds.

    `setting`: the name of the setting that has the allowed networks, for messages.
    """
    connector = TCPConnector(
        limit=0,  # the sender limits concurrency
        force_close=not keeps_connections,
        keepalive_timeout=KEPT_FOR if keeps_connections else None,
        use_dns_cache=False,
        resolver=_Resolver(),
        socket_factory=Gate(allowed, setting).open,
        ssl=tls or True,  # with True, aiohttp loads the authorities once
    )
    async with ClientSession(
        connector=connector,
        cookie_jar=DummyCookieJar(),
        trust_env=False,
        auto_decompress=False,
        timeout=ClientTimeout(total=None, sock_connect=None),
        skip_auto_headers=("Accept", "Accept-Encoding"),
        trace_configs=[_note_kept_connections()],
    ) as session:
        yield CallbackClient(session, within, keeps_connections=keeps_connections)


class CallbackClient:
    """Implements `scheduler.callbacks.client.CallbackClient`."""

    def __init__(self, session: ClientSession, within: float, *, keeps_connections: bool) -> None:
        self._session, self._within, self._keeps_connections = session, within, keeps_connections

    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        try:
            async with asyncio.timeout(self._within):
                answer = await self._post(url, headers, body)
        except TimeoutError as fault:
            raise UnsentError(f"no answer within {self._within:g} s") from fault
        except (ClientError, OSError, ValueError) as fault:
            raise UnsentError(_describe_fault(fault)) from fault
        if self._keeps_connections:
            await _read_rest(answer)
        answer.close()  # the body is not read, however long it is; a connection that was given back stays open
        return Reply(answer.status, answer.headers.get("Retry-After"))

    async def _post(self, url: str, headers: Mapping[str, str], body: bytes) -> ClientResponse:
        """Send until a kept connection was still open, or a new one was tried."""
        while True:
            notes: dict[str, bool] = {}
            try:
                return await self._session.post(
                    url, data=body, headers=headers, allow_redirects=False, trace_request_ctx=notes
                )
            except (ServerDisconnectedError, ClientOSError):
                if _WAS_KEPT not in notes:
                    raise


def _note_kept_connections() -> TraceConfig:
    """Note of each call whether its connection was kept from an earlier one."""

    async def note(_: ClientSession, context: Any, __: TraceConnectionReuseconnParams) -> None:
        context.trace_request_ctx[_WAS_KEPT] = True

    tracing = TraceConfig()
    tracing.on_connection_reuseconn.append(note)
    return tracing


async def _read_rest(answer: ClientResponse) -> None:
    """Give the connection back if the body ends soon. The content of the body does not matter."""
    with suppress(TimeoutError, ClientError, OSError, asyncio.IncompleteReadError):
        async with asyncio.timeout(REST_WITHIN):
            await answer.content.readexactly(MAX_REST)


def _describe_fault(fault: Exception) -> str:
    """Describe the fault without the URL, which a library's own message may repeat."""
    match fault:
        case ClientConnectorCertificateError():
            return "its certificate is not to be trusted, or is another host's"
        case ClientConnectorError():
            return _describe_connect_fault(fault.os_error)
        case ServerDisconnectedError() | ConnectionError():
            return "hung up before it answered"
        case InvalidURL() | ValueError():
            return "its address cannot be called as it is written"
        case _:
            return f"no answer that can be read ({type(fault).__name__})"


def _describe_connect_fault(fault: OSError) -> str:
    if isinstance(fault, ForbiddenError):
        return str(fault)
    if isinstance(fault, socket.gaierror):
        return f"its name is not known ({fault.strerror})"
    return f"no connection ({os.strerror(fault.errno) if fault.errno else type(fault).__name__})"


class _Resolver(AbstractResolver):
    """The system's resolver in a thread pool of its own, so that a slow name server delays only callbacks."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(RESOLVER_THREADS, thread_name_prefix="callback-names")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        ask = partial(socket.getaddrinfo, host, port, family=family, type=socket.SOCK_STREAM)
        entries = await asyncio.get_running_loop().run_in_executor(self._threads, ask)
        flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
        return [
            ResolveResult(hostname=host, host=str(sockaddr[0]), port=port, family=kind, proto=protocol, flags=flags)
            for kind, _, protocol, _, sockaddr in entries
        ]

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
