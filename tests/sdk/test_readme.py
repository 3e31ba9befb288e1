"""The SDK's README is right: its first example works, and each name in it exists."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

import countersign
from countersign import errors, outcomes, testing
from countersign.cli_codes import Code
from countersign.mcp import server
from countersign.proposal import CallFields, Proposal
from rules.package.model import DecisionPackage
from tests.bot.slack.office import RITA, Office
from tests.sdk.agents import Agent
from tests.sdk.processes import start_script

ROOT = Path(__file__).parent.parent.parent
README = (ROOT / "sdk" / "README.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


async def test_the_first_example_works(office: Office, watcher: Agent, tmp_path: Path) -> None:
    script = tmp_path / "first.py"
    script.write_text(BLOCKS[0])
    process = start_script(office, watcher.network, script)
    talking = asyncio.ensure_future(process.communicate())
    await office.click(RITA, await watcher.card(await watcher.wait_for_package()), "approve")
    out, err = await talking
    assert out == b"receipt of order 456 sent to ada@example.com\n", err


@pytest.mark.parametrize("line", re.findall(r"from countersign.* import .*", README))
def test_each_import_exists(line: str) -> None:
    module, _, names = line.removeprefix("from ").partition(" import ")
    imported = importlib.import_module(module)
    assert [name for name in names.partition("#")[0].strip().split(", ") if not hasattr(imported, name)] == []


def test_each_python_block_compiles() -> None:
    for block in BLOCKS:
        compile(block.replace(", …", "").replace("…", "..."), "README", "exec", flags=0x2000)  # with await at the top


def test_each_error_and_outcome_in_the_readme_exists_and_each_outcome_is_documented() -> None:
    named = set(re.findall(r"`(\w+Error)`", README))
    assert named <= set(countersign.__all__)
    kinds = {
        name for name, kind in vars(outcomes).items() if inspect.isclass(kind) and issubclass(kind, outcomes.Outcome)
    }
    names = kinds - {"Outcome", "_Permission"}
    assert {name for name in names if f"`{name}`" in README or f"`{name}(" in README} == names


def test_each_error_can_be_imported_from_the_package() -> None:
    kinds = {name for name, kind in vars(errors).items() if inspect.isclass(kind) and issubclass(kind, Exception)}
    assert kinds <= set(countersign.__all__)


def test_each_exit_code_is_documented() -> None:
    (sentence,) = re.findall(r"what people decided: (.*?)\.", README, re.DOTALL)
    assert {int(code) for code in re.findall(r"\d+", sentence)} == {*Code} - {Code.FAULT}


async def test_each_tool_of_the_mcp_server_is_documented() -> None:
    assert [tool.name for tool in await server().list_tools() if f"`{tool.name}`" not in README] == []


def test_each_step_of_the_scripted_reviewer_is_documented() -> None:
    steps = {
        name
        for name, function in vars(testing).items()
        if inspect.isfunction(function) and function.__annotations__.get("return") == "Step"
    }
    assert len(steps) > 10
    assert [name for name in steps if not re.search(rf"`{name}[`(]", README)] == []


def test_the_fields_of_a_proposal_are_those_that_the_service_accepts() -> None:
    fields = set(DecisionPackage.model_fields)
    assert set(Proposal.__annotations__) | {"idempotency_key"} == fields
    call_fields = set(CallFields.__annotations__) - {"step"}
    of_the_gate = {"kind", "action_type", "action_parameters", "risk_level", "confidence", "takeover"}
    of_questions = {"answers", "free_answer", "response_schema"}  # a gated call is no question
    assert fields - call_fields == of_the_gate | of_questions


def test_each_environment_variable_is_documented() -> None:
    code = "".join(path.read_text() for path in (ROOT / "sdk" / "countersign").glob("*.py"))
    variables = set(re.findall(r'"(COUNTERSIGN_[A-Z_]+)"', code))
    assert variables == set(re.findall(r"COUNTERSIGN_[A-Z_]+", README))


def test_each_command_is_installed() -> None:
    pyproject: dict[str, Any] = tomllib.loads((ROOT / "sdk" / "pyproject.toml").read_text())
    for name, target in pyproject["project"]["scripts"].items():
        module, _, function = target.partition(":")
        assert callable(getattr(importlib.import_module(module), function))
        assert f"`{name}`" in README or f"{name} " in README


def test_each_example_is_listed() -> None:
    listed = re.findall(r"^\| \[(\w+\.py)\]", (ROOT / "examples" / "README.md").read_text(), re.MULTILINE)
    assert sorted(listed) == sorted(path.name for path in (ROOT / "examples").glob("*.py"))
