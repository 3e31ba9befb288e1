"""Where the SDK sends the agent's key, and how it behaves at a rate limit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Generator
from typing import Any

import httpx
import pytest

from countersign import AsyncClient, Client, ConfigurationError, Patience, RateLimitedError
from countersign.wire import Call, Pause, send
from tests.bot.slack.office import Office

ELSEWHERE = "http://countersign.internal:8080"
PLAIN_HTTP = "plain http to another machine.*COUNTERSIGN_INSECURE=1"


@pytest.fixture
async def proxy(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[list[bytes]]:
    """The first bytes of each connection to the proxy that the environment names."""
    received: list[bytes] = []

    async def receive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.append(await reader.read(65536))
        writer.close()

    server = await asyncio.start_server(receive, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{port}")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    async with server:
        yield received


async def test_a_key_for_this_machine_is_not_sent_to_a_proxy(office: Office, proxy: list[bytes]) -> None:
    package = await office.submit()
    async with AsyncClient(office.url, office.key) as client:
        assert (await client.handle(package.id)).status == "pending"
    with Client(office.url, office.key) as sync_client:
        assert (await asyncio.to_thread(sync_client.handle, package.id)).status == "pending"
    assert proxy == []


@pytest.mark.parametrize("kind", [Client, AsyncClient])
@pytest.mark.parametrize("url", [ELSEWHERE, "http://10.0.0.7", "http://localhost.example.com", "http://127.1"])
def test_a_key_is_not_sent_over_plain_http_to_another_machine(kind: type[Any], url: str) -> None:
    with pytest.raises(ConfigurationError, match=PLAIN_HTTP):
        kind(url, "csk_1")


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_plain_http_to_another_machine_must_be_allowed_explicitly(
    kind: type[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    kind(ELSEWHERE, "csk_1", insecure=True)
    monkeypatch.setenv("COUNTERSIGN_INSECURE", "0")
    with pytest.raises(ConfigurationError, match=PLAIN_HTTP):
        kind(ELSEWHERE, "csk_1")
    monkeypatch.setenv("COUNTERSIGN_INSECURE", "1")
    kind(ELSEWHERE, "csk_1")


@pytest.mark.parametrize("url", ["https://countersign.internal", "http://localhost:8080", "http://[::1]:8080"])
def test_https_and_this_machine_are_always_allowed(url: str) -> None:
    Client(url, "csk_1").close()


CALL = Call(method="POST", path="/v1/packages")
LIMITED = httpx.Response(
    429,
    headers={"Retry-After": "60", "Content-Type": "application/problem+json"},
    json={"type": "urn:countersign:problem:rate-limited", "detail": "Too many."},
)


def start_flow(patience: Patience) -> Generator[Any, Any, Any]:
    flow = send(CALL, patience)
    assert next(flow) == CALL
    return flow


def test_a_rate_limited_call_waits_as_long_as_the_service_says_and_is_sent_again() -> None:
    flow = start_flow(Patience(total=1.0))
    pause = flow.send(LIMITED)
    assert isinstance(pause, Pause)
    assert pause.seconds == 60
    assert flow.send(None) == CALL
    with pytest.raises(StopIteration) as done:
        flow.send(httpx.Response(202, json={"status": "pending"}))
    assert done.value.value == {"status": "pending"}


def test_a_rate_limit_that_does_not_end_raises_after_a_while() -> None:
    flow = start_flow(Patience(total=1.0, limited=130.0))
    for _ in range(2):
        assert flow.send(LIMITED) == Pause(60)
        assert flow.send(None) == CALL
    with pytest.raises(RateLimitedError, match="Too many"):
        flow.send(LIMITED)
