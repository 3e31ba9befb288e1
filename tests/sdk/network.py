"""The network between an agent and the service, which can be cut, and can lose what the service answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit


class Network:
    """`down` may be set from any thread: nothing comes through any more. `mute`: answers vanish, and nobody hangs up."""

    def __init__(self, to: str) -> None:
        its = urlsplit(to)
        self._host, self._port = its.hostname, its.port
        self._ways: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self.url, self.answers_to_lose, self.lost = "", 0, asyncio.Event()
        self.used, self.down, self.mute = asyncio.Event(), False, False

    async def mend(self) -> None:
        """Open, at the address where it always was."""
        port = urlsplit(self.url).port or 0
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", port)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def cut(self) -> None:
        """Who is connected is cut off in the middle, and nobody comes through any more."""
        assert self._server is not None
        self._server.close()
        for way in self._ways.copy():
            way.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            on_reader, on_writer = await asyncio.open_connection(self._host, self._port)
            self._ways |= {writer, on_writer}
            await asyncio.gather(self._pump(reader, on_writer), self._pump(on_reader, writer, answers=True))

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
                self.used.set()
                await writer.drain()
        self._ways.discard(writer)
        writer.close()


@asynccontextmanager
async def network(to: str) -> AsyncIterator[Network]:
    its = Network(to)
    await its.mend()
    try:
        yield its
    finally:
        await its.cut()
