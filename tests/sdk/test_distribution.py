"""The SDK declares every library that it imports."""

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


def imported_libraries(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield str(node.module).partition(".")[0]


def library_names(requirements: list[str]) -> set[str]:
    return {re.split(r"[^\w-]", requirement)[0].replace("-", "_") for requirement in requirements}


@pytest.mark.parametrize("file", sorted((SDK / "countersign").glob("*.py")), ids=lambda file: file.stem)
def test_each_library_that_a_file_imports_is_declared(file: Path) -> None:
    adapter = file.stem.partition("_")[0]  # the files of an adapter begin with its name
    ours = library_names(PROJECT["dependencies"]) | library_names(EXTRAS.get(adapter, [])) | {"countersign"}
    assert set(imported_libraries(file)) - ours <= sys.stdlib_module_names


def test_each_extra_has_an_adapter() -> None:
    assert [name for name in EXTRAS if not (SDK / "countersign" / f"{name}.py").is_file()] == []
