"""A tool that the policy calls high-impact cannot be called outside a gate."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from functools import wraps
from pathlib import Path
from typing import Any, get_type_hints

import pytest
from mcp.server import MCPServer

from countersign import AsyncClient, Client, Tools, UngatedToolError, gate, require_gate
from rules.package.model import DecisionPackage
from rules.policy.parse import read_policy
from rules.scales import HITLLevel, Reversibility, RiskLevel
from rules.state.case import Background
from rules.state.level import assess
from tests.bot.slack.office import SENTA, SOFT, Office
from tests.sdk.agents import QUICK, Agent

ROLES = 'version = "test-1"\n' + "".join(
    f'[roles.{name}]\nmembers = ["URITA"]\n' for name in ("reviewer", "senior_reviewer", "supervisor")
)
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


async def test_an_async_high_impact_tool_without_a_gate_is_denied() -> None:
    async def delete_record(record: str) -> None: ...

    tools = Tools(["delete_*"])
    with pytest.raises(UngatedToolError):
        await tools.tool(delete_record)("42")


def test_a_harmless_tool_is_called_without_a_gate() -> None:
    tools = Tools(["delete_*"])
    tools.tool(search)
    assert tools.call("search", words="a") == "found a"


def test_an_unregistered_tool_cannot_be_called() -> None:
    with pytest.raises(UngatedToolError, match="there are: none"):
        Tools().call("rm_rf")


@pytest.mark.parametrize(
    ("name", "grave"),
    [("send_notice", True), ("search", False), ("send_email", False), ("read_data", False), ("never_heard_of", True)],
)
def test_the_policy_file_says_which_tools_are_high_impact(name: str, grave: bool) -> None:
    assert Tools.from_policy(POLICY).is_high_impact(name) is grave


ENTRIES = [
    *(f'{{ reversibility = "{value}" }}' for value in Reversibility),
    *(f'{{ reversibility = "reversible", floor = "{level}" }}' for level in HITLLevel),
    *(f'{{ reversibility = "reversible", risk = "{risk}" }}' for risk in RiskLevel),
    '{ reversibility = "reversible", tool = { effect_type = "payment" } }',
    '{ reversibility = "reversible", tool = { approval_required = false } }',
    '{ reversibility = "reversible", data_classes = ["pii"] }',
    '{ reversibility = "irreversible_low", data_classes = ["external"] }',
    '{ reversibility = "irreversible_low", data_classes = ["pii"] }',
]
TABLES = [
    "",
    '[reversibility]\nreversible = "hard_approval"\nirreversible_low = "human_takeover"\n',
    '[matrix]\nsensitive = ["external"]\n[tiers.medium]\nlevel = "hard_approval"\nrole = "reviewer"\n',
    '[tiers.low]\nlevel = "hard_approval"\nrole = "reviewer"\n',
    "[soft]\nenabled = false\n",
    '[kinds]\naction = "hard_approval"\n',
    "[matrix]\nirreversible_soft_above = 1.0\n",
    "[matrix]\nreversible_auto_above = 1.0\n[soft]\nenabled = false\n",
    '[autonomy]\nstart = "hard_approval"\n',
]


@pytest.mark.parametrize(
    ("entry", "tables"),
    [
        ("{}", ""),
        ('{ reversibility = "undone" }', ""),
        ('{ reversibility = "reversible", risk = "unheard_of" }', ""),
        ('{ reversibility = "reversible", floor = "unheard_of" }', ""),
        ('{ reversibility = "reversible", floor = "soft_approval" }', '[soft]\nenabled = "no"\n'),
    ],
)
def test_what_the_sdk_cannot_judge_is_high_impact(tmp_path: Path, entry: str, tables: str) -> None:
    (tmp_path / "policy.toml").write_text(f"{tables}[actions]\nact = {entry}\n")
    assert Tools.from_policy(tmp_path / "policy.toml").is_high_impact("act")


@pytest.mark.parametrize("tables", TABLES)
@pytest.mark.parametrize("entry", ENTRIES)
def test_an_action_that_always_needs_a_person_is_high_impact(tmp_path: Path, entry: str, tables: str) -> None:
    """The SDK agrees with the service, even for a package that the agent calls harmless."""
    text = f"{ROLES}{tables}[actions]\nact = {entry}\n"
    (tmp_path / "policy.toml").write_text(text)
    harmless = DecisionPackage.model_validate(SOFT | {"action_type": "act", "risk_level": "low", "confidence": 1.0})
    level = assess(harmless, Background(), read_policy(text)).level
    assert Tools.from_policy(tmp_path / "policy.toml").is_high_impact("act") is (level >= HITLLevel.HARD_APPROVAL)


def test_an_exact_name_wins_over_a_pattern(tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text(
        '[actions]\n"crm.*" = { reversibility = "reversible" }\n"crm.delete" = { reversibility = "irreversible_high" }\n'
        '"crm.delete.*" = { reversibility = "irreversible_high" }\n"crm.delete.draft" = { reversibility = "reversible" }\n'
    )
    tools = Tools.from_policy(policy)
    names = ["crm.read", "crm.delete", "crm.delete.all", "crm.delete.draft"]
    assert [tools.is_high_impact(name) for name in names] == [
        False,
        True,
        True,
        True,
    ]  # crm.delete is high-impact, and so is every name that continues it


@pytest.mark.parametrize(
    ("name", "grave"),
    [
        ("crm.Delete", True),
        ("\uff43rm.delete", True),
        ("crm.de\u200blete", True),
        ("crm.read", False),
        ("DB.read", True),
        ("db.read", True),
        ("search.delete_all", True),
        ("search", False),
    ],
)
def test_spelling_and_milder_patterns_do_not_bypass_an_entry(tmp_path: Path, name: str, grave: bool) -> None:
    text = """
