"""A Slack that differs from what is documented: `countersign doctor --live` reports each point."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from playground.slack import Slack
from tests.bot.cli.doctor.live_operator import live_terminal, live_workspace, run_live
from tests.bot.cli.doctor.setup import SENIORS
from tests.bot.terminal import Terminal
from tests.rules.world import RITA

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
async def slack() -> AsyncIterator[Slack]:
    async with live_workspace() as slack:
        yield slack


@pytest.fixture
def terminal(
    database_url: str, slack: Slack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Terminal:
    return live_terminal(database_url, slack, tmp_path, monkeypatch, capsys)


@pytest.mark.parametrize(
    ("step", "method", "error"),
    [
        ("card: action, hard", "chat.postMessage", "invalid_blocks"),
        ("card: takeover", "chat.postMessage", "invalid_blocks"),
        ("card: decided", "chat.update", "block_mismatch"),
        ("largest card, emoji", "chat.postMessage", "msg_blocks_too_long"),
        ("header of 150 emoji", "chat.postMessage", "invalid_blocks"),
        ("chart", "chat.postMessage", "invalid_blocks"),
        ("view at once", "views.open", "expired_trigger_id"),
        ("stack of views", "views.push", "push_limit_reached"),
        ("permalink", "chat.getPermalink", "missing_scope"),
        ("people", "users.list", "invalid_cursor"),
        ("user group", "usergroups.users.list", "plan_upgrade_required"),
    ],
)
async def test_what_slack_refuses_is_reported_with_its_word(
    terminal: Terminal, slack: Slack, step: str, method: str, error: str
) -> None:
    async def refuse() -> None:
        slack.faults.error(method, error)

    result = await run_live(terminal, slack, step, at_begin=refuse)
    assert result.only_step == f"differs      {step}: Slack answers {error}"
    assert result.command.code == 1
    assert "## Differs" in result.report
    assert f"Slack answers {error}" in result.report


async def test_a_fault_that_slacks_validator_finds_is_reported_for_each_card(terminal: Terminal, slack: Slack) -> None:
    async def know_no_rich_text() -> None:
        slack.faults.unknown_blocks.add("rich_text")

    result = await run_live(terminal, slack, "blocks.validate", at_begin=know_no_rich_text)
    assert result.only_step.startswith("differs      blocks.validate: action, soft: invalid_blocks")
    assert "largest card, emoji: invalid_blocks" in result.only_step


async def test_a_slack_without_a_validator_is_no_difference(terminal: Terminal, slack: Slack) -> None:
    async def refuse() -> None:
        slack.faults.error("blocks.validate", "unknown_method")

    result = await run_live(terminal, slack, "blocks.validate", at_begin=refuse)
    assert result.only_step == "not tried    blocks.validate: Slack answers unknown_method to blocks.validate"
    assert result.command.code == 0


@pytest.mark.parametrize("step", ["private chart", "two changes"])
async def test_a_response_url_that_refuses_is_reported_with_its_word(
    terminal: Terminal, slack: Slack, step: str
) -> None:
    async def refuse() -> None:
        slack.faults.status(404, "response_url", page="used_url", content_type="text/plain")

    result = await run_live(terminal, slack, step, at_begin=refuse)
    assert result.only_step == f"differs      {step}: Slack answers used_url"


async def test_what_slack_says_about_a_block_is_reported(terminal: Terminal, slack: Slack) -> None:
    async def refuse() -> None:
        slack.faults.error(
            "chat.postMessage", "invalid_blocks", response_metadata={"messages": ["[ERROR] too long [/blocks/0]"]}
        )

    result = await run_live(terminal, slack, "header of 150 emoji", at_begin=refuse)
    assert result.only_step.endswith("Slack answers invalid_blocks ([ERROR] too long [/blocks/0])")


@pytest.mark.parametrize(
    ("step", "part"),
    [
        ("markup", "the word bold"),
        ("card on a phone", "See more"),
        ("chart", "above is a pie chart"),
        ("private chart", "you alone see"),
        ("stack of views", "all three views"),
        ("two changes", "Second change"),
        ("direct message", "a direct message"),
    ],
)
async def test_what_the_operator_saw_instead_is_reported(
    terminal: Terminal, slack: Slack, step: str, part: str
) -> None:
    result = await run_live(terminal, slack, step, saw={part: "something | else\nentirely"})
    assert result.steps[0].startswith(f"differs      {step}: the operator saw: something | else")
    assert "the operator saw: something \\| else entirely |" in result.report
    assert result.command.code == 1


async def _without_a_scope(slack: Slack) -> None:
    slack.scopes = slack.scopes - {"users:read.email"}


async def _without_direct_messages(slack: Slack) -> None:
    slack.workspace.messages_tab_enabled = False


async def _without_escaping(slack: Slack) -> None:
    slack.workspace.should_escape = False


async def _from_another_workspace(slack: Slack) -> None:
    slack.change_person(RITA, team_id="TOTHER")


@pytest.mark.parametrize(
    ("step", "differ", "reported"),
    [
        ("scopes", _without_a_scope, "x-oauth-scopes lacks users:read.email"),
        ("direct message", _without_direct_messages, "Slack answers messages_tab_disabled"),
        ("slash command", _without_escaping, "the mention arrived as '@uross'"),
        ("click", _from_another_workspace, "`user.team_id` is not the workspace of the app"),
    ],
)
async def test_a_workspace_that_differs_is_reported(
    terminal: Terminal,
    slack: Slack,
    step: str,
    differ: Callable[[Slack], Awaitable[None]],
    reported: str,
) -> None:
    await differ(slack)
    result = await run_live(terminal, slack, step)
    assert result.only_step == f"differs      {step}: {reported}"


async def test_a_second_program_on_the_same_app_is_reported(terminal: Terminal, slack: Slack) -> None:
    web = AsyncWebClient(base_url=slack.api_url)
    opened = await web.apps_connections_open(app_token=slack.app_token)
    async with aiohttp.ClientSession() as http, http.ws_connect(opened["url"]) as other:
        await other.receive()
        await slack.until(lambda: slack.sockets.connected == 1)

        async def drop_the_other() -> None:
            await other.close()
            await slack.until(lambda: slack.sockets.connected == 1)

        result = await run_live(terminal, slack, "hello", at_begin=drop_the_other)
    assert result.only_step == "differs      hello: num_connections is 2: does `countersign serve` run?"


@pytest.mark.slow
async def test_a_trigger_that_lasts_longer_than_three_seconds_is_reported(terminal: Terminal, slack: Slack) -> None:
    slack.workspace.triggers.life = 60
    result = await run_live(terminal, slack, "view after 4 s")
    assert result.only_step == "differs      view after 4 s: the view opened"


async def test_a_user_group_is_refused_plainly_where_the_policy_names_none(terminal: Terminal, slack: Slack) -> None:
    terminal.file("policy.toml", (terminal.folder / "policy.toml").read_text().replace(f'"{SENIORS}"', ""))
    result = await run_live(terminal, slack, "user group")
    assert result.only_step == "as expected  user group: no_such_subteam"
