"""The feed's client keeps its connections for a few seconds. What the receiver does with them loses no event."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from bot.callbacks import client as callbacks
from bot.callbacks.client import MAX_REST, callback_client
from scheduler.callbacks.client import Reply, UnsentError
from tests.scheduler.callbacks.rounds import LOOPBACK, SOON, WITHIN

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
HANG_UP = b""
Script = Callable[[int, int], bytes]  # the answer to which request over which connection, from 1 on


class ScriptedServer:
    """`requests`: how many arrived over each connection, in the order in which these were opened."""

    def __init__(self, script: Script) -> None:
        self.requests: list[int] = []
        self._script = script
        self._tasks: list[asyncio.Task[None]] = []

    async def wait_until_all_hung_up(self) -> None:
        await asyncio.gather(*self._tasks)

    def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._tasks.append(asyncio.create_task(self._answer(reader, writer)))

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.requests.append(0)
        place = len(self.requests)
        while await _read_request(reader):
            self.requests[place - 1] += 1
            answer = self._script(place, self.requests[place - 1])
            if answer == HANG_UP:
                break
            writer.write(answer)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def _read_request(reader: asyncio.StreamReader) -> bool:
    """Its body is `{}`. False: the client has hung up."""
    try:
        await reader.readuntil(b"\r\n\r\n{}")
    except (asyncio.IncompleteReadError, ConnectionError):
        return False
    return True


@asynccontextmanager
async def calls(
    script: Script, *, keeps_connections: bool = True
) -> AsyncIterator[tuple[ScriptedServer, Callable[[], Awaitable[Reply]]]]:
    scripted = ScriptedServer(script)
    server = await asyncio.start_server(scripted.serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/events"
    async with server:
        async with callback_client(LOOPBACK, None, WITHIN, keeps_connections=keeps_connections) as client:
            yield scripted, lambda: client.send(url, {}, b"{}")
        await scripted.wait_until_all_hung_up()


@pytest.mark.parametrize(("keeps_connections", "requests"), [(True, [3]), (False, [1, 1, 1])])
async def test_events_in_a_row_share_a_connection_and_callbacks_do_not(
    keeps_connections: bool, requests: list[int]
) -> None:
    async with calls(lambda *_: OK, keeps_connections=keeps_connections) as (server, send):
        assert [await send() for _ in range(3)] == [Reply(200)] * 3
    assert server.requests == requests


async def test_events_at_the_same_time_have_connections_of_their_own() -> None:
    async with calls(lambda *_: OK) as (server, send):
        for _ in range(2):
            await asyncio.gather(send(), send())
    assert server.requests == [2, 2]


async def test_an_event_goes_over_another_connection_if_the_receiver_closes_the_kept_one_as_it_is_sent() -> None:
    async with calls(lambda _, request: OK if request == 1 else HANG_UP) as (server, send):
        assert [await send() for _ in range(3)] == [Reply(200)] * 3
    assert server.requests == [2, 2, 1]


async def test_an_event_is_not_sent_twice_if_the_receiver_hangs_up_on_a_new_connection() -> None:
    async with calls(lambda *_: HANG_UP) as (server, send):
        with pytest.raises(UnsentError, match="hung up before it answered"):
            await send()
    assert server.requests == [1]


LONG = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 2 * MAX_REST
LATE = b"HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 5\r\n\r\nab"


@pytest.mark.parametrize(("answer", "reply"), [(LONG, Reply(200)), (LATE, Reply(503, "7"))], ids=["long", "late"])
async def test_a_connection_whose_response_does_not_end_soon_is_closed_and_its_answer_counts(
    monkeypatch: pytest.MonkeyPatch, answer: bytes, reply: Reply
) -> None:
    monkeypatch.setattr(callbacks, "REST_WITHIN", SOON)
    async with calls(lambda *_: answer) as (server, send):
        assert [await send() for _ in range(2)] == [reply] * 2
    assert server.requests == [1, 1]
