"""Headers of every answer: no caching, no content sniffing, no server name."""

from __future__ import annotations

import pytest

from tests.bot.process.wire import exchange
from tests.bot.service import AgentApi

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

PATHS = ["/healthz", "/readyz", "/metrics", "/docs", "/openapi.json", "/v1/packages", "/v1/packages/pkg_0", "/nowhere"]


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_every_answer_forbids_caching_and_sniffing_and_hides_the_server(api: AgentApi, method: str) -> None:
    for path in PATHS:
        async with api.http.request(method, path, headers={"Authorization": f"Bearer {api.key}"}) as answer:
            assert answer.headers["Cache-Control"] == "no-store", path
            assert answer.headers["X-Content-Type-Options"] == "nosniff", path
            assert "Server" not in answer.headers, path


@pytest.mark.parametrize("request_line", ["GET /\x00 HTTP/1.1", "no request at all"])
async def test_an_unreadable_request_is_answered_with_the_same_headers(api: AgentApi, request_line: str) -> None:
    response = await exchange(api.url, f"{request_line}\r\nHost: x\r\n\r\n".encode())
    assert response.status == 400
    assert "Cache-Control: no-store" in response.head
    assert "X-Content-Type-Options: nosniff" in response.head
    assert "Server:" not in response.head
