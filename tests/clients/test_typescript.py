"""An agent's code compiles with the TypeScript types that openapi-typescript generates from /openapi.json."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from bot.api.description.openapi import openapi_document
from tests.programs import Program, terminal_printer

HERE = Path(__file__).parent
PACKAGES = ("nodejs", "npm")
NPM = Program(
    lambda: shutil.which("npm"),
    PACKAGES,
    f"The test of the TypeScript client finds no npm. Installing {' '.join(PACKAGES)} by apt-get …",
    "The test of the TypeScript client needs Node.js 18 or newer with npm, and there is none. Install it (on Debian or"
    f" Ubuntu: apt-get install {' '.join(PACKAGES)}).",
)
OPTIONS = ("--noEmit", "--strict", "--exactOptionalPropertyTypes", "--module", "es2022", "--target", "es2022")


@pytest.fixture
def programs(request: pytest.FixtureRequest) -> Path:
    """The folder of the programs in package.json. npm asks its registry only if one of them is missing."""
    npm = NPM.path(terminal_printer(request.config))
    cache = request.config.cache
    assert cache is not None
    folder = cache.mkdir("typescript")
    shutil.copy(HERE / "package.json", folder)
    run(npm, "install", "--prefix", str(folder), "--prefer-offline", "--no-audit", "--no-fund")
    return folder / "node_modules" / ".bin"


def run(*command: str) -> str:
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout + result.stderr


def test_the_generated_types_compile_and_an_agent_reads_action_parameters(programs: Path, tmp_path: Path) -> None:
    (tmp_path / "openapi.json").write_text(json.dumps(openapi_document()))
    types = tmp_path / "countersign.d.ts"
    output = run(str(programs / "openapi-typescript"), str(tmp_path / "openapi.json"), "--output", str(types))
    assert "warn" not in output.lower()
    shutil.copy(HERE / "agent.ts", tmp_path)
    run(str(programs / "tsc"), *OPTIONS, str(tmp_path / "agent.ts"), str(types))
