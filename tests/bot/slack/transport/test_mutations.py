"""Odd payloads with a valid signature are answered like other garbage, without an error of ours."""

from __future__ import annotations

import asyncio
import logging
import random

import pytest
from structlog.testing import capture_logs

from tests.bot.slack.office import SOFT, Office
from tests.bot.slack.signed_requests import send_signed
from tests.bot.slack.transport.mutations import SlackRequest, mutate, sample_requests

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

MANY, AT_ONCE = 1500, 16


async def test_no_odd_payload_is_a_fault_of_ours(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    every = [mutation for letter in await sample_requests(office) for mutation in mutate(letter)]
    tried = random.Random(7).sample(every, MANY)
    with capture_logs() as logged, caplog.at_level(logging.WARNING):
        answers = await _send_all(office, tried)
        await office.finish_background()
    assert [entry for entry in logged if entry.get("exc_info") or entry["log_level"] == "error"] == []
    assert [record.getMessage() for record in caplog.records if record.exc_info] == []
    assert [answer for answer in answers if answer[0] not in (200, 400, 404, 409)] == []
    assert (await office.submit(SOFT)).status == 202


async def _send_all(office: Office, every: list[SlackRequest]) -> list[tuple[int, str]]:
    """Send as many at once as a busy workspace does."""
    left = iter(every)
    answers: list[tuple[int, str]] = []

    async def sender() -> None:
        for letter in left:
            answer = await send_signed(office, letter.encoded, letter.content_type)
            answers.append((answer.status, letter.kind if answer.status < 500 else repr(letter.payload)))

    await asyncio.gather(*(sender() for _ in range(AT_ONCE)))
    return answers
