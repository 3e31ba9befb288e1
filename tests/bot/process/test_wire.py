"""Malformed HTTP, byte by byte: what the server refuses and what it survives."""

from __future__ import annotations

import json
import logging

import pytest

from tests.bot.process import wire
from tests.bot.process.wire import connect, exchange, read_answer
from tests.bot.service import SOFT, AgentApi

BODY = json.dumps(SOFT).encode()


def head(api: AgentApi, *lines: str, request: str = "POST /v1/packages HTTP/1.1") -> bytes:
    return wire.head(api.key, *lines, request=request)


async def test_a_valid_raw_request_is_accepted(api: AgentApi) -> None:
    response = await exchange(api.url, head(api, f"Content-Length: {len(BODY)}") + BODY)
    assert (response.status, response.body["status"]) == (202, "pending")


async def test_a_huge_content_length_is_refused_before_the_body_arrives(api: AgentApi) -> None:
    response = await exchange(api.url, head(api, "Content-Length: 99999999999"))
    assert (response.status, "Connection: close" in response.head) == (413, True)


async def test_a_body_shorter_than_its_content_length_is_refused(api: AgentApi) -> None:
    reader, writer = await connect(api.url)
    writer.write(head(api, f"Content-Length: {len(BODY) + 1}") + BODY)
    writer.write_eof()
    assert (await reader.read()).partition(b" ")[2][:3] in (b"", b"400")
    writer.close()
    await writer.wait_closed()
    assert (await api.get("/v1/packages")).body["packages"] == []


async def test_a_body_is_read_up_to_its_content_length(api: AgentApi) -> None:
    response = await exchange(api.url, head(api, f"Content-Length: {len(BODY) - 1}") + BODY[:-1])
    assert (response.status, response.body["type"]) == (400, "urn:countersign:problem:not-json")


@pytest.mark.parametrize(
    "lines",
    [
        ("Content-Length: -1",),
        ("Content-Length: x",),
        ("Content-Length: 1", "Content-Length: 2"),
        ("Content-Length: 5", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: chunked, identity",),
        ("X: \x00",),
        ("X\x01: y",),
        (" folded",),
        ("no colon",),
        ("X: " + "x" * 100_000,),
        tuple(f"X-{number}: {'y' * 100}" for number in range(1000)),
    ],
    ids=lambda lines: lines[0][:26].encode("unicode_escape").decode(),
)
async def test_malformed_http_is_a_400_without_a_traceback(
    api: AgentApi, lines: tuple[str, ...], caplog: pytest.LogCaptureFixture
) -> None:
    response = await exchange(api.url, head(api, *lines))
    assert response.status == 400
    assert "Traceback" not in response.text
    assert ".py" not in response.text
    assert (await api.submit()).status == 202


@pytest.mark.parametrize(
    "line", ["Authorization: Bearer csk_secret\x00", "Authorization: Bearer csk_secret\x01x", "csk_secret"]
)
async def test_malformed_http_is_logged_without_its_text(
    api: AgentApi, line: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        assert (await exchange(api.url, head(api, line))).status == 400
    assert "http.unreadable" in caplog.text
    assert "csk_" not in caplog.text


@pytest.mark.parametrize(
    "request_line",
    ["GET", "BREW /v1/packages HTTP/1.1", "GET /v1/packages HTTP/9.9", "GET /\x00 HTTP/1.1", "GET /ä HTTP/1.1", "\x16\x03\x01\x02"],
    ids=["one word", "no method", "no version", "NUL", "an accent", "TLS"],
)  # fmt: skip
async def test_a_malformed_request_line_is_a_400(api: AgentApi, request_line: str) -> None:
    response = await exchange(api.url, head(api, request=request_line))
    assert response.status == 400
    assert "Traceback" not in response.text


@pytest.mark.parametrize(
    "chunks", [b"x\r\n", b"-1\r\n\r\n", b"5\r\nabc", b"ffffffffffffffffffff\r\n", b"5;\x00\r\nabcde\r\n0\r\n\r\n"]
)
async def test_malformed_chunks_are_refused(api: AgentApi, chunks: bytes) -> None:
    reader, writer = await connect(api.url)
    writer.write(head(api, "Transfer-Encoding: chunked") + chunks)
    writer.write_eof()
    assert (await reader.read()).partition(b" ")[2][:3] in (b"", b"400")
    writer.close()
    await writer.wait_closed()
    assert (await api.submit()).status == 202


async def test_authorization_with_undecodable_bytes_is_a_401(api: AgentApi) -> None:
    response = await exchange(
        api.url, b"GET /v1/packages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \xff\xfe\x80\r\n\r\n"
    )
    assert (response.status, response.body["type"]) == (401, "urn:countersign:problem:unauthenticated")


async def test_an_unknown_expectation_is_a_417(api: AgentApi) -> None:
    response = await exchange(api.url, head(api, "Expect: a-miracle", f"Content-Length: {len(BODY)}") + BODY)
    assert response.status == 417


async def test_expect_100_continue_is_answered(api: AgentApi) -> None:
    reader, writer = await connect(api.url)
    writer.write(head(api, "Expect: 100-continue", f"Content-Length: {len(BODY)}"))
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100")
    writer.write(BODY)
    assert (await read_answer(reader)).status == 202
    writer.close()
    await writer.wait_closed()


async def test_several_requests_on_one_connection_are_answered_in_order(api: AgentApi) -> None:
    reader, writer = await connect(api.url)
    one = head(api, f"Content-Length: {len(BODY)}") + BODY
    writer.write(one + head(api, request="GET /healthz HTTP/1.1") + one)
    assert [(await read_answer(reader)).status for _ in range(3)] == [202, 200, 202]
    writer.close()
    await writer.wait_closed()


async def test_an_agent_that_disconnects_while_waiting_leaves_no_waiter(api: AgentApi) -> None:
    response = await api.submit()
    _, writer = await connect(api.url)
    writer.write(head(api, request=f"GET /v1/packages/{response.id}?wait=0.1 HTTP/1.1"))
    writer.close()
    await writer.wait_closed()
    await api.read(response, params={"wait": 0.5})
    assert api.store.waiters._waiting == {}
