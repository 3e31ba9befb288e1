"""The doctor's checks of people and user groups in the policy."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from playground.slack import Slack
from tests.bot.cli.doctor.setup import (
    NAMED,
    SENIORS,
    faults_found,
    furnished_workspace,
    healthy_terminal,
    only_fault,
    run_doctor,
)
from tests.bot.terminal import Terminal
from tests.rules.world import DORA, RITA, ROSS, SUSI

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
async def slack() -> AsyncIterator[Slack]:
    async with furnished_workspace() as slack:
        yield slack


@pytest.fixture
def terminal(
    database_url: str, slack: Slack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Terminal:
    """A healthy setup whose policy names channels and a user group."""
    terminal = healthy_terminal(database_url, slack, tmp_path, monkeypatch, capsys)
    terminal.file("policy.toml", NAMED)
    return terminal


@pytest.mark.parametrize(
    ("changed", "fault", "fix"),
    [
        ({"deleted": True}, "their account is closed", "take them out of the policy"),
        ({"guest": "multi"}, "they are a guest", "or put them into `guests` of [directory]"),
        ({"guest": "single"}, "they are a guest", "or put them into `guests` of [directory]"),
        ({"stranger": True, "team_id": "T2"}, "they are of another workspace", "take them out of the policy"),
        ({"bot": True}, "it is a bot, and bots cannot decide", "take it out of the policy"),
    ],
    ids=["closed", "guest of several channels", "guest of one channel", "stranger", "bot"],
)
async def test_a_person_in_the_policy_who_cannot_decide_is_a_fault(
    terminal: Terminal, slack: Slack, changed: dict[str, object], fault: str, fix: str
) -> None:
    slack.change_person(RITA, **changed)
    found_fault, what_to_do = await only_fault(terminal)
    assert found_fault == f"person {RITA}: {fault}"
    assert what_to_do.endswith(fix)


async def test_an_outsider_domain_that_members_use_is_a_fault(terminal: Terminal, slack: Slack) -> None:
    slack.change_person(RITA, email="rita@partner.example")
    outsiders = 'outsiders = ["Partner.example", "other.example"]'
    terminal.file("policy.toml", NAMED.replace("[directory]", f"[directory]\n{outsiders}"))
    assert await only_fault(terminal) == (
        "outsiders partner.example: members have addresses in this domain, so it counts for nothing",
        "take it out of `outsiders` of [directory]: name people of that domain by their own address",
    )


async def test_a_person_in_the_policy_whom_slack_does_not_know_is_a_fault(terminal: Terminal, slack: Slack) -> None:
    terminal.file("policy.toml", NAMED.replace(ROSS, "UMISSPELT"))
    assert await only_fault(terminal) == (
        "person UMISSPELT: Slack has no user with this id",
        "correct it in the policy; their profile shows it",
    )


async def test_a_guest_listed_in_the_policy_is_not_a_fault(terminal: Terminal, slack: Slack) -> None:
    slack.change_person(RITA, guest="multi")
    terminal.file("policy.toml", NAMED.replace("[directory]", f'[directory]\nguests = ["{RITA}"]'))
    assert await faults_found(terminal) == []


async def test_a_role_whose_people_cannot_decide_is_a_fault(terminal: Terminal, slack: Slack) -> None:
    for user in (SUSI, DORA):
        slack.change_person(user, deleted=True)
    faults = [fault for fault, _ in await faults_found(terminal)]
    assert faults == [
        f"person {SUSI}: their account is closed",
        f"person {DORA}: their account is closed",
        "role supervisor: nobody who holds it could decide",
    ]


# ---- user groups


async def test_a_user_group_that_slack_does_not_know_is_a_fault(terminal: Terminal, slack: Slack) -> None:
    slack.change_group(SENIORS, disabled=True)
    assert await only_fault(terminal) == (
        f"user group {SENIORS}: Slack has no enabled group with this id (no_such_subteam)",
        "correct it in the policy",
    )


async def test_a_slack_plan_without_user_groups_is_a_fault(terminal: Terminal, slack: Slack) -> None:
    slack.faults.groups_unreadable("plan_upgrade_required")
    fault, fix = await only_fault(terminal)
    assert fault == f"user group {SENIORS}: Slack does not show it (plan_upgrade_required)"
    assert fix.startswith("name people as `members` in the policy instead")


async def test_a_role_with_an_unreadable_group_is_not_a_second_fault(terminal: Terminal, slack: Slack) -> None:
    both = NAMED.replace(f'["{SUSI}"]', "[]").replace(f'["{DORA}"]', "[]")
    terminal.file("policy.toml", both.replace("members = []", f'groups = ["{SENIORS}"]'))
    slack.faults.groups_unreadable()
    assert len(await faults_found(terminal)) == 1


async def test_an_empty_user_group_leaves_its_role_to_roles_that_include_it(terminal: Terminal, slack: Slack) -> None:
    slack.change_group(SENIORS, members=[])
    result = await run_doctor(terminal)
    assert result.code == 0
    assert "user group S0SENIORS, of 0" in result.out
    assert "role senior_reviewer, in which 2 could decide" in result.out
