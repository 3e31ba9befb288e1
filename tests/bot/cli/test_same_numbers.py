"""After weeks of reviews, the terminal, the table, the export and the events have the same numbers."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.bot.terminal import Terminal, make_terminal
from tests.store.oversight.history import count_by_hand, live_through
from tests.store.oversight.test_statistics import BUSY
from tests.store.world import open_world

Counts = dict[str, tuple[int, int]]

ENDINGS = {
    "approve": "approved",
    "approve_with_edits": "approved",
    "answer": "answered",
    "override": "overridden",
    "reject": "rejected",
    "object": "rejected",
    "take_over": "taken_over",
}


@pytest.fixture
async def busy(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> AsyncIterator[tuple[Terminal, Counts]]:
    """A terminal, and the counts by hand."""
    async with open_world(database_url, BUSY) as world:
        await live_through(world)
        terminal = make_terminal(tmp_path, database_url, monkeypatch, capsys)
        monkeypatch.setattr("bot.cli.common.session.now", world.clock)
        yield terminal, await world.read(lambda connection: count_by_hand(connection, world.tenant_id))


def test_json_and_the_table_have_the_numbers_of_the_events(busy: tuple[Terminal, Counts]) -> None:
    terminal, by_hand = busy
    measures = json.loads(terminal("stats", "60d", "--json").out)["measures"]
    assert {name: (ratio["part"], ratio["whole"]) for name, ratio in measures.items()} == by_hand
    table = csv.DictReader(terminal("stats", "60d", "--csv").out.splitlines())
    assert {row["measure"]: (int(row["part"]), int(row["whole"])) for row in table if row["part"]} == by_hand


def test_the_first_decisions_in_the_export_that_end_a_review_are_those_that_the_measures_count(
    busy: tuple[Terminal, Counts],
) -> None:
    terminal, by_hand = busy
    rows = [json.loads(line) for line in terminal("export", "decisions", "--since", "2026-01-01").out.splitlines()]
    ends = {
        row["decision_package_id"]: ENDINGS[row["decision"]]
        for row in reversed(rows)
        if row["settled"] and row["decided_by"] == "person" and row["decision"] in ENDINGS
    }
    results = Counter(ends.values())
    shares = {"approval": "approved", "rejection": "rejected", "override": "overridden"}
    assert {share: (results[result], len(ends)) for share, result in shares.items()} == {
        share: by_hand[share] for share in shares
    }
