"""The network between an agent and the service. Tests can cut it and make it lose answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit


class Network:
    """A proxy. `down` (set from any thread) stops all traffic; `mute` drops answers but keeps connections open."""

    def __init__(self, to: str) -> None:
        address = urlsplit(to)
        self._host, self._port = address.hostname, address.port
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self.url, self.answers_to_lose, self.lost = "", 0, asyncio.Event()
        self.activity, self.down, self.mute = asyncio.Event(), False, False

    async def restore(self) -> None:
        """Opens the network, always at the same address."""
        port = urlsplit(self.url).port or 0
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", port)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def cut(self) -> None:
        """Aborts all connections and accepts no new ones."""
        assert self._server is not None
        self._server.close()
        for writer in self._writers.copy():
            writer.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            service_reader, service_writer = await asyncio.open_connection(self._host, self._port)
            self._writers |= {writer, service_writer}
            await asyncio.gather(self._pump(reader, service_writer), self._pump(service_reader, writer, answers=True))

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answers: bool = False) -> None:
        with suppress(OSError):
            while (data := await reader.read(65536)) and not self.down:
                if answers and self.answers_to_lose:
                    self.answers_to_lose -= 1
                    self.lost.set()
                    break
                if answers and self.mute:
                    continue
                writer.write(data)
                self.activity.set()
                await writer.drain()
        self._writers.discard(writer)
        writer.close()


@asynccontextmanager
async def run_network(to: str) -> AsyncIterator[Network]:
    net = Network(to)
    await net.restore()
    try:
        yield net
    finally:
        await net.cut()
