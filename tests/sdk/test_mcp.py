"""Agents ask over MCP, on the real library's stdin and stdout; coding agents ask for each tool they want to use."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from mcp import Client, StdioServerParameters

from countersign import mcp_command
from countersign.mcp import server
from rules.state.commands import Verb
from tests.bot.slack.office import HARD, RITA, SENTA, SUSI, Office
from tests.sdk.agents import Agent
from tests.sdk.network import Network

NAMED = ("title", "action_type", "action_parameters", "proposed_action", "rationale", "risk_level", "confidence")
ASKED = {name: HARD[name] for name in NAMED} | {"more": {k: v for k, v in HARD.items() if k not in NAMED}}
RUN = "from countersign.mcp_command import main; main()"
USE = {"tool_name": "Bash", "input": {"command": "rm -rf build"}, "tool_use_id": "toolu_1"}


@pytest.fixture(autouse=True)
def environment(office: Office, wire: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COUNTERSIGN_URL", wire.url)
    monkeypatch.setenv("COUNTERSIGN_AGENT_KEY", office.key)


@asynccontextmanager
async def serving(wait: float = 60) -> AsyncIterator[Client]:
    async with Client(server(wait=wait)) as client:
        yield client


@asynccontextmanager
async def serving_apart() -> AsyncIterator[Client]:
    """The server as a process of its own, on its standard input and output."""
    its = StdioServerParameters(command=sys.executable, args=["-c", RUN, "--wait", "60"], env=dict(os.environ))
    async with Client(its) as client:
        yield client


async def called(client: Client, tool: str, **arguments: Any) -> Any:
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result
    return result.structured_content


async def said(client: Client, tool: str, **arguments: Any) -> Any:
    result = await client.call_tool(tool, arguments)
    (part,) = result.content
    return json.loads(part.text)  # type: ignore[union-attr]


@pytest.mark.parametrize("serve", [serving, serving_apart], ids=["in process", "stdio"])
async def test_an_agent_asks_waits_claims_and_reports(office: Office, watcher: Agent, serve: Any) -> None:
    async with serve() as client:
        asked = await called(client, "request_approval", **ASKED)
        its = {"decision_package_id": asked["decision_package_id"]}
        assert (asked["status"], asked["may_proceed"]) == ("pending", False)
        assert (await called(client, "await_decision", **its, wait_seconds=0.1))["status"] == "pending"
        await office.approve(SENTA, await watcher.card(await watcher.proposed()))
        assert (await called(client, "await_decision", **its))["may_proceed"] is True
        claim = await called(client, "claim_execution", **its)
        assert claim["action_parameters"] == HARD["action_parameters"]
        done = await called(client, "report_outcome", **its, claim_id=claim["claim_id"], state="succeeded")
        assert done["execution"]["state"] == "succeeded"
        assert (await called(client, "get_package", **its))["execution"]["state"] == "succeeded"
        twice = await client.call_tool("claim_execution", its)
        assert twice.is_error


async def test_a_claim_whose_answer_was_lost_is_given_again_by_this_server_and_by_no_other(
    office: Office, watcher: Agent
) -> None:
    async with serving() as client:
        its = {"decision_package_id": (await called(client, "request_approval", **ASKED))["decision_package_id"]}
        await office.approve(SENTA, await watcher.card(await watcher.proposed()))
        first = await called(client, "claim_execution", **its)
        assert await called(client, "claim_execution", **its) == first
        async with serving() as another:
            assert (await another.call_tool("claim_execution", its)).is_error
        await called(client, "report_outcome", **its, claim_id=first["claim_id"], state="succeeded")
        assert (await client.call_tool("claim_execution", its)).is_error


async def test_the_same_key_is_the_same_request(office: Office) -> None:
    async with serving() as client:
        both = [await called(client, "request_approval", **ASKED, idempotency_key="k") for _ in range(2)]
    assert both[0]["decision_package_id"] == both[1]["decision_package_id"]


async def test_what_is_refused_is_told_to_the_model(office: Office) -> None:
    async with serving() as client:
        result = await client.call_tool("request_approval", {**ASKED, "confidence": 7})
    assert result.is_error
    assert "confidence" in str(result.content)


async def test_a_coding_agent_may_use_a_tool_that_people_let_it(office: Office, watcher: Agent) -> None:
    async with serving() as client:
        asking = asyncio.ensure_future(said(client, "permission_prompt", **USE))
        package = await watcher.proposed()
        await office.click(RITA, await watcher.card(package), "approve")
        assert await asking == {"behavior": "allow", "updatedInput": {"command": "rm -rf build"}}
    assert await watcher.execution(package) == "succeeded"


async def test_it_gets_the_input_as_edited(office: Office, watcher: Agent) -> None:
    async with serving() as client:
        asking = asyncio.ensure_future(said(client, "permission_prompt", **USE))
        await office.edit(RITA, await watcher.card(await watcher.proposed()), '{"command": "rm -rf build/tmp"}')
        await office.click(SUSI, await watcher.card(await watcher.proposed()), "approve")
        assert await asking == {"behavior": "allow", "updatedInput": {"command": "rm -rf build/tmp"}}


async def test_a_refusal_is_told_with_its_reason(office: Office, watcher: Agent) -> None:
    async with serving() as client:
        asking = asyncio.ensure_future(said(client, "permission_prompt", **USE))
        await office.give(RITA, await watcher.card(await watcher.proposed()), Verb.REJECT, {"comment": "Keep it."})
        answer = await asking
    assert answer["behavior"] == "deny"
    assert "Keep it." in answer["message"]


async def test_a_wait_that_ends_denies_and_leaves_no_card_behind(office: Office, watcher: Agent) -> None:
    async with serving(wait=0.1) as client:
        answer = await said(client, "permission_prompt", **USE)
    assert answer["behavior"] == "deny"
    assert "which is no refusal" in answer["message"]
    assert (await watcher.proposed("cancelled")).body["status"] == "cancelled"


async def test_a_service_that_does_not_take_the_key_denies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COUNTERSIGN_AGENT_KEY", "csk_wrong")
    async with serving() as client:
        answer = await said(client, "permission_prompt", **USE)
    assert answer["behavior"] == "deny"
    assert "unauthenticated" in answer["message"]


def test_where_the_library_is_missing_that_is_told_in_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "countersign.mcp", None)
    monkeypatch.setattr(sys, "argv", ["countersign-mcp"])
    with pytest.raises(SystemExit, match=r'pip install "countersign-sdk\[mcp\]"'):
        mcp_command.main()
