"""What policy calls high-impact cannot be called outside a gate."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from countersign import Tools, UngatedToolError, gate, require_gate
from tests.sdk.agents import Agent
from tests.slack.office import SENTA

POLICY = Path(__file__).parent.parent.parent / "policy.toml"


def delete_record(record: str) -> str:
    return f"deleted {record}"


def search(words: str) -> str:
    return f"found {words}"


def test_a_high_impact_tool_without_a_gate_is_denied() -> None:
    tools = Tools(["delete_*"])
    guarded = tools.tool(delete_record)
    with pytest.raises(UngatedToolError, match="only inside a gate"):
        guarded("42")
    with pytest.raises(UngatedToolError):
        tools.call("delete_record", record="42")


async def test_an_async_one_too() -> None:
    async def delete_record(record: str) -> None: ...

    tools = Tools(["delete_*"])
    with pytest.raises(UngatedToolError):
        await tools.tool(delete_record)("42")


def test_what_is_harmless_is_called_as_it_is() -> None:
    tools = Tools(["delete_*"])
    tools.tool(search)
    assert tools.call("search", words="a") == "found a"


def test_what_is_not_registered_is_no_tool() -> None:
    with pytest.raises(UngatedToolError, match="there are: none"):
        Tools().call("rm_rf")


@pytest.mark.parametrize(
    ("name", "grave"),
    [("send_notice", True), ("search", False), ("send_email", False), ("read_data", False), ("never_heard_of", True)],
)
def test_the_services_own_policy_says_what_is_high_impact(name: str, grave: bool) -> None:
    assert Tools.from_policy(POLICY).is_high_impact(name) is grave


def test_an_exact_name_comes_before_a_pattern(tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text(
        '[actions]\n"crm.*" = { reversibility = "reversible" }\n"crm.delete" = { reversibility = "irreversible_high" }\n'
        '"crm.delete.*" = { reversibility = "irreversible_high" }\n"crm.delete.draft" = { reversibility = "reversible" }\n'
    )
    tools = Tools.from_policy(policy)
    names = ["crm.read", "crm.delete", "crm.delete.all", "crm.delete.draft"]
    assert [tools.is_high_impact(name) for name in names] == [False, True, True, False]


async def test_inside_its_gate_it_runs(agent: Agent) -> None:
    tools = Tools(["record.read"])
    guarded = _named("record.read", tools)
    calling = asyncio.ensure_future(agent.gated(guarded)("42"))
    await agent.office.approve(SENTA, await agent.card(await agent.proposed()))
    assert await calling == "42"


async def test_inside_another_gate_it_does_not(agent: Agent) -> None:
    def read(record: str) -> str:
        require_gate("record.delete")
        return record

    calling = asyncio.ensure_future(agent.gated(read)("42"))
    await agent.office.approve(SENTA, await agent.card(await agent.proposed()))
    with pytest.raises(UngatedToolError):
        await calling


def test_a_gated_tool_is_registered_by_its_action_type_and_called_by_it() -> None:
    tools = Tools(["send_notice"])
    gated = gate("send_notice", risk_level="high", confidence=0.9)(search)
    assert tools.tool(gated) is gated


def _named(name: str, tools: Tools) -> Any:
    def read(record: str) -> str:
        return record

    read.__name__ = name
    return tools.tool(read)
