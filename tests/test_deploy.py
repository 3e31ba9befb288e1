"""What is there to run the service elsewhere names what exists, and asks for no more rights than it needs."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
import tomllib
from pathlib import Path

import pytest
import typer
import yaml

from bot.cli import app
from bot.settings import Settings
from countersign import Client, ConfigurationError
from countersign.settings import INSECURE, KEY, URL
from tests.bot.service import open_desk

ROOT = Path(__file__).parent.parent
DOCKERFILE = (ROOT / "Dockerfile").read_text()
UNIT = (ROOT / "deploy" / "countersign.service").read_text()
COMPOSE = (ROOT / "deploy" / "compose.yml").read_text()
RUNNING = (ROOT / "docs" / "running.md").read_text()
OF_AGENTS = {URL, KEY, INSECURE}
SETTINGS = {str(field.alias or name).upper() for name, field in Settings.model_fields.items()} | OF_AGENTS


def test_the_image_holds_what_the_installation_needs_and_nothing_else() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {"pyproject.toml", *project["project"]["license-files"], *wheel["only-include"], *wheel["force-include"]}
    listed = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in listed
    assert {line.removeprefix("!") for line in listed if line.startswith("!")} == needed


@pytest.mark.parametrize("text", [DOCKERFILE, UNIT, RUNNING, COMPOSE], ids=["image", "unit", "docs", "compose"])
def test_each_setting_that_is_named_exists(text: str) -> None:
    assert set(re.findall(r"\b(?:COUNTERSIGN|SLACK)_[A-Z_]+", text)) <= SETTINGS


@pytest.mark.parametrize("text", [DOCKERFILE, UNIT, RUNNING], ids=["image", "unit", "docs"])
def test_each_command_that_is_named_exists(text: str) -> None:
    its = getattr(typer.main.get_command(app), "commands", {})
    named = re.findall(r'(?:countersign countersign|bin/countersign|"countersign",) "?([a-z]+)', text)
    assert named
    assert set(named) <= its.keys()


def test_an_agent_in_the_compose_file_can_speak_to_the_service_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    services = yaml.safe_load(COMPOSE)["services"]
    environment = services["agent"]["environment"]
    assert environment[URL] == "http://countersign:8080"
    for name, value in (environment | {KEY: "csk_1"}).items():
        monkeypatch.setenv(name, value)
    Client().close()
    monkeypatch.delenv(INSECURE)
    with pytest.raises(ConfigurationError):
        Client()


def test_the_compose_file_gives_the_service_no_more_rights_than_the_docs_do() -> None:
    its = yaml.safe_load(COMPOSE)["services"]["countersign"]
    assert (its["read_only"], its["cap_drop"], its["security_opt"]) == (True, ["ALL"], ["no-new-privileges:true"])
    assert its["ports"] == ["127.0.0.1:8080:8080"]


def test_the_image_starts_the_service_as_somebody_without_rights() -> None:
    (user,) = re.findall(r"^USER (.+)$", DOCKERFILE, re.MULTILINE)
    assert f"useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin {user}" in DOCKERFILE
    assert DOCKERFILE.index("\nUSER ") < DOCKERFILE.index("\nCMD ")


async def test_the_image_knows_when_it_is_well(tmp_path: Path) -> None:
    (command,) = re.findall(r"^    CMD (\[.+\])$", DOCKERFILE, re.MULTILINE)
    code = json.loads(command)[2]
    async with open_desk(f"sqlite:///{tmp_path / 'countersign.db'}", tmp_path) as desk:
        port = desk.url.rpartition(":")[2]
        assert await _asked(code, port) == 0
    assert await _asked(code, port) == 1


async def _asked(code: str, port: str) -> int:
    environment = os.environ | {"COUNTERSIGN_PORT": port}
    its = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, env=environment, stderr=asyncio.subprocess.DEVNULL
    )
    return await its.wait()
