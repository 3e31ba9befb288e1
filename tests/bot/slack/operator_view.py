"""What an operator sees of the service, and skipping the pause between delivery attempts."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.bot.slack.office import HARD, Office


async def deliver_later(office: Office, seconds: float = 60) -> None:
    """Deliver as if this much time had passed for delivery's pauses, once running work is done: it keeps its leases."""
    assert office.running.service.slack is not None
    reconciler = office.running.service.slack.reconciler
    await asyncio.gather(*reconciler._running, return_exceptions=True)
    reconciler._now = lambda: datetime.now(UTC) + timedelta(seconds=seconds)
    await office.deliver()


async def read_posture(office: Office) -> dict[str, Any]:
    ready = await office.get("/readyz")
    assert ready.body["ready"] is True
    return dict(ready.body["posture"])


async def read_metric(office: Office, name: str) -> float:
    page = (await office.get("/metrics")).text
    return next(float(line.split()[-1]) for line in page.splitlines() if line.startswith(name))


async def submit_packages(office: Office, package: Mapping[str, Any] = HARD, count: int = 1) -> None:
    for _ in range(count):
        assert (await office.submit(package)).status == 202
