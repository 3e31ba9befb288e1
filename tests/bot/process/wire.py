"""HTTP byte by byte, for requests that no client library would send."""

from __future__ import annotations

import asyncio
import json
from typing import Any, NamedTuple
from urllib.parse import urlsplit


class Raw(NamedTuple):
    status: int
    head: str
    text: str

    @property
    def body(self) -> Any:
        return json.loads(self.text)


async def connect(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    where = urlsplit(url)
    return await asyncio.open_connection(where.hostname, where.port)


def head(key: str, *lines: str, request: str = "POST /v1/packages HTTP/1.1") -> bytes:
    return "\r\n".join([request, "Host: x", f"Authorization: Bearer {key}", *lines, "", ""]).encode("latin-1")


async def read_answer(reader: asyncio.StreamReader, within: float = 20) -> Raw:
    """Read one whole response."""
    async with asyncio.timeout(within):
        written = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in written.split("\r\n"))}
        body = await reader.readexactly(int(headers["content-length"]))
    return Raw(int(written.split(" ")[1]), written, body.decode())


async def exchange(url: str, sent: bytes) -> Raw:
    reader, writer = await connect(url)
    try:
        writer.write(sent)
        return await read_answer(reader)
    finally:
        writer.close()
        await writer.wait_closed()
