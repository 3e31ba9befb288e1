"""Takeovers that are submitted at the time of the rounds."""

from __future__ import annotations

from typing import Any

from sqlalchemy import update

from rules.people.directory import Agent
from rules.state.model import PackageState
from store.mail.needs import AT_ONCE, NEEDS
from tests.rules.world import package
from tests.scheduler.mail.rounds import MailRounds


async def submit_takeover(rounds: MailRounds, agent: Agent | None = None, **fields: Any) -> PackageState:
    """In a thread of its own, as a second one in the same thread would be refused."""
    thread = f"takeover_{len(await rounds.rows('SELECT 1 FROM packages'))}"
    state = await rounds.world.submit(package(recommendation="escalate", thread_id=thread, **fields), agent)
    of_package = update(NEEDS).where(NEEDS.c.package_id == state.decision_package_id)
    due = of_package.values(created_at=rounds.now(), due_at=rounds.now() + AT_ONCE)
    await rounds.world.write(lambda connection: connection.execute(due))
    return state
