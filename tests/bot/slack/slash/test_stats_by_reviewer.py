"""`/reviews stats by reviewer`: only if the policy lets reports name people, only for admins, and never without a trace."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from rules.record.chain import rfc3339
from tests.bot.slack.office import ADAM, HARD, POLICY, SENTA, SUSI, Office, open_office

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

NAMED = f"{POLICY}\n[oversight]\nnames = true\n"
HOUR = timedelta(hours=1)


async def readings(office: Office) -> list[tuple[str, Any]]:
    query = text("SELECT actor, body FROM tenant_events WHERE event_type = 'oversight.names_read' ORDER BY sequence")
    rows = await office.world.read(lambda connection: connection.execute(query).all())
    return [(row.actor, json.loads(row.body)["change"]) for row in rows]


async def approve_one(office: Office) -> None:
    _, card = await office.submit_with_card(HARD)
    await office.approve(SENTA, card)


async def test_no_report_names_reviewers_unless_the_policy_says_so(office: Office) -> None:
    await approve_one(office)
    note = await office.reviews(ADAM, "stats by reviewer")
    assert "The policy does not let reports name reviewers." in note.shown
    assert "names = true" in note.shown
    assert "1 ended" not in note.shown
    assert await readings(office) == []


async def test_an_admin_who_reads_numbers_by_reviewer_is_recorded_with_the_period(
    database_url: str, tmp_path: Path
) -> None:
    async with open_office(database_url, tmp_path, NAMED) as office:
        await approve_one(office)
        note = await office.reviews(ADAM, "stats 36h by reviewer")
        assert "Senta\n: \n1 ended, approved 1 of 1, rejected 0 of 1" in note.shown
        assert "That you read this is recorded." in note.shown
        ((actor, period),) = await readings(office)
        assert actor == ADAM
        assert period == {"since": rfc3339(office.clock() - 36 * HOUR), "until": rfc3339(office.clock())}


@pytest.mark.parametrize("visibility", ["involved", "workspace"])
async def test_nobody_but_admins_can_divide_the_numbers_by_reviewer(
    database_url: str, tmp_path: Path, visibility: str
) -> None:
    async with open_office(database_url, tmp_path, f'visibility = "{visibility}"\n{NAMED}') as office:
        await approve_one(office)
        note = await office.reviews(SUSI, "stats by reviewer")
        assert "Only the policy's admins can do this." in note.shown
        assert await readings(office) == []


async def test_the_other_numbers_name_nobody_also_if_the_policy_would_allow_it(
    database_url: str, tmp_path: Path
) -> None:
    async with open_office(database_url, tmp_path, NAMED) as office:
        await approve_one(office)
        assert "senta" not in (await office.stats(ADAM)).shown.lower()
        for words in ("stats by role", "stats by agent", "stats by type", "stats by week", "stats by tier"):
            assert "senta" not in (await office.reviews(ADAM, words)).shown.lower()
        assert await readings(office) == []
