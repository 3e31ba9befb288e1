"""Both wheels install and run in a new environment, even if other modules in it have the names of our folders."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parent.parent
UV = Path(sys.executable).with_name("uv")
FOLDERS = ("rules", "blocks", "store", "scheduler", "bot", "playground")

pytestmark = pytest.mark.slow


def uv(*arguments: str | Path) -> None:
    """Runs uv offline: its cache has everything that `make` installed, and our own wheels are in a folder."""
    result = subprocess.run([UV, *arguments, "--offline", "--quiet"], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheels")
    for project in (ROOT, ROOT / "sdk"):
        uv("build", "--wheel", "--out-dir", folder, project)
    return folder


@pytest.fixture(scope="module")
def environment(wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new environment with the service's wheel, and another project's module with the name of each of our folders."""
    folder = tmp_path_factory.mktemp("service")
    uv("venv", "--python", sys.executable, folder)
    uv(
        "pip",
        "install",
        "--python",
        folder / "bin" / "python",
        "--find-links",
        wheels,
        "--compile-bytecode",
        "countersign-server",
    )
    [packages] = folder.glob("lib/python3*/site-packages")
    for name in FOLDERS:
        (packages / f"{name}.py").write_text('raise SystemExit("this module belongs to another project")\n')
    return folder / "bin"


def top_level_names(wheel: Path) -> set[str]:
    with ZipFile(wheel) as archive:
        return {name.split("/")[0] for name in archive.namelist() if ".dist-info/" not in name}


def clean_environment() -> dict[str, str]:
    """The environment without Countersign's settings and without the folder of the checkout."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("COUNTERSIGN_", "SLACK_")) and name not in ("PYTHONPATH", "VIRTUAL_ENV")
    }


def run(program: Path, *arguments: str, folder: Path) -> str:
    result = subprocess.run(
        [program, *arguments], cwd=folder, env=clean_environment(), capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_each_wheel_adds_one_name_to_an_environment(wheels: Path) -> None:
    [service], [sdk] = wheels.glob("countersign_server-*.whl"), wheels.glob("countersign_sdk-*.whl")
    assert top_level_names(service) == {"countersign_server"}
    assert top_level_names(sdk) == {"countersign"}


def test_the_service_wheel_contains_every_file_of_the_checkout(wheels: Path) -> None:
    [service] = wheels.glob("countersign_server-*.whl")
    tracked = subprocess.run(["git", "ls-files", *FOLDERS], cwd=ROOT, capture_output=True, text=True, check=True)
    with ZipFile(service) as archive:
        packed = {name.removeprefix("countersign_server/") for name in archive.namelist()}
    assert set(tracked.stdout.splitlines()) - packed == set()


def test_the_installed_service_creates_a_working_folder(environment: Path, tmp_path: Path) -> None:
    assert "wrote policy.toml" in run(environment / "countersign", "init", folder=tmp_path)
    assert "schema" in run(environment / "countersign", "migrate", folder=tmp_path)
    run(environment / "countersign", "policy", "check", folder=tmp_path)


def test_the_module_of_the_wheel_can_be_run_as_a_command(environment: Path, tmp_path: Path) -> None:
    version = run(environment / "python", "-m", "countersign_server", "--version", folder=tmp_path)
    assert version == run(environment / "countersign", "--version", folder=tmp_path)


def test_the_installed_service_runs_the_demo(environment: Path, tmp_path: Path) -> None:
    command: list[str | Path] = [environment / "countersign", "demo", "--port", "0"]
    with subprocess.Popen(command, cwd=tmp_path, env=clean_environment(), stdout=subprocess.PIPE, text=True) as demo:
        assert demo.stdout
        address = next(match[0] for line in demo.stdout if (match := re.search(r"http://\S+/playground", line)))
        try:
            with urlopen(address) as page:  # noqa: S310 - the address that the demo printed
                assert page.status == 200
        finally:
            demo.send_signal(signal.SIGINT)
            demo.stdout.read()
    assert demo.returncode == 0


def test_the_installed_sdk_runs_without_the_service(wheels: Path, tmp_path: Path) -> None:
    uv("venv", "--python", sys.executable, tmp_path / "agent")
    python = tmp_path / "agent" / "bin" / "python"
    uv("pip", "install", "--python", python, "--find-links", wheels, "countersign-sdk")
    run(python, "-c", "from countersign import Client, gate", folder=tmp_path)
    assert "run" in run(python.with_name("countersign-gate"), "--help", folder=tmp_path)
