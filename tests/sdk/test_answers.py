"""The SDK raises a matching error if the answer is broken, of another server, or of a service that is unavailable."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import chain, repeat
from typing import Any

import pytest

from countersign import (
    AsyncClient,
    BadAnswerError,
    CountersignError,
    Patience,
    ProblemError,
    StillPendingError,
    UnavailableError,
    UnreachableError,
)
from countersign.scripted import read_recorded

BRIEF = Patience(total=0.05, poll=5.0, first_rest=0.01, longest_rest=0.02)
PROBLEM = "Content-Type: application/problem+json"


def http_answer(status: int, body: str | bytes, *headers: str) -> bytes:
    body = body if isinstance(body, bytes) else body.encode()
    lines = [f"HTTP/1.1 {status} So", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


BUSY = http_answer(503, '{"type": "urn:countersign:problem:unavailable", "detail": "Not just now."}', PROBLEM)


@asynccontextmanager
async def serve_answers(answers: Iterator[bytes]) -> AsyncIterator[AsyncClient]:
    """A client of a server that gives these answers to any request."""

    async def give(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(next(answers))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(give, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, AsyncClient(f"http://127.0.0.1:{port}", "csk_1", patience=BRIEF) as client:
        yield client


ANSWERS: dict[str, tuple[bytes, type[CountersignError]]] = {
    "a problem without a body": (http_answer(503, "", PROBLEM), UnavailableError),
    "a problem that is a list": (http_answer(503, "[]", PROBLEM), UnavailableError),
    "a problem with parts of other types": (http_answer(409, '{"type": [], "errors": 5, "package": {}}'), ProblemError),
    "a body that is not gzip": (http_answer(200, b"no gzip", "Content-Encoding: gzip"), UnreachableError),
    "a very deeply nested body": (http_answer(200, "[" * 200_000), BadAnswerError),
    "a document of something else": (http_answer(200, '{"status": "pending"}'), BadAnswerError),
    "a redirect": (http_answer(301, "", "Location: https://example.com/"), BadAnswerError),
    "an endless Retry-After": (http_answer(503, "", f"Retry-After: {'9' * 400}"), UnreachableError),
}


@pytest.mark.parametrize(("answer", "kind"), ANSWERS.values(), ids=ANSWERS)
async def test_every_bad_answer_raises_an_error_of_the_sdk(answer: bytes, kind: type[CountersignError]) -> None:
    async with serve_answers(repeat(answer)) as client:
        with pytest.raises(kind):
            await client.handle("pkg_1")


async def test_an_unavailable_service_raises_its_reason_and_can_be_asked_again() -> None:
    async with serve_answers(repeat(BUSY)) as client:
        with pytest.raises(UnreachableError, match="Not just now") as unavailable:
            await client.handle("pkg_1")
    assert isinstance(unavailable.value, ProblemError)
    assert (unavailable.value.status, unavailable.value.kind) == (503, "unavailable")


async def test_a_wait_that_ends_while_the_service_is_unavailable_is_still_pending() -> None:
    pending: dict[str, Any] = read_recorded("pending")
    async with serve_answers(chain([http_answer(200, json.dumps(pending))], repeat(BUSY))) as client:
        handle = await client.handle("pkg_0")
        with pytest.raises(StillPendingError, match="Not just now"):
            await handle.wait(timeout=0.1)
