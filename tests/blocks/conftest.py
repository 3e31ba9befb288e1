"""Goldens: the blocks of each state, for reviews and for Block Kit Builder.

Only `pytest tests/blocks --rewrite-goldens` rewrites them.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

GOLDENS = Path(__file__).parent / "goldens"

Golden = Callable[[str, dict[str, Any]], None]
GoldenText = Callable[[str, str], None]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--rewrite-goldens", action="store_true", help="write what is drawn now over the goldens")


@pytest.fixture
def golden_text(request: pytest.FixtureRequest) -> GoldenText:
    """Compares a text with the stored golden."""
    # Run from the top, pytest finds this file too late to know its option: then nothing is rewritten.
    rewriting = request.config.getoption("--rewrite-goldens", default=False)

    def compare(name: str, text: str) -> None:
        file = GOLDENS / name
        if rewriting:
            file.write_text(text, "utf-8")
        assert file.read_text("utf-8") == text, file

    return compare


@pytest.fixture
def golden(golden_text: GoldenText) -> Golden:
    """Compares what is drawn with the stored golden."""

    def compare(name: str, drawn: dict[str, Any]) -> None:
        golden_text(f"{name}.json", json.dumps(drawn, indent=2, ensure_ascii=False) + "\n")

    return compare
