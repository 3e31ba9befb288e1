"""`countersign exceptions` lists exceptions to rules and revokes one in the name of the operator."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from rules.state.commands import Approve
from rules.state.model import PackageState, Status
from store.audit.reader import verify_database
from tests.bot.terminal import Terminal, make_terminal
from tests.rules.exceptions.excepting import asking, costly, marking
from tests.rules.world import SENTA, SVEN, ask, policy_text
from tests.store.world import LASTING, World, open_world

MARKED = marking("cost", autonomy={"start": "full_auto"}, **LASTING)


@pytest.fixture
def terminal(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Terminal:
    return make_terminal(tmp_path, database_url, monkeypatch, capsys)


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with open_world(database_url, MARKED) as world:
        yield world


async def granted(world: World) -> PackageState:
    state = await world.submit(asking())
    for reviewer in (SENTA, SVEN):
        state = await world.after(ask(Approve, state), reviewer)
    return state


async def test_the_list_says_what_holds_who_approved_it_and_how_often_it_was_used(
    terminal: Terminal, world: World
) -> None:
    assert terminal("exceptions", "list").out == "no exception holds, is asked for or ended lately\n"
    state = await granted(world)
    await world.submit(costly())
    lines = terminal("exceptions", "list").out.splitlines()
    assert lines[0].startswith(f"holds     {state.decision_package_id}  until 2026-11-23")
    assert lines[1:] == [
        "  Refund without approvals until Monday",
        "  cost for refund on any subject, by Clerk",
        f"  approved by {SENTA}, {SVEN}; used 1 times",
    ]
    (listed,) = json.loads(terminal("exceptions", "list", "--json").out)
    assert (listed["standing"], listed["rule"], listed["uses"]) == ("holds", "cost", 1)


async def test_what_was_granted_and_does_not_hold_is_not_listed_as_holding(terminal: Terminal, world: World) -> None:
    state = await granted(world)
    unmarked = marking(autonomy={"start": "full_auto"}, **LASTING)
    result = terminal("policy", "apply", terminal.file("unmarked.toml", policy_text(unmarked)), "--yes")
    without = "it no longer holds: the policy allows no exceptions to the rule cost"
    assert f"exception {state.decision_package_id}: {without}" in result.out.splitlines()
    lines = terminal("exceptions", "list").out.splitlines()
    assert lines[0].startswith(f"inactive  {state.decision_package_id}")
    assert lines[1] == "  does not hold now: the policy no longer allows exceptions to this rule"
    (listed,) = json.loads(terminal("exceptions", "list", "--json").out)
    assert (listed["standing"], listed["because"]) == (
        "inactive",
        "the policy no longer allows exceptions to this rule",
    )


async def test_a_policy_that_ends_an_exception_says_so_before_it_is_applied(terminal: Terminal, world: World) -> None:
    state = await granted(world)
    short = marking("cost", exceptions={"at_most": "1d"}, autonomy={"start": "full_auto"}, **LASTING)
    result = terminal("policy", "apply", terminal.file("short.toml", policy_text(short)))
    ends = [line for line in result.out.splitlines() if line.startswith("exception ")]
    assert ends == [f"exception {state.decision_package_id}: it ends 2026-11-21T12:00Z (until now: 2026-11-23T12:00Z)"]


async def test_an_operator_revokes_an_exception_and_nothing_else(terminal: Terminal, world: World) -> None:
    state = await granted(world)
    spared = await world.submit(costly())
    package_id = state.decision_package_id
    assert terminal(
        "exceptions", "revoke", spared.decision_package_id, "--by", "Petra Berg", "--reason", "Wrong."
    ).line.startswith("countersign: This package is approved now")
    assert terminal("exceptions", "revoke", package_id, "--by", "Petra Berg", "--reason", "Done.").out == (
        f"{package_id} is revoked; the rule applies again\n"
    )
    revoked = await world.state(package_id)
    assert revoked.decision is not None
    assert (revoked.status, revoked.decision.reviewers[0].reviewer_id) == (Status.REVOKED, "operator")
    assert (revoked.decision.made_by, "<@" in revoked.decision.made_by) == ("an operator", False)
    assert terminal("exceptions", "list").out.startswith("revoked")
    assert await world.read(lambda connection: list(verify_database(connection))) == []
    assert terminal("exceptions", "revoke", package_id, "--by", "Petra Berg", "--reason", "Again.").code == 1


async def test_an_exception_is_revoked_without_the_policy_file(terminal: Terminal, world: World) -> None:
    package_id = (await granted(world)).decision_package_id
    (terminal.folder / "policy.toml").unlink()
    revocation = terminal("exceptions", "revoke", package_id, "--by", "Petra Berg", "--reason", "Done.")
    assert revocation.out == f"{package_id} is revoked; the rule applies again\n"
