"""Odd payloads with a valid signature are answered like other garbage, without an error of ours."""

from __future__ import annotations

import asyncio
import logging
import random

import pytest
from structlog.testing import capture_logs

from tests.bot.slack.letters import given
from tests.bot.slack.office import SOFT, Office
from tests.bot.slack.transport.mutations import Letter, letters, mutated

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

MANY, AT_ONCE = 1500, 16


async def test_no_odd_payload_is_a_fault_of_ours(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    every = [mutation for letter in await letters(office) for mutation in mutated(letter)]
    tried = random.Random(7).sample(every, MANY)
    with capture_logs() as logged, caplog.at_level(logging.WARNING):
        answers = await _sent(office, tried)
        await office.all_said()
    assert [entry for entry in logged if entry.get("exc_info") or entry["log_level"] == "error"] == []
    assert [record.getMessage() for record in caplog.records if record.exc_info] == []
    assert [answer for answer in answers if answer[0] not in (200, 400, 404, 409)] == []
    assert (await office.submit(SOFT)).status == 202


async def _sent(office: Office, every: list[Letter]) -> list[tuple[int, str]]:
    """Send as many at once as a busy workspace does."""
    left = iter(every)
    answers: list[tuple[int, str]] = []

    async def sender() -> None:
        for letter in left:
            answer = await given(office, letter.written, letter.content_type)
            answers.append((answer.status, letter.kind if answer.status < 500 else repr(letter.payload)))

    await asyncio.gather(*(sender() for _ in range(AT_ONCE)))
    return answers
