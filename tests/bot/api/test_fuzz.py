"""Schemathesis against the running service and its own document, with all checks: no findings."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from bot.callbacks import guard
from tests.bot.service import POLICY, open_api

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
ROOT = HERE.parents[2]

# A lenient policy, so that most well-formed packages are accepted and later steps are tested too.
EASY = (
    POLICY.replace("[tiers.high]", "[tiers.high]\nneeds = []")
    .replace("[tiers.critical]", "[tiers.critical]\nneeds = []")
    .replace(
        "[actions]",
        """
[confidence]
takeover_below = 0.0
hard_below = 0.0
soft_below = 0.0

[matrix]
reversible_auto_above = 0.1

[actions]
"*" = { reversibility = "reversible" }
""",
    )
)


# The generators take most of the time. PostgreSQL is the stricter of the two about what it stores, so it gets all of
# them; SQLite gets the boundary values of every field, and the sequences of calls.
PHASES = {"sqlite": "coverage,stateful", "postgresql": "examples,coverage,fuzzing,stateful"}


async def test_no_request_of_schemathesis_breaks_the_api_description(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Random hosts would be looked up, each until its timeout.
    monkeypatch.setattr(guard, "_addresses", _nowhere)
    async with open_api(database_url, tmp_path, EASY) as api:
        status, report = await _schemathesis(
            api.url, api.key, tmp_path, PHASES[make_url(database_url).get_backend_name()]
        )
    assert status == 0, report


async def _nowhere(_: str) -> list[guard.Address]:
    return []


async def _schemathesis(url: str, key: str, folder: Path, phases: str) -> tuple[int | None, str]:
    run = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli"),
        *("--config-file", str(HERE / "fuzzing.toml")),
        *("run", f"{url}/openapi.json", "--header", f"Authorization: Bearer {key}"),
        *("--phases", phases, "--max-examples", "8", "--continue-on-failure", "--no-color"),
        cwd=folder,
        env=os.environ | {"SCHEMATHESIS_HOOKS": "tests.bot.api.fuzzing", "PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    written, _ = await run.communicate()
    return run.returncode, written.decode()
