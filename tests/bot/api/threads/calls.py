"""A thread of an agent, and people who hold, resume and cancel it."""

from __future__ import annotations

import asyncio
from typing import Any

from sqlalchemy import Connection, insert, select

from rules.threads.commands import CancelThread, HoldThread, ThreadCommand
from rules.threads.model import thread_key
from store.audit.reader import snapshot, verify_database
from store.engine.address import parse_database_url
from store.engine.engines import make_engine
from store.packages.packages import PACKAGES
from store.threads.execute import ThreadOutcome
from tests.bot.service import HARD, SOFT, AgentApi, Response
from tests.store.world import fresh, reviewer

THREAD = "case-456"
IN_THREAD = SOFT | {"thread_id": THREAD, "run_id": "run-1"}
HARD_IN_THREAD = HARD | {"thread_id": THREAD, "run_id": "run-1"}


async def give(api: AgentApi, kind: type[ThreadCommand], by: str, **fields: Any) -> ThreadOutcome:
    """Carry out a person's command for the thread, as a click would."""
    given = {"reason": "Wait a moment."} if kind in (HoldThread, CancelThread) else {}
    command = kind(**{"command_id": fresh("thread"), "thread_id": THREAD, **given, **fields})
    return await api.running.service.threads.execute(command, reviewer(by))


async def done(api: AgentApi, kind: type[ThreadCommand], by: str, **fields: Any) -> None:
    outcome = await give(api, kind, by, **fields)
    assert outcome.refusal is None, outcome.refusal.sentence


async def thread(api: AgentApi, **options: Any) -> Response:
    return await api.get(f"/v1/threads/{THREAD}", **options)


async def checkpoint(api: AgentApi, name: str = "step-1", thread_id: str = THREAD, **options: Any) -> Response:
    body = {"checkpoint_id": name, "summary": "Three sources read.", "state": {"read": 3}}
    return await api.post(f"/v1/threads/{thread_id}/checkpoints", body, **options)


async def count_events(api: AgentApi, event_type: str) -> int:
    events = (await api.get(f"/v1/threads/{THREAD}/history?limit=500")).body["events"]
    return sum(event["event_type"] == event_type for event in events)


async def copy_package(api: AgentApi, like: Response, count: int, *, own_threads: bool = False) -> None:
    """Insert copies of a package, as if they were submitted later, perhaps each in a thread of its own."""

    def insert_copies(connection: Connection) -> None:
        row = connection.execute(select(PACKAGES).where(PACKAGES.c.package_id == like.id)).mappings().one()
        ids = [f"{like.id}{number:04d}" for number in range(count)]
        rows = [dict(row) | {"package_id": copy, "state": row["state"].replace(like.id, copy)} for copy in ids]
        keys = [thread_key(copy) if own_threads else row["thread_key"] for copy in ids]
        connection.execute(insert(PACKAGES), [row | {"thread_key": key} for row, key in zip(rows, keys, strict=True)])

    await api.world.write(insert_copies)


async def faults(api: AgentApi) -> list[str]:
    engine = make_engine(parse_database_url(api.world.url))
    try:
        return await asyncio.to_thread(_faults, engine)
    finally:
        engine.dispose()


def _faults(engine: Any) -> list[str]:
    with snapshot(engine) as connection:
        return [str(fault) for fault in verify_database(connection)]
