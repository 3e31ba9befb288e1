"""Commands of people and agents for one thread."""

from __future__ import annotations

from typing import Any

from rules.people.directory import Agent
from rules.threads.commands import CancelThread, HoldThread, ThreadCommand
from store.threads.execute import ThreadOutcome
from store.threads.thread_store import ThreadStore
from tests.rules.world import HARD
from tests.store.world import World, fresh, reviewer

THREAD = "case-456"
IN_THREAD = HARD.model_copy(update={"thread_id": THREAD})


async def give(world: World, kind: type[ThreadCommand], by: str | Agent, **fields: Any) -> ThreadOutcome:
    words = {"reason": "Wait."} if kind in (HoldThread, CancelThread) else {}
    command = kind(**{"command_id": fresh("thread"), "thread_id": THREAD, **words, **fields})
    agent = by if isinstance(by, Agent) else None
    actor = by.actor if isinstance(by, Agent) else reviewer(by)
    return await ThreadStore(world.store).execute(command, actor, agent=agent)
