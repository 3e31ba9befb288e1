"""`countersign stats`: readable at 80 columns, as JSON and as CSV."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from rules.oversight.measures import Measure
from rules.state.commands import Approve, Reject
from tests.bot.terminal import Terminal, make_terminal
from tests.rules.world import RITA, SENTA, SOFT, ask, package, policy
from tests.store.world import LASTING, World, open_world


@pytest.fixture
def terminal(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Terminal:
    return make_terminal(tmp_path, database_url, monkeypatch, capsys)


async def approve_and_reject(world: World) -> None:
    await world.submit(package(risk_level="high", action_parameters={"record": "6"}))
    await world.submit_and_approve(package(risk_level="high", action_parameters={"record": "7"}), by=SENTA)
    await world.after(ask(Reject, await world.submit(package(action_parameters={"record": "8"}))), RITA)


async def test_the_numbers_are_aligned_and_fit_the_page(terminal: Terminal) -> None:
    async with open_world(terminal.url) as world:
        await approve_and_reject(world)
    out = terminal("stats").out
    assert out.startswith("The last 7d, from 2026-11-13T12:00Z to 2026-11-20T12:00Z\n")
    assert "hard_approval     1      0       0      0    0       1\n" in out
    assert "approved                  1 of 2\nrejected                  1 of 2\n" in out
    assert "in all                        0s           0s\n" in out
    assert max(map(len, out.splitlines())) <= 80


async def test_small_numbers_have_no_percentage(terminal: Terminal) -> None:
    async with open_world(terminal.url) as world:
        await approve_and_reject(world)
    assert "%" not in terminal("stats").out
    assert "%" not in terminal("stats", "--by", "tier").out


async def test_each_group_has_a_line(terminal: Terminal) -> None:
    async with open_world(terminal.url) as world:
        await approve_and_reject(world)
    out = terminal("stats", "30d", "--by", "tier").out
    assert "By risk\nTIER    ENDED  APPROVED  REJECTED  SENT BACK  INCIDENTS  MEDIAN\n" in out
    assert "high        1  1 of 1    0 of 1    0 of 1     0 of 1     0s\n" in out
    assert "medium      1  0 of 1    1 of 1    0 of 1     -          0s\n" in out
    assert "By week (Monday to Sunday, UTC)\n" in terminal("stats", "--by", "week").out


async def test_stats_can_be_printed_as_json(terminal: Terminal) -> None:
    async with open_world(terminal.url) as world:
        await world.after(ask(Approve, await world.submit(SOFT)), RITA)
    document = json.loads(terminal("stats", "24h", "--by", "role", "--json").out)
    assert (document["since"], document["until"]) == ("2026-11-19T12:00:00Z", "2026-11-20T12:00:00Z")
    assert (document["decided"], document["results"], document["pending"]) == (1, {"approved": 1}, [])
    approval = document["measures"]["approval"]
    assert (approval["part"], approval["whole"], approval["share"]) == (1, 1, 1.0)
    assert approval["low"] == pytest.approx(0.2065, abs=1e-4)
    assert document["time_to_decide"]["decided"] == {"median_ms": 0, "p90_ms": 0}
    assert [group["name"] for group in document["groups"]] == ["reviewer"]


async def test_stats_can_be_printed_as_csv_with_one_line_for_each_measure_of_each_group(terminal: Terminal) -> None:
    async with open_world(terminal.url) as world:
        await world.after(ask(Approve, await world.submit(SOFT)), RITA)
    lines = list(csv.DictReader(terminal("stats", "--by", "role", "--csv").out.splitlines()))
    measures = [*Measure, "time_decided", "time_waiting", "time_seen", "time_reading"]
    assert [(line["name"], line["measure"]) for line in lines] == [
        (name, measure) for name in ("", "reviewer") for measure in measures
    ]
    assert {line["part"] for line in lines if line["measure"] == "approval"} == {"1"}


def test_stats_without_decisions_show_no_times(terminal: Terminal) -> None:
    out = terminal("stats").out
    assert "approved                  0 of 0\n" in out
    assert "TIME TO DECIDE" not in out


async def test_numbers_by_reviewer_need_a_policy_that_allows_them(terminal: Terminal) -> None:
    async with open_world(terminal.url) as world:
        await approve_and_reject(world)
    result = terminal("stats", "--by", "reviewer")
    assert (result.code, result.out) == (1, "")
    assert "can set `names = true` in `[oversight]`" in result.err
    assert "oversight.names_read" not in terminal("audit", "export").out


async def test_numbers_by_reviewer_are_the_same_everywhere_and_each_reading_is_recorded(terminal: Terminal) -> None:
    named = policy(**LASTING, oversight={"names": True})
    async with open_world(terminal.url, named) as world:
        await approve_and_reject(world)
    out = terminal("stats", "--by", "reviewer").out
    assert "senta         1  1 of 1    0 of 1    0 of 1     0 of 1     0s\n" in out
    assert "recorded" in out
    groups = json.loads(terminal("stats", "--by", "reviewer", "--json").out)["groups"]
    assert {group["name"]: group["results"] for group in groups} == {"senta": {"approved": 1}, "rita": {"rejected": 1}}
    readers = [line["actor"] for line in tenant_events(terminal) if line["event_type"] == "oversight.names_read"]
    assert readers == ["operator", "operator"]


def tenant_events(terminal: Terminal) -> list[dict[str, Any]]:
    records = map(json.loads, terminal("audit", "export").out.splitlines())
    events = (record.get("event", record) for record in records)
    return [event for event in events if "event_type" in event]


def test_a_period_must_be_a_duration(terminal: Terminal) -> None:
    result = terminal("stats", "yesterday")
    assert (result.code, "write a duration such as 90s, 5m, 24h, 7d" in result.line) == (2, True)


@pytest.mark.parametrize(
    ("period", "what"), [("0d", "must be longer than nothing"), ("800000d", "must be at most 36500d")]
)
def test_a_period_of_zero_or_too_many_days_is_refused(terminal: Terminal, period: str, what: str) -> None:
    result = terminal("stats", period)
    assert (result.code, what in result.line) == (2, True)
