"""Agents ask over MCP with the real library, and coding agents ask before each use of a tool."""

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
async def serve_in_process(wait: float = 60) -> AsyncIterator[Client]:
    async with Client(server(wait=wait)) as client:
        yield client


@asynccontextmanager
async def serve_on_stdio() -> AsyncIterator[Client]:
    """The server in its own process, on standard input and output."""
    parameters = StdioServerParameters(command=sys.executable, args=["-c", RUN, "--wait", "60"], env=dict(os.environ))
    async with Client(parameters) as client:
        yield client


async def call(client: Client, tool: str, **arguments: Any) -> Any:
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result
    return result.structured_content


async def call_text(client: Client, tool: str, **arguments: Any) -> Any:
    result = await client.call_tool(tool, arguments)
    (part,) = result.content
    return json.loads(part.text)  # type: ignore[union-attr]


@pytest.mark.parametrize("serve", [serve_in_process, serve_on_stdio], ids=["in process", "stdio"])
async def test_an_agent_asks_waits_claims_and_reports(office: Office, watcher: Agent, serve: Any) -> None:
    async with serve() as client:
        asked = await call(client, "request_approval", **ASKED)
        package_id = {"decision_package_id": asked["decision_package_id"]}
        assert (asked["status"], asked["may_proceed"]) == ("pending", False)
        assert (await call(client, "await_decision", **package_id, wait_seconds=0.1))["status"] == "pending"
        await office.approve(SENTA, await watcher.card(await watcher.wait_for_package()))
        assert (await call(client, "await_decision", **package_id))["may_proceed"] is True
        claim = await call(client, "claim_execution", **package_id)
        assert claim["action_parameters"] == HARD["action_parameters"]
        done = await call(client, "report_outcome", **package_id, claim_id=claim["claim_id"], state="succeeded")
        assert done["execution"]["state"] == "succeeded"
        assert (await call(client, "get_package", **package_id))["execution"]["state"] == "succeeded"
        twice = await client.call_tool("claim_execution", package_id)
        assert twice.is_error


async def test_a_server_repeats_its_own_claim_and_no_other_server_can(office: Office, watcher: Agent) -> None:
    async with serve_in_process() as client:
        package_id = {"decision_package_id": (await call(client, "request_approval", **ASKED))["decision_package_id"]}
        await office.approve(SENTA, await watcher.card(await watcher.wait_for_package()))
        first = await call(client, "claim_execution", **package_id)
        assert await call(client, "claim_execution", **package_id) == first
        async with serve_in_process() as another:
            assert (await another.call_tool("claim_execution", package_id)).is_error
        await call(client, "report_outcome", **package_id, claim_id=first["claim_id"], state="succeeded")
        assert (await client.call_tool("claim_execution", package_id)).is_error


async def test_the_same_key_is_the_same_request(office: Office) -> None:
    async with serve_in_process() as client:
        both = [await call(client, "request_approval", **ASKED, idempotency_key="k") for _ in range(2)]
    assert both[0]["decision_package_id"] == both[1]["decision_package_id"]


async def test_a_refused_request_is_an_error_for_the_model(office: Office) -> None:
    async with serve_in_process() as client:
        result = await client.call_tool("request_approval", {**ASKED, "confidence": 7})
    assert result.is_error
    assert "confidence" in str(result.content)


async def test_a_coding_agent_may_use_a_tool_that_people_approve(office: Office, watcher: Agent) -> None:
    async with serve_in_process() as client:
        asking = asyncio.ensure_future(call_text(client, "permission_prompt", **USE))
        package = await watcher.wait_for_package()
        await office.click(RITA, await watcher.card(package), "approve")
        assert await asking == {"behavior": "allow", "updatedInput": {"command": "rm -rf build"}}
    assert await watcher.execution(package) == "succeeded"


async def test_a_coding_agent_gets_the_edited_input(office: Office, watcher: Agent) -> None:
    async with serve_in_process() as client:
        asking = asyncio.ensure_future(call_text(client, "permission_prompt", **USE))
        await office.edit(RITA, await watcher.card(await watcher.wait_for_package()), '{"command": "rm -rf build/tmp"}')
        await office.click(SUSI, await watcher.card(await watcher.wait_for_package()), "approve")
        assert await asking == {"behavior": "allow", "updatedInput": {"command": "rm -rf build/tmp"}}


async def test_a_coding_agent_gets_the_reason_of_a_refusal(office: Office, watcher: Agent) -> None:
    async with serve_in_process() as client:
        asking = asyncio.ensure_future(call_text(client, "permission_prompt", **USE))
        await office.give(
            RITA, await watcher.card(await watcher.wait_for_package()), Verb.REJECT, {"comment": "Keep it."}
        )
        answer = await asking
    assert answer["behavior"] == "deny"
    assert "Keep it." in answer["message"]


async def test_a_permission_prompt_that_times_out_denies_and_withdraws_the_package(
    office: Office, watcher: Agent
) -> None:
    async with serve_in_process(wait=0.1) as client:
        answer = await call_text(client, "permission_prompt", **USE)
    assert answer["behavior"] == "deny"
    assert "which is no refusal" in answer["message"]
    assert (await watcher.wait_for_package("cancelled")).body["status"] == "cancelled"


async def test_a_permission_prompt_with_a_wrong_key_denies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COUNTERSIGN_AGENT_KEY", "csk_wrong")
    async with serve_in_process() as client:
        answer = await call_text(client, "permission_prompt", **USE)
    assert answer["behavior"] == "deny"
    assert "unauthenticated" in answer["message"]


def test_the_command_says_what_to_install_if_the_mcp_library_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "countersign.mcp", None)
    monkeypatch.setattr(sys, "argv", ["countersign-mcp"])
    with pytest.raises(SystemExit, match=r'pip install "countersign-sdk\[mcp\]"'):
        mcp_command.main()
