"""Waits for a package, and tells a test when the waiting has begun."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

import pytest

from rules.state.model import PackageState
from store.replies import PackageDocument
from store.waiters import Waiter
from tests.store.world import World

T = TypeVar("T")

FOR_EVER = 1000.0


async def soon(awaited: Awaitable[T]) -> T:
    """A timeout far longer than any step of a test, and far shorter than the slow poll."""
    return await asyncio.wait_for(awaited, 30)


class Waits:
    """Counts the waiters that have begun to wait."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._come, news = asyncio.Semaphore(0), Waiter.wait_for_change

        async def count_and_wait(waiter: Waiter) -> None:
            self._come.release()
            await news(waiter)

        monkeypatch.setattr(Waiter, "wait_for_change", count_and_wait)

    async def come(self, number: int = 1) -> None:
        for _ in range(number):
            await soon(self._come.acquire())


def wait_for_package(
    world: World, state: PackageState, seen: int | None = None
) -> asyncio.Task[PackageDocument | None]:
    agent_id = state.agent_id
    return asyncio.create_task(world.store.wait_for_change(state.decision_package_id, agent_id, seen, FOR_EVER))


def status_of(current: PackageDocument | None) -> Any:
    return current.document["status"] if current else None
