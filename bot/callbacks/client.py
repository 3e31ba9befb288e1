"""The client that calls receivers: strangers, who may hang, lie or lead elsewhere.

Of an answer only the head is read, and in all it may take so long. Redirects are answers like others. Nothing comes
along from this machine's environment, and nothing stays from one call to the next: no proxy, no cookie, no connection.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import AsyncIterator, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial

from aiohttp import (
    ClientConnectorCertificateError,
    ClientConnectorError,
    ClientError,
    ClientSession,
    ClientTimeout,
    DummyCookieJar,
    InvalidURL,
    ServerDisconnectedError,
    TCPConnector,
)
from aiohttp.abc import AbstractResolver, ResolveResult

from bot.callbacks.guard import ForbiddenError, Gate, Network
from scheduler.callbacks.post import Reply, UnsentError

ANSWERS_WITHIN = 15.0
RESOLVING = 256  # threads at most: a name server that hangs holds one for each name, and for longer than we wait


@asynccontextmanager
async def callback_client(
    allowed: Iterable[Network], tls: ssl.SSLContext | None = None, within: float = ANSWERS_WITHIN
) -> AsyncIterator[CallbackClient]:
    """`tls`: whom to trust; the machine's authorities if not given. `within`: seconds for all of a call."""
    connector = TCPConnector(
        limit=0,  # the courier's lanes say how many
        force_close=True,
        use_dns_cache=False,
        resolver=_Resolver(),
        socket_factory=Gate(allowed).open,
        ssl=tls or True,  # the authorities are read once, by aiohttp itself
    )
    async with ClientSession(
        connector=connector,
        cookie_jar=DummyCookieJar(),
        trust_env=False,
        auto_decompress=False,
        timeout=ClientTimeout(total=None, sock_connect=None),
        skip_auto_headers=("Accept", "Accept-Encoding"),
    ) as session:
        yield CallbackClient(session, within)


class CallbackClient:
    def __init__(self, session: ClientSession, within: float) -> None:
        self._session, self._within = session, within

    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        try:
            async with asyncio.timeout(self._within):
                answer = await self._session.post(url, data=body, headers=headers, allow_redirects=False)
        except TimeoutError as fault:
            raise UnsentError(f"no answer within {self._within:g} s") from fault
        except (ClientError, OSError, ValueError) as fault:
            raise UnsentError(_sentence(fault)) from fault
        answer.close()  # what is still to come is nobody's business, however much it is
        return Reply(answer.status, answer.headers.get("Retry-After"))


def _sentence(fault: Exception) -> str:
    """Without the address: a library's own words may repeat it."""
    match fault:
        case ClientConnectorCertificateError():
            return "its certificate is not to be trusted, or is another host's"
        case ClientConnectorError():
            return _unconnected(fault.os_error)
        case ServerDisconnectedError() | ConnectionError():
            return "hung up before it answered"
        case InvalidURL() | ValueError():
            return "its address cannot be called as it is written"
        case _:
            return f"no answer that can be read ({type(fault).__name__})"


def _unconnected(fault: OSError) -> str:
    if isinstance(fault, ForbiddenError):
        return str(fault)
    if isinstance(fault, socket.gaierror):
        return f"its name is not known ({fault.strerror})"
    return f"no connection ({os.strerror(fault.errno) if fault.errno else type(fault).__name__})"


class _Resolver(AbstractResolver):
    """The machine's own, in threads that nobody else needs."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(RESOLVING, thread_name_prefix="callback-names")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        ask = partial(socket.getaddrinfo, host, port, family=family, type=socket.SOCK_STREAM)
        found = await asyncio.get_running_loop().run_in_executor(self._threads, ask)
        flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
        return [
            ResolveResult(hostname=host, host=str(at[0]), port=port, family=kind, proto=protocol, flags=flags)
            for kind, _, protocol, _, at in found
        ]

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
