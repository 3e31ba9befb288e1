"""`countersign show ID` prints one package: its status, exactly what is proposed, and what happened."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import update

from rules.state.commands import Approve
from store.packages.content import CONTENT
from tests.bot.terminal import Terminal, make_terminal
from tests.rules.world import HARD, SENTA, ask, package
from tests.store.world import open_world


@pytest.fixture
def terminal(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Terminal:
    return make_terminal(tmp_path, database_url, monkeypatch, capsys)


async def test_a_waiting_package_is_shown_with_whom_it_waits_for_and_its_exact_parameters(terminal: Terminal) -> None:
    async with open_world(terminal.url) as world:
        state = await world.submit(HARD)
    printed = terminal("show", state.decision_package_id).out.splitlines()
    assert printed[1].startswith(f"{state.decision_package_id}, version 1, ")
    assert printed[2] == "pending: waits for a senior reviewer until 2026-11-21T12:00Z"
    assert printed[4] == f"digest {state.action_digest}"
    assert any("package.submitted" in line for line in printed)


async def test_invisible_characters_of_a_parameter_are_written_as_escapes(terminal: Terminal) -> None:
    async with open_world(terminal.url) as world:
        state = await world.submit(package(risk_level="high", action_parameters={"text": "a\u202eb"}))
    printed = terminal("show", state.decision_package_id).out
    assert "\u202e" not in printed
    assert r'"a\u202eb"' in printed


async def test_a_decided_package_names_who_decided_among_its_events(terminal: Terminal) -> None:
    async with open_world(terminal.url) as world:
        state = await world.after(ask(Approve, await world.submit(HARD), comment="Fine"), SENTA)
    printed = terminal("show", state.decision_package_id).out
    assert "\napproved since 2026-11-20T12:00Z\n" in printed
    assert SENTA in printed


async def test_show_says_that_the_content_was_deleted(terminal: Terminal) -> None:
    async with open_world(terminal.url) as world:
        state = await world.submit(HARD)
        await world.write(lambda connection: connection.execute(update(CONTENT).values(words=None, salt=None)))
    printed = terminal("show", state.decision_package_id).out
    assert "its content was deleted" in printed.splitlines()[0]
    assert "package.submitted" in printed


async def test_show_prints_json(terminal: Terminal) -> None:
    async with open_world(terminal.url) as world:
        state = await world.submit(HARD)
    document = json.loads(terminal("show", state.decision_package_id, "--json").out)
    assert document["state"]["action_digest"] == state.action_digest
    assert document["package"]["action_type"] == state.action_type
    assert document["events"][0]["event_type"] == "package.submitted"


def test_an_unknown_id_is_refused_with_what_to_do(terminal: Terminal) -> None:
    refused = terminal("show", "pkg_0")
    assert refused.code == 1
    assert refused.err == "countersign: there is no package pkg_0; `countersign queue` lists those that wait\n"


@pytest.mark.parametrize("kind", ["action", "output"])
async def test_the_proposal_is_printed_once_and_line_by_line(terminal: Terminal, kind: str) -> None:
    async with open_world(terminal.url) as world:
        state = await world.submit(package(kind=kind, risk_level="high", proposed_action="First line\nSecond line"))
    printed = terminal("show", state.decision_package_id).out.splitlines()
    assert [printed.count(f"  {line}") for line in ("First line", "Second line")] == [1, 1]