[actions]
"crm.delete" = { reversibility = "irreversible_high" }
"crm.*" = { reversibility = "reversible" }
db = { reversibility = "irreversible_high" }
"db.*" = { reversibility = "reversible" }
search = { reversibility = "reversible" }
"""
    (tmp_path / "policy.toml").write_text(text)
    assert Tools.from_policy(tmp_path / "policy.toml").is_high_impact(name) is grave


async def test_a_high_impact_tool_runs_inside_its_gate(agent: Agent) -> None:
    tools = Tools(["record.read"])
    guarded = _register_named("record.read", tools)
    calling = asyncio.ensure_future(agent.gate(guarded)("42"))
    await agent.office.approve(SENTA, await agent.card(await agent.wait_for_package()))
    assert await calling == "42"


async def test_a_high_impact_tool_does_not_run_inside_another_gate(agent: Agent) -> None:
    def read(record: str) -> str:
        require_gate("record.delete")
        return record

    calling = asyncio.ensure_future(agent.gate(read)("42"))
    await agent.office.approve(SENTA, await agent.card(await agent.wait_for_package()))
    with pytest.raises(UngatedToolError):
        await calling


async def test_a_permission_ends_with_the_call_for_tasks_that_it_leaves_behind(office: Office) -> None:
    tools, ended, left = Tools(["record.read"]), asyncio.Event(), list[asyncio.Task[str]]()
    guarded = _register_named("record.read", tools)

    async def later() -> str:
        await ended.wait()
        return str(guarded("42"))

    async def read(record: str) -> str:
        left.append(asyncio.create_task(later()))
        return str(await asyncio.to_thread(guarded, record))  # allowed while the call lasts

    async with AsyncClient(office.url, office.key, patience=QUICK) as client:
        assert await gate("record.read", client=client, risk_level="low", confidence=0.95)(read)("42") == "42"
    ended.set()
    with pytest.raises(UngatedToolError):
        await left[0]


async def test_a_permission_ends_with_the_call_for_threads_that_it_leaves_behind(office: Office) -> None:
    tools, ended, left = Tools(["record.read"]), threading.Event(), list[Future[str]]()
    guarded = _register_named("record.read", tools)

    def later() -> str:
        ended.wait()
        return str(guarded("42"))

    with ThreadPoolExecutor() as pool, Client(office.url, office.key, patience=QUICK) as client:

        @gate("record.read", client=client, risk_level="low", confidence=0.95)
        def read(record: str) -> str:
            left.append(pool.submit(copy_context().run, later))
            return str(guarded(record))

        assert await asyncio.to_thread(read, "42") == "42"
        ended.set()
        with pytest.raises(UngatedToolError):
            left[0].result()


def test_a_guarded_tool_keeps_its_signature_and_cannot_be_unwrapped() -> None:
    def delete_record(record: str, copies: int = 1) -> str:
        """Delete a record."""
        return record

    guarded = Tools(["delete_*"]).tool(wrap_function(delete_record))
    assert (guarded.__name__, guarded.__doc__) == ("delete_record", "Delete a record.")
    assert inspect.signature(guarded) == inspect.signature(delete_record, eval_str=True)
    assert get_type_hints(guarded) == get_type_hints(delete_record)
    assert inspect.unwrap(guarded) is guarded
    with pytest.raises(UngatedToolError):
        inspect.unwrap(guarded)("42")


def test_a_generator_function_cannot_be_a_guarded_tool() -> None:
    def delete_records() -> Iterator[int]:
        yield 1

    with pytest.raises(TypeError, match="before it began"):
        Tools(["delete_*"]).tool(delete_records)


async def test_a_framework_makes_the_same_schema_of_a_guarded_tool() -> None:
    servers = [MCPServer("tools"), MCPServer("tools")]
    for server, function in zip(servers, (delete_record, Tools(["delete_*"]).tool(delete_record)), strict=True):
        server.add_tool(function)
    plain, guarded = [await server.list_tools() for server in servers]
    assert guarded == plain


def test_a_guarded_tool_with_an_unknown_annotation_is_refused_when_it_is_registered() -> None:
    def delete_record(record: Missing) -> None: ...  # type: ignore[name-defined]  # noqa: F821

    with pytest.raises(TypeError, match="Missing is annotated, but cannot be resolved at run time"):
        Tools(["delete_*"]).tool(delete_record)


def wrap_function(function: Callable[..., Any]) -> Callable[..., Any]:
    """Decorates as any other library does."""

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return call


def test_a_gated_tool_is_registered_under_its_action_type() -> None:
    tools = Tools(["send_notice"])
    gated = gate("send_notice", risk_level="high", confidence=0.9)(search)
    assert tools.tool(gated) is gated


def _register_named(name: str, tools: Tools) -> Any:
    def read(record: str) -> str:
        return record

    read.__name__ = name
    return tools.tool(read)
