"""The service runs in uvloop if that is installed."""

from __future__ import annotations

import asyncio
import sys

import pytest

from bot.process.event_loop import run_in_event_loop


async def module_of_the_loop() -> str:
    return type(asyncio.get_running_loop()).__module__.split(".")[0]


def test_the_service_runs_in_uvloop_if_it_is_installed() -> None:
    assert run_in_event_loop(module_of_the_loop()) == "uvloop"


def test_the_service_runs_in_pythons_own_loop_without_uvloop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvloop", None)
    assert run_in_event_loop(module_of_the_loop()) == "asyncio"
