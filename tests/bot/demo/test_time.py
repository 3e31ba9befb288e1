"""Moving business time: everything due happens on the way, as if the time had passed. It never goes back."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, select

from bot.cli import run_command
from bot.demo.folder import moved_time
from store.packages.packages import PACKAGES
from tests.bot.demo.test_stories import NOTICE, RECEIPT
from tests.bot.demo.visitor import DORA, PATIENCE, SENTA, SVEN, Visitor, running, visiting

HOUR = 3600
DAY = 24 * HOUR


async def test_the_clock_shows_how_far_it_was_moved(visitor: Visitor) -> None:
    before = await visitor.state()
    assert before["moved_seconds"] == 0
    await visitor.pass_time(DAY)
    after = await visitor.state()
    assert after["moved_seconds"] == DAY
    assert _now(after) - _now(before) >= timedelta(days=1)


def _now(state: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(state["now"])


@pytest.mark.parametrize("seconds", [0, -1, 1.5, "60", None, True, DAY + 1], ids=str)
async def test_time_goes_forward_by_whole_seconds_up_to_a_day(visitor: Visitor, seconds: object) -> None:
    assert (await visitor.pass_time(seconds)).status == 400
    assert (await visitor.state())["moved_seconds"] == 0


@pytest.mark.parametrize("body", ["", "60", "[]", "{", '{"seconds": 60, "back": true}'])
async def test_an_invalid_request_does_not_move_time(visitor: Visitor, body: str) -> None:
    async with visitor.http.post("/playground/demo/time", data=body) as answer:
        assert (answer.status, await answer.json()) == (
            400,
            {"detail": 'Send {"seconds": 3600}: whole seconds, from 1 to 86400.'},
        )
    assert (await visitor.state())["moved_seconds"] == 0


async def test_the_notice_gets_a_reminder_and_then_escalates_to_the_director(visitor: Visitor) -> None:
    card = await visitor.card(NOTICE)
    await visitor.pass_time(20 * HOUR)
    await visitor.slack.until(
        lambda: any("still waits" in note.shown for note in visitor.slack.thread(card.channel, card.ts)),
        PATIENCE,
    )
    await visitor.pass_time(4 * HOUR)
    card = await visitor.card(NOTICE, "director")
    await visitor.slack.until(
        lambda: any(DORA in note.notified for note in visitor.slack.thread(card.channel, card.ts)),
        PATIENCE,
    )
    await visitor.wait_for_line("notice-desk", "waiting for a director")
    assert (await _beginning(visitor, "notice"))["user"] == DORA


async def test_after_an_escalation_the_visitor_is_told_to_act_as_someone_who_may_decide_now(visitor: Visitor) -> None:
    card = await visitor.card(NOTICE)
    there = {"user": SENTA, "channel": card.channel, "ts": card.ts}
    await visitor.until(lambda state: _beginning_in(state, "notice") == there)  # the service has the answer of Slack
    await visitor.read(SENTA, card)
    await visitor.approve(SENTA, card)
    await visitor.wait_for_line("notice-desk", "1 of 2 people have approved")
    assert (await _beginning(visitor, "notice"))["user"] == SVEN


async def _beginning(visitor: Visitor, name: str) -> dict[str, Any]:
    """Whom the panel says to act as, and where."""
    return _beginning_in(await visitor.state(), name)


def _beginning_in(state: dict[str, Any], name: str) -> dict[str, Any]:
    beginnings = [story["begins"] for story in state["stories"] if story["name"] == name]
    return dict(beginnings[0])


async def test_events_due_within_a_move_happen_at_their_own_time(visitor: Visitor) -> None:
    await visitor.begin("receipt")
    await visitor.card(RECEIPT, "unless someone objects")
    await visitor.pass_time(DAY)
    await visitor.over("receipt")
    duration = await visitor.demo.service.store.read(_decided_after)
    assert timedelta(minutes=5) <= duration < timedelta(minutes=6)


def _decided_after(connection: Connection) -> timedelta:
    row = connection.execute(select(PACKAGES).where(PACKAGES.c.action_type == "send_receipt")).one()
    duration: timedelta = row.decided_at - row.created_at
    return duration


async def test_an_ignored_notice_expires_at_the_top_of_the_ladder(visitor: Visitor) -> None:
    await visitor.card(NOTICE)
    await visitor.pass_time(DAY)
    await visitor.pass_time(DAY)
    assert "Expired by timeout" in " ".join(await visitor.over("notice"))


async def test_the_command_line_beside_the_demo_sees_its_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with visiting(tmp_path / "demo") as visitor:
        await visitor.pass_time(DAY)
    capsys.readouterr()  # the demo's log
    monkeypatch.setenv("COUNTERSIGN_DATABASE_URL", f"sqlite:///{tmp_path / 'demo' / 'countersign.db'}")
    assert await asyncio.to_thread(run_command, ["stats", "--json"]) == 0
    until = datetime.fromisoformat(json.loads(capsys.readouterr().out)["until"])
    assert until - datetime.now(UTC) > timedelta(hours=23)


def test_a_clock_file_beside_a_database_that_is_no_demos_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "clock.txt").write_text("86400")
    database = f"sqlite:///{tmp_path / 'countersign.db'}"
    assert moved_time(database) == timedelta(0)
    (tmp_path / "demo.lock").touch()
    assert moved_time(database) == timedelta(days=1)


async def test_silence_does_not_count_while_slack_is_down(visitor: Visitor) -> None:
    await visitor.begin("receipt")
    heart = visitor.slack_side.clockwork.heart
    await visitor.card(RECEIPT, "unless someone objects")
    visitor.slack.faults.refusing = True
    await heart.tick()
    await visitor.pass_time(HOUR)
    assert running(await visitor.state())["receipt"]
    visitor.slack.faults.refusing = False
    await heart.tick()
    await visitor.pass_time(300)
    assert "Nobody objected." in " ".join(await visitor.over("receipt"))
