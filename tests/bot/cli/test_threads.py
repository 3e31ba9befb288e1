"""`countersign threads` holds, resumes and cancels a thread, and shows what happened in it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import Connection

from bot.cli.common import session
from rules.state.commands import Approve
from rules.state.model import PackageState, Status
from store.engine.database import StaleError
from tests.bot.terminal import Terminal, make_terminal
from tests.rules.world import RITA, ask, package
from tests.store.world import World, open_world

IN_THREAD = package(thread_id="case-456")


@pytest.fixture
def terminal(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Terminal:
    return make_terminal(tmp_path, database_url, monkeypatch, capsys)


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with open_world(database_url) as world:
        yield world


async def approved(world: World) -> PackageState:
    return await world.after(ask(Approve, await world.submit(IN_THREAD)), RITA)


async def test_a_thread_is_held_and_resumed_in_the_name_of_the_operator(terminal: Terminal, world: World) -> None:
    package_id = (await approved(world)).decision_package_id
    assert terminal("threads", "hold", "case-456").out.startswith("case-456 is on hold; ")
    held = (await world.state(package_id)).hold
    assert held is not None
    assert held.by == "operator"
    assert terminal("threads", "hold", "case-456").line.startswith("countersign: This thread is already on hold")
    assert terminal("threads", "resume", "case-456").out == "case-456 is running again\n"
    assert (await world.state(package_id)).hold is None


async def test_a_thread_is_held_without_the_policy_file(terminal: Terminal, world: World) -> None:
    await world.submit(IN_THREAD)
    (terminal.folder / "policy.toml").unlink()
    assert terminal("threads", "hold", "case-456").out.startswith("case-456 is on hold; ")


async def test_the_list_has_held_threads_and_those_with_an_open_package(terminal: Terminal, world: World) -> None:
    for name in ("held", "open", "done"):
        await world.submit(package(thread_id=name))
    terminal("threads", "hold", "held")
    terminal("threads", "cancel", "done")
    listed = terminal("threads", "list").out.splitlines()
    assert sorted(line.partition("  (agent ")[0] for line in listed) == ["held      held", "running   open"]
    [held, running] = sorted(json.loads(terminal("threads", "list", "--json").out), key=lambda one: one["thread_id"])
    assert (held["thread_id"], held["status"]) == ("held", "held")
    assert (running["thread_id"], running["status"]) == ("open", "running")


async def test_a_state_from_a_file_revokes_the_approvals_of_the_old_plan(
    terminal: Terminal, world: World, tmp_path: Path
) -> None:
    package_id = (await approved(world)).decision_package_id
    terminal("threads", "hold", "case-456")
    plan = tmp_path / "plan.json"
    plan.write_text('{"sources": [2]}')
    terminal("threads", "resume", "case-456", "--instruction", "Use source 2.", "--state", str(plan))
    assert (await world.state(package_id)).status is Status.REVOKED


@pytest.mark.parametrize(("text", "fault"), [("{", "is not JSON"), ("[]", "must hold a JSON object")])
async def test_a_state_that_is_no_object_is_refused(
    terminal: Terminal, world: World, tmp_path: Path, text: str, fault: str
) -> None:
    await world.submit(IN_THREAD)
    terminal("threads", "hold", "case-456")
    plan = tmp_path / "plan.json"
    plan.write_text(text)
    assert fault in terminal("threads", "resume", "case-456", "--state", str(plan)).line


async def test_a_thread_is_cancelled_for_good(terminal: Terminal, world: World) -> None:
    package_id = (await world.submit(IN_THREAD)).decision_package_id
    assert terminal("threads", "cancel", "case-456", "--rollback").out == "case-456 is cancelled\n"
    assert (await world.state(package_id)).status is Status.CANCELLED
    assert "cancelled for good" in terminal("threads", "resume", "case-456").line


async def test_the_history_names_each_event_and_its_package(terminal: Terminal, world: World) -> None:
    package_id = (await world.submit(IN_THREAD)).decision_package_id
    terminal("threads", "hold", "case-456", "--reason", "The customer is calling.")
    printed = terminal("threads", "history", "CASE-456").out.splitlines()
    assert printed[0].startswith("case-456: held since ")
    assert printed[0].endswith(", by operator")
    assert [line.split()[1:] for line in printed[2:]] == [
        ["package.submitted", (await world.state(package_id)).agent_id, package_id],
        ["thread.held", "operator"],
        ["package.held", "operator", package_id],
    ]
    document = json.loads(terminal("threads", "history", "case-456", "--json").out)
    assert (document["state"]["status"], len(document["events"])) == ("held", 3)


@pytest.mark.parametrize("command", ["hold", "resume", "cancel", "history"])
async def test_an_unknown_thread_is_an_error(terminal: Terminal, world: World, command: str) -> None:
    await world.submit(IN_THREAD)
    assert "thread nowhere" in terminal("threads", command, "nowhere").line


def test_a_command_is_given_again_if_the_service_changed_the_thread_meanwhile(terminal: Terminal, world: World) -> None:
    faults = [StaleError(), StaleError()]

    def operation(_: Connection) -> str:
        if faults:
            raise faults.pop()
        return "done"

    assert session.repeatable_transaction(operation) == "done"
