"""`countersign queue`: readable at 80 columns, and as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import update

from rules.state.commands import ClaimTask
from store.packages.content import CONTENT
from tests.bot.terminal import Terminal, make_terminal
from tests.rules.world import CRITICAL, HARD, RITA, SOFT, ask, package
from tests.store.world import World, open_world


@pytest.fixture
def terminal(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Terminal:
    return make_terminal(tmp_path, database_url, monkeypatch, capsys)


async def fill_queue(world: World) -> list[str]:
    """Submit a soft package that Rita claims, a hard and a critical one; return their ids, the most urgent first."""
    soft = await world.submit(SOFT)
    await world.after(ask(ClaimTask, soft), RITA)
    states = [await world.submit(like) for like in (CRITICAL, HARD)]
    return [state.decision_package_id for state in (*states, soft)]


async def test_the_queue_is_listed_most_urgent_first(terminal: Terminal) -> None:
    async with open_world(terminal.url) as world:
        ids = await fill_queue(world)
    result = terminal("queue")
    assert result.err == ""
    assert [line.split()[0] for line in result.out.splitlines() if "pkg_" in line] == ids
    assert "2026-11-21T12:00Z  critical  hard_approval  senior_reviewer  -" in result.out
    assert f"2026-11-21T12:00Z  medium    soft_approval  reviewer         {RITA}" in result.out
    assert "  Read the record\n" in result.out


async def test_the_queue_can_be_printed_as_json(terminal: Terminal) -> None:
    async with open_world(terminal.url) as world:
        ids = await fill_queue(world)
    document = json.loads(terminal("queue", "--json").out)
    assert [entry["decision_package_id"] for entry in document] == ids
    assert document[2] == {
        "decision_package_id": ids[2],
        "version": 1,
        "title": "Read the record",
        "action_type": "record.read",
        "risk": "medium",
        "level": "soft_approval",
        "required_role": "reviewer",
        "rung": 0,
        "priority": "normal",
        "assigned_to": RITA,
        "created_at": "2026-11-20T12:00:00Z",
        "due_at": "2026-11-21T12:00:00Z",
    }


async def test_a_part_of_the_queue_shows_the_total_number(terminal: Terminal) -> None:
    async with open_world(terminal.url) as world:
        ids = await fill_queue(world)
    result = terminal("queue", "--limit", "1")
    assert ids[0] in result.out
    assert result.out.endswith("1 of 3; --limit shows more\n")
    one = terminal("queue", "--role", "reviewer")
    assert [line.split()[0] for line in one.out.splitlines() if "pkg_" in line] == ids[2:]
    assert terminal("queue", "--role", "director").out == "nothing waits for this role; 3 in all\n"


def test_an_empty_queue_says_so(terminal: Terminal) -> None:
    assert terminal("queue").out == "nothing is waiting\n"
    assert terminal("queue", "--json").out == "[]\n"


async def test_an_agents_text_cannot_move_the_cursor_or_widen_the_page(terminal: Terminal) -> None:
    async with open_world(terminal.url) as world:
        await world.submit(package(title="Pay \u202eeruces\u202c and \x85 " + "x" * 120))
    result = terminal("queue")
    assert "Pay \ufffderuces\ufffd and \ufffd xxx" in result.out
    assert max(map(len, result.out.splitlines())) <= 80


async def test_a_package_whose_texts_were_deleted_is_still_listed(terminal: Terminal) -> None:
    async with open_world(terminal.url) as world:
        state = await world.submit(SOFT)
        await world.write(lambda connection: connection.execute(update(CONTENT).values(words=None, salt=None)))
    assert f"  {state.decision_package_id}  record.read\n  (content deleted)\n" in terminal("queue").out
