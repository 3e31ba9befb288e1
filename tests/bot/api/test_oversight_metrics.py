"""The measures in `/metrics`: the same as in the events, in Slack and in the terminal."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from blocks.home.stats import stats
from bot.api.oversight_metrics import KEPT
from rules.state.commands import Approve, Reject
from store.engine.workers import UnavailableError
from store.oversight.statistics import load_statistics
from tests.bot.service import HARD, AgentApi
from tests.bot.terminal import make_terminal
from tests.rules.world import DAY, MINUTE, SENTA
from tests.store.oversight.history import count_by_hand

_LINE = re.compile(r'countersign_oversight_packages\{count="(part|whole)",measure="(\w+)"\} (\d+)\.0')


async def scrape(api: AgentApi) -> dict[str, tuple[int, int]]:
    counts: dict[str, dict[str, int]] = {}
    for count, measure, number in _LINE.findall((await api.get("/metrics")).text):
        counts.setdefault(measure, {})[count] = int(number)
    return {measure: (both["part"], both["whole"]) for measure, both in counts.items()}


async def decide_two(api: AgentApi) -> None:
    approved, rejected = await api.submit(HARD), await api.submit(HARD | {"action_parameters": {"record": "other"}})
    api.clock.passes(MINUTE)
    await api.decide(Approve, approved, SENTA)
    await api.decide(Reject, rejected, SENTA)


async def test_events_metrics_slack_and_terminal_have_the_same_numbers(
    api: AgentApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    await decide_two(api)
    by_hand = await api.store.read(lambda connection: count_by_hand(connection, api.store.installation.tenant_id))
    assert by_hand["approval"] == (1, 2)
    assert await scrape(api) == by_hand
    assert (
        'countersign_oversight_decision_seconds{part="decided",quantile="0.9"} 60.0' in (await api.get("/metrics")).text
    )
    now = api.clock()
    message = stats(await api.store.read(lambda connection: load_statistics(connection, now - 30 * DAY, now)))
    assert "approved 1 of 2, rejected 1 of 2, overridden 0 of 2" in message.text
    terminal = make_terminal(tmp_path, api.world.url, monkeypatch, capsys)
    monkeypatch.setattr("bot.cli.common.session.now", api.clock)
    document = json.loads(terminal("stats", "30d", "--json").out)
    assert {name: (one["part"], one["whole"]) for name, one in document["measures"].items()} == by_hand


async def test_the_measures_are_counted_again_after_some_minutes(api: AgentApi) -> None:
    assert await scrape(api) == {}
    await decide_two(api)
    assert await scrape(api) == {}
    api.clock.passes(KEPT)
    assert (await scrape(api))["rejection"] == (1, 2)


async def test_without_the_database_there_are_no_measures(api: AgentApi, monkeypatch: pytest.MonkeyPatch) -> None:
    await decide_two(api)
    assert await scrape(api) != {}

    async def away(*_: object, **__: object) -> None:
        raise UnavailableError("connection refused")

    monkeypatch.setattr(api.store.database, "read", away)
    api.clock.passes(KEPT)
    assert await scrape(api) == {}
