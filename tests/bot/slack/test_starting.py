"""The start of the Slack side, while Slack answers slowly."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.running import open_service
from bot.settings import read_settings
from playground.slack import stand_in
from tests.bot.slack.office import POLICY, SECRET


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_start_that_is_cancelled_ends_the_reading_of_people_before_its_connections(
    database_url: str, tmp_path: Path
) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text(POLICY)
    async with stand_in(signing_secret=SECRET) as slack:
        settings = read_settings(
            COUNTERSIGN_DATABASE_URL=database_url,
            COUNTERSIGN_POLICY=policy,
            SLACK_BOT_TOKEN=slack.bot_token,
            SLACK_API_URL=slack.api_url,
            SLACK_SIGNING_SECRET=SECRET,
            _env_file=None,
        )
        gate = slack.faults.hold("users.list")
        with capture_logs() as logs:
            starting = asyncio.create_task(open_service(settings).__aenter__())
            await gate.wait_until_reached()
            starting.cancel()
            await asyncio.wait({starting})
        gate.open()
    assert "directory.read_failed" not in [entry["event"] for entry in logs]
