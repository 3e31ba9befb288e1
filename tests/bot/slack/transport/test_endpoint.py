"""The request URL: only Slack is accepted, and no request brings the service down."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable
from urllib.parse import urlencode

import psutil  # type: ignore[import-untyped]
import pytest

from rules.state.model import Status
from tests.bot.process import wire
from tests.bot.service import Response
from tests.bot.slack.office import NOBODY, RITA, SENTA, SOFT, Office
from tests.bot.slack.signed_requests import EVENTS_PATH, JSON, Headers, send, send_signed, sign, signature

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

MEGABYTE = 1024 * 1024
SAID = "a-word-that-is-only-in-the-body"


async def an_approval(office: Office) -> tuple[Response, bytes]:
    """A package, and the exact body that would approve it: another person's click in a reviewer's name."""
    proposal, card = await office.submit_with_card(SOFT)
    tapped = await office.click(NOBODY, card, "approve")
    payload = {**tapped.payload, "user": {**tapped.payload["user"], "id": RITA}, "trigger_id": SAID}
    return proposal, urlencode({"payload": json.dumps(payload)}).encode()


# ---- authentication


async def test_a_request_signed_like_slack_decides(office: Office) -> None:
    proposal, body = await an_approval(office)
    assert (await send(office, body, sign(body))).status == 200
    assert await office.status(proposal) is Status.APPROVED


def ago(seconds: float) -> Callable[[bytes], Headers]:
    return lambda body: sign(body, str(int(time.time() - seconds)))


def at(timestamp: str) -> Callable[[bytes], Headers]:
    return lambda body: sign(body, timestamp)


def with_signature(change: Callable[[str], str]) -> Callable[[bytes], Headers]:
    return lambda body: sign(body) | {"X-Slack-Signature": change(sign(body)["X-Slack-Signature"])}


def without(name: str) -> Callable[[bytes], Headers]:
    return lambda body: {header: value for header, value in sign(body).items() if header != name}


def of_another_secret(body: bytes) -> Headers:
    stamp = str(int(time.time()))
    return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": signature(body, stamp, "another-secret")}


FORGED = [
    pytest.param(lambda _: {}, id="no headers"),
    pytest.param(without("X-Slack-Signature"), id="no signature"),
    pytest.param(without("X-Slack-Request-Timestamp"), id="no timestamp"),
    pytest.param(of_another_secret, id="another secret"),
    pytest.param(lambda _: sign(b"payload=another"), id="right for another body"),
    pytest.param(lambda body: sign(body + b" "), id="signed for a body with one more space"),
    pytest.param(lambda body: sign(body) | {"X-Slack-Request-Timestamp": str(int(time.time() - 2))}, id="signed for another second"),
    pytest.param(ago(301), id="older than five minutes"),
    pytest.param(ago(24 * 3600), id="a day old"),
    pytest.param(ago(-302), id="from the future"),
    pytest.param(at("now"), id="a timestamp that is no number"),
    pytest.param(at(""), id="an empty timestamp"),
    pytest.param(at("-1"), id="a negative timestamp"),
    pytest.param(at("1e9"), id="a timestamp with an exponent"),
    pytest.param(at("nan"), id="a timestamp that is not a number"),
    pytest.param(at("1" + "0" * 30), id="a timestamp of 10 to the 30th"),
    pytest.param(at("9" * 5000), id="a timestamp of five thousand digits"),
    pytest.param(at("\u0661" * 10), id="a timestamp in other digits"),
    pytest.param(with_signature(str.upper), id="upper-case letters"),
    pytest.param(with_signature(lambda value: value.removeprefix("v0=")), id="without its version"),
    pytest.param(with_signature(lambda value: value.replace("v0=", "v1=")), id="of another version"),
    pytest.param(with_signature(lambda value: value[:-1]), id="cut short"),
    pytest.param(with_signature(lambda value: value + "0"), id="one digit more"),
    pytest.param(with_signature(lambda _: "v0=" + "é" * 64), id="letters beyond ASCII"),
    pytest.param(with_signature(lambda _: ""), id="an empty signature"),
]  # fmt: skip


@pytest.mark.parametrize("headers", FORGED)
async def test_requests_without_a_valid_signature_are_rejected(
    office: Office, headers: Callable[[bytes], Headers], capsys: pytest.CaptureFixture[str]
) -> None:
    proposal, body = await an_approval(office)
    capsys.readouterr()
    assert (await send(office, body, headers(body))).status == 401
    written = "".join(capsys.readouterr())
    assert SAID not in written
    assert "v0=" not in written
    assert "error" not in written
    assert await office.status(proposal) is Status.PENDING


async def test_a_signature_counts_for_five_minutes_of_real_time_whatever_the_business_clock_says(
    office: Office,
) -> None:
    proposal, body = await an_approval(office)
    assert abs(office.clock.now.timestamp() - time.time()) > 3600
    assert (await send(office, body, ago(290)(body))).status == 200
    assert await office.status(proposal) is Status.APPROVED


async def test_a_signature_of_invalid_bytes_is_rejected(office: Office) -> None:
    body = b"payload={}"
    lines = [f"X-Slack-Request-Timestamp: {time.time():.0f}", "X-Slack-Signature: v0=\xff\xfe"]
    sent_as_is = head(f"Content-Length: {len(body)}", *lines) + body
    assert (await wire.exchange(office.url, sent_as_is)).status == 401


async def test_rejected_requests_are_counted(office: Office) -> None:
    for _ in range(3):
        await send(office, b"payload={}", {})
    assert "countersign_unauthenticated_total 3.0" in (await office.get("/metrics")).text


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_only_post_requests_are_accepted(office: Office, method: str) -> None:
    assert (await office.call(method, EVENTS_PATH)).status == 405


# ---- size limits


async def test_three_megabytes_are_refused(office: Office) -> None:
    body = b"payload=" + b"x" * 3 * MEGABYTE
    async with office.http.post(EVENTS_PATH, data=io.BytesIO(body), headers=sign(body)) as answer:
        assert answer.status == 413


async def test_an_endless_body_is_buffered_only_up_to_the_limit(office: Office) -> None:
    process = psutil.Process()
    before = process.memory_info().rss
    stamp = f"X-Slack-Request-Timestamp: {time.time():.0f}"
    reader, writer = await wire.connect(office.url)
    writer.write(head("Transfer-Encoding: chunked", stamp, f"X-Slack-Signature: v0={'0' * 64}"))
    for _ in range(100):
        writer.write(b"100000\r\n" + b"x" * MEGABYTE + b"\r\n")
        await writer.drain()
    writer.write(b"0\r\n\r\n")
    assert (await wire.read_answer(reader)).status == 413
    assert process.memory_info().rss - before < 16 * MEGABYTE
    writer.close()


def head(*lines: str) -> bytes:
    return "\r\n".join(["POST /slack/events HTTP/1.1", "Host: x", *lines, "", ""]).encode("latin-1")


async def test_a_body_is_not_read_if_the_headers_are_invalid(office: Office) -> None:
    reader, writer = await wire.connect(office.url)
    writer.write(head(f"Content-Length: {1024 * MEGABYTE}"))
    assert (await wire.read_answer(reader)).status == 401
    writer.close()


# ---- requests of Slack itself, and retries


async def test_slacks_certificate_check_is_answered(office: Office) -> None:
    assert (await send_signed(office, "ssl_check=1&token=x")).status == 200
    assert (await send(office, b"ssl_check=1&token=x", {})).status == 401


async def test_the_address_challenge_is_answered_only_if_signed(office: Office) -> None:
    assert (await office.slack.connect(f"{office.url}{EVENTS_PATH}")).status == 200
    asked = json.dumps({"type": "url_verification", "challenge": "c", "token": "t"}).encode()
    assert (await send(office, asked, {}, JSON)).status == 401


async def test_an_event_that_comes_again_changes_nothing_more(office: Office) -> None:
    office.slack.change_person(SENTA, deleted=True)
    first = await office.slack.event(office.slack.person_event(SENTA))
    again = await office.slack.redeliver(first, retry=1, reason="http_timeout")
    assert (first.status, again.status) == (200, 200)
    roster = await office.store.read(office.store.installation.roster)
    person = roster.person(SENTA)
    assert person is not None
    assert not person.active


async def test_a_repeated_click_counts_once(office: Office) -> None:
    proposal, card = await office.submit_with_card(SOFT)
    first = await office.click(RITA, card, "approve")
    again = await office.slack.redeliver(first, retry=1)
    assert (first.status, again.status) == (200, 200)
    assert len(await office.events(proposal, "human.decision_recorded")) == 1
    assert office.slack.private_notes(RITA) == []
