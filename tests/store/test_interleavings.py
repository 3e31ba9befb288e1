"""Random interleavings of all commands on the real store: the record stays sound."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.store.interleaving import Interleaving

pytestmark = pytest.mark.slow

SETTINGS = settings(stateful_step_count=40, suppress_health_check=list(HealthCheck), print_blob=True)
EXAMPLES = {"sqlite": 80, "postgresql": 10}


@pytest.fixture
def fresh_url(database_url: str, tmp_path: Path) -> Iterator[Callable[[], str]]:
    """An empty database for each example: a copy of this test's unused database."""
    numbers = itertools.count(1)
    parts = urlsplit(database_url)
    name = parts.path.removeprefix("/")
    copies: list[str] = []

    def of_sqlite() -> str:
        copy = tmp_path / f"copy_{next(numbers)}.db"
        shutil.copy(database_url.removeprefix("sqlite:///"), copy)
        return f"sqlite:///{copy}"

    def of_postgresql() -> str:
        copies.append(f"{name}_{next(numbers)}")
        _maintain(f"CREATE DATABASE {copies[-1]} TEMPLATE {name}")
        return parts._replace(path=f"/{copies[-1]}").geturl()

    def _maintain(statement: str) -> None:
        with psycopg.connect(parts._replace(path="/postgres").geturl(), autocommit=True) as connection:
            connection.execute(statement)

    yield of_sqlite if parts.scheme == "sqlite" else of_postgresql
    for copy in copies:
        _maintain(f"DROP DATABASE {copy}")


def test_the_record_is_sound_after_any_interleaving(fresh_url: Callable[[], str], database_url: str) -> None:
    examples = EXAMPLES[urlsplit(database_url).scheme]
    machine: Any = lambda: Interleaving(fresh_url)  # noqa: E731 - hypothesis calls what it calls a class
    run_state_machine_as_test(machine, settings=settings(SETTINGS, max_examples=examples))
