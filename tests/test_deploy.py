"""The files for deployment name existing settings and commands, ask for few rights, and pass their linters."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from bot.cli import COMMANDS
from bot.settings import Settings
from countersign import Client, ConfigurationError
from countersign.settings import INSECURE, KEY, URL
from tests.bot.service import open_api

ROOT = Path(__file__).parent.parent
DOCKERFILE = (ROOT / "Dockerfile").read_text()
UNIT = (ROOT / "deploy" / "countersign.service").read_text()
COMPOSE = (ROOT / "deploy" / "compose.yml").read_text()
RUNNING = (ROOT / "docs" / "running.md").read_text()
KUBERNETES = (ROOT / "deploy" / "kubernetes.yml").read_text()
AGENT_SETTINGS = {URL, KEY, INSECURE}
SETTINGS = {str(field.alias or name).upper() for name, field in Settings.model_fields.items()} | AGENT_SETTINGS


def test_the_image_contains_only_what_the_installation_needs() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {"pyproject.toml", *project["project"]["license-files"], *wheel["only-include"], *wheel["force-include"]}
    listed = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in listed
    assert {line.removeprefix("!") for line in listed if line.startswith("!")} == needed


@pytest.mark.parametrize(
    "text",
    [DOCKERFILE, UNIT, RUNNING, COMPOSE, KUBERNETES],
    ids=["image", "unit", "docs", "compose", "kubernetes"],
)
def test_each_named_setting_exists(text: str) -> None:
    assert set(re.findall(r"\b(?:COUNTERSIGN|SLACK)_[A-Z_]+", text)) <= SETTINGS


@pytest.mark.parametrize("text", [DOCKERFILE, UNIT, RUNNING], ids=["image", "unit", "docs"])
def test_each_named_command_exists(text: str) -> None:
    named = re.findall(r'(?:countersign countersign|bin/countersign|"countersign",) "?([a-z]+)', text)
    assert named
    assert set(named) <= {command.name for command in COMMANDS}


def test_the_agent_in_the_compose_file_can_connect_to_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    services = yaml.safe_load(COMPOSE)["services"]
    environment = services["agent"]["environment"]
    assert environment[URL] == "http://countersign:8080"
    for name, value in (environment | {KEY: "csk_1"}).items():
        monkeypatch.setenv(name, value)
    Client().close()
    monkeypatch.delenv(INSECURE)
    with pytest.raises(ConfigurationError):
        Client()


def test_the_compose_file_gives_the_service_no_more_rights_than_the_docs() -> None:
    service = yaml.safe_load(COMPOSE)["services"]["countersign"]
    assert (service["read_only"], service["cap_drop"], service["security_opt"]) == (
        True,
        ["ALL"],
        ["no-new-privileges:true"],
    )
    assert service["ports"] == ["127.0.0.1:8080:8080"]


def test_the_image_runs_the_service_as_an_unprivileged_user() -> None:
    (user,) = re.findall(r"^USER (.+)$", DOCKERFILE, re.MULTILINE)
    assert f"useradd --system --uid {user} --home-dir /data --shell /usr/sbin/nologin" in DOCKERFILE
    assert DOCKERFILE.index("\nUSER ") < DOCKERFILE.index("\nCMD ")


def test_a_pod_runs_as_the_user_of_the_image_with_few_rights() -> None:
    pod = next(yaml.safe_load_all(KUBERNETES))["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert f"USER {pod['securityContext']['runAsUser']}\n" in DOCKERFILE
    assert pod["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {mount["mountPath"] for mount in container["volumeMounts"]} == {"/data", "/etc/countersign"}


def test_every_way_to_stop_the_service_waits_equally_long() -> None:
    pod = next(yaml.safe_load_all(KUBERNETES))["spec"]["template"]["spec"]
    compose = yaml.safe_load(COMPOSE)["services"]["countersign"]
    (unit,) = re.findall(r"^TimeoutStopSec=(\d+)$", UNIT, re.MULTILINE)
    (docker,) = re.findall(r"--stop-timeout (\d+)", RUNNING)
    (image,) = re.findall(r"docker stop --time (\d+)", DOCKERFILE)
    seconds = {f"{pod['terminationGracePeriodSeconds']}", compose["stop_grace_period"].rstrip("s"), unit, docker, image}
    assert seconds == {"45"}


LINTERS = {
    "compose": ("check-jsonschema", "--builtin-schema", "vendor.compose-spec", "deploy/compose.yml"),
    "kubernetes": ("kubernetes-validate", "--strict", "deploy/kubernetes.yml"),
    "workflow": ("check-jsonschema", "--builtin-schema", "vendor.github-workflows", ".github/workflows/checks.yml"),
    "dependabot": ("check-jsonschema", "--builtin-schema", "vendor.dependabot", ".github/dependabot.yml"),
    "security of the workflow": ("zizmor", "--offline", "--no-progress", ".github"),
}


@pytest.mark.parametrize("command", LINTERS.values(), ids=LINTERS)
def test_each_deployment_file_passes_its_linter(command: tuple[str, ...]) -> None:
    program, *arguments = command
    result = subprocess.run(
        [Path(sys.executable).with_name(program), *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_workflow_runs_the_commands_of_ci_run() -> None:
    """It runs the script itself, so the two cannot differ."""
    (job,) = yaml.safe_load((ROOT / ".github" / "workflows" / "checks.yml").read_text())["jobs"].values()
    assert [step["run"] for step in job["steps"] if "run" in step] == [".ci/run"]
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


async def test_the_health_check_of_the_image_works(tmp_path: Path) -> None:
    (command,) = re.findall(r"^    CMD (\[.+\])$", DOCKERFILE, re.MULTILINE)
    code = json.loads(command)[2]
    async with open_api(f"sqlite:///{tmp_path / 'countersign.db'}", tmp_path) as api:
        port = api.url.rpartition(":")[2]
        assert await _check_health(code, port) == 0
    assert await _check_health(code, port) == 1


async def _check_health(code: str, port: str) -> int:
    environment = os.environ | {"COUNTERSIGN_PORT": port}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, env=environment, stderr=asyncio.subprocess.DEVNULL
    )
    return await process.wait()
