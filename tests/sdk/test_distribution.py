"""What is installed with the SDK is what it imports: nothing that only happens to be there."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

SDK = Path(__file__).parent.parent.parent / "sdk"
PROJECT: dict[str, Any] = tomllib.loads((SDK / "pyproject.toml").read_text())["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]


def imported(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (each.name.partition(".")[0] for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield str(node.module).partition(".")[0]


def declared(requirements: list[str]) -> set[str]:
    return {re.split(r"[^\w-]", each)[0].replace("-", "_") for each in requirements}


@pytest.mark.parametrize("file", sorted((SDK / "countersign").glob("*.py")), ids=lambda file: file.stem)
def test_each_library_that_a_file_imports_is_declared(file: Path) -> None:
    ours = declared(PROJECT["dependencies"]) | declared(EXTRAS.get(file.stem, [])) | {"countersign"}
    assert set(imported(file)) - ours <= sys.stdlib_module_names


def test_each_adapter_has_its_extra() -> None:
    assert [name for name in EXTRAS if not (SDK / "countersign" / f"{name}.py").is_file()] == []
