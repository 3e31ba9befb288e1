"""`countersign policy apply` shows beforehand what changes for packages that wait for people."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rules.package.model import DecisionPackage
from rules.policy.model import Policy
from rules.state.service_commands import Climb
from tests.bot.terminal import Terminal, make_terminal
from tests.rules.world import DAY, HARD, SOFT, ask, policy, policy_text
from tests.store.world import LASTING, POLICY, open_world


@pytest.fixture
def terminal(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Terminal:
    return make_terminal(tmp_path, database_url, monkeypatch, capsys)


async def waiting(terminal: Terminal, package: DecisionPackage) -> str:
    """Submit the package, and return how its lines begin."""
    async with open_world(terminal.url) as world:
        state = await world.submit(package)
    return f"{state.decision_package_id} ({state.action_type}): "


def preview_lines(terminal: Terminal, changed: Policy) -> list[str]:
    """The preview: without a terminal, nothing is applied."""
    result = terminal("policy", "apply", terminal.file("new.toml", policy_text(changed)))
    assert (result.code, result.err) == (1, "countersign: add --yes to apply it without being asked\n")
    return result.out.splitlines()


def new(**changes: Any) -> Policy:
    return policy(**LASTING | changes, version="test-2")


async def about(terminal: Terminal, package: DecisionPackage, changed: Policy) -> list[str]:
    prefix = await waiting(terminal, package)
    return [line.removeprefix(prefix) for line in preview_lines(terminal, changed) if line.startswith(prefix)]


async def test_a_package_that_silence_no_longer_approves_is_listed(terminal: Terminal) -> None:
    assert await about(terminal, SOFT, new(soft={"enabled": False})) == ["silence no longer counts"]


async def test_a_package_that_needs_more_people_is_listed_with_the_old_quorum(terminal: Terminal) -> None:
    changed = new(tiers={"medium": {"quorum": 2, "of_role": {"senior_reviewer": 1}}})
    assert await about(terminal, SOFT, changed) == [
        "it takes 2 people as reviewer, 1 of them as senior_reviewer (until now: it takes 1 person as reviewer)"
    ]


async def test_a_package_that_moves_to_another_role_is_listed_with_that_role(terminal: Terminal) -> None:
    changed = new(roles={"senior_reviewer": {"members": []}, "supervisor": {"includes": []}})
    assert await about(terminal, HARD, changed) == [
        "no one could approve it as senior_reviewer, so it goes to supervisor"
    ]


async def test_a_package_that_keeps_its_role_while_new_ones_get_another_is_listed(terminal: Terminal) -> None:
    changed = new(tiers={"medium": {"role": "senior_reviewer"}})
    assert await about(terminal, SOFT, changed) == ["it stays with reviewer; a new one like it goes to senior_reviewer"]


async def test_a_package_that_no_one_could_approve_is_listed(terminal: Terminal) -> None:
    nobody: dict[str, Any] = {role: {"members": []} for role in ("senior_reviewer", "supervisor", "director")}
    assert await about(terminal, HARD, new(roles=nobody)) == ["no one could approve it"]


async def test_a_package_with_too_few_people_for_its_quorum_is_listed(terminal: Terminal) -> None:
    last = (await about(terminal, HARD, new(tiers={"high": {"quorum": 9}})))[-1]
    assert last == "only 6 of the 9 approvals that it needs could come in"


async def test_user_groups_that_are_not_read_yet_are_listed(terminal: Terminal) -> None:
    await waiting(terminal, HARD)
    changed = new(roles={"senior_reviewer": {"groups": ["S1"]}})
    assert "the members of S1 are not known: nobody decides until the service reads them" in preview_lines(
        terminal, changed
    )


async def test_a_policy_that_changes_nothing_for_a_package_does_not_list_it(terminal: Terminal) -> None:
    assert await about(terminal, HARD, new(windows={"key_overlap": "2h"})) == []


async def test_a_reformatted_policy_in_force_is_already_in_force(terminal: Terminal) -> None:
    await waiting(terminal, HARD)
    file = terminal.file("same.toml", "# explained\n\n" + policy_text(POLICY))
    result = terminal("policy", "apply", file, "--yes")
    assert (result.code, result.out) == (0, f"already in force: {POLICY.full_version}\n")


async def test_a_package_that_an_earlier_role_may_no_longer_decide_is_listed(terminal: Terminal) -> None:
    async with open_world(terminal.url) as world:
        state = await world.submit(HARD)
        world.clock.passes(DAY)
        await world.store.execute(ask(Climb, state))
    prefix = f"{state.decision_package_id} ({state.action_type}): "
    changed = new(tiers={"high": {"ladder_keeps": False}})
    listed = [line.removeprefix(prefix) for line in preview_lines(terminal, changed) if line.startswith(prefix)]
    assert listed == ["a supervisor may decide (until now: a supervisor or a senior reviewer)"]
