"""Endless work in a process that a test kills. It is run with the URL of a database and a round, and prints each step.

Each line is `asked` or `done`, the step, and the package's id. `done` is written only once the store has answered.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable

from sqlalchemy import select

from rules.people.directory import Agent
from rules.state.agent_commands import ClaimExecution
from rules.state.commands import Approve, Command
from rules.verbs.submission import Submit
from store.agents import agents
from store.engine.workers import UnavailableError
from tests.rules.world import HARD, SENTA, card_shown
from tests.store.world import World, open_replica, reviewer

AT_ONCE = 8

Say = Callable[[str, str, str], None]


def submission(package_id: str, as_: str | None = None) -> Submit:
    """The same command for the same name, with any package id."""
    return Submit(command_id=f"submit {package_id}", decision_package_id=as_ or package_id, package=HARD)


def approval(package_id: str) -> Approve:
    return Approve(
        command_id=f"approve {package_id}",
        decision_package_id=package_id,
        expected_package_version=1,
        comment="I looked at it.",
        rendering_id=card_shown(package_id).rendering_id,
    )


def claim(package_id: str, digest: str) -> ClaimExecution:
    return ClaimExecution(
        command_id=f"claim {package_id}", decision_package_id=package_id, claim_id=package_id, action_digest=digest
    )


async def one(world: World, package_id: str, say: Say) -> None:
    """Submit, approve and claim a package; repeat each step until it is answered."""
    say("asked", "submit", package_id)
    document = await until_answered(world, submission(package_id), world.agent)
    say("done", "submit", package_id)
    await show(world, package_id)
    await until_answered(world, approval(package_id))
    say("done", "approve", package_id)
    await until_answered(world, claim(package_id, document["action_digest"]), world.agent)
    say("done", "claim", package_id)


async def show(world: World, package_id: str) -> None:
    """Save the rendering that the approval names, as the service does before it shows a card."""
    while True:
        try:
            return await world.store.save_rendering(package_id, *card_shown(package_id))
        except UnavailableError:
            continue


async def until_answered(world: World, command: Command, agent: Agent | None = None) -> dict[str, str]:
    while True:
        try:
            return await _execute(world, command, agent)
        except UnavailableError:
            continue


async def _execute(world: World, command: Command, agent: Agent | None) -> dict[str, str]:
    if agent is None:
        outcome = await world.store.execute(command, reviewer(SENTA))
        refusal, document = outcome.refusal, {}
    else:
        answered = await world.store.execute_for_agent(agent, command)
        refusal, document = answered.refusal, answered.document
    if refusal:
        raise RuntimeError(refusal.sentence)
    return document


async def labour(url: str, round_: str) -> None:
    def say(*words: str) -> None:
        print(*words, flush=True)  # noqa: T201 - it is how the one who kills us knows what was answered

    async def worker(number: int) -> None:
        for turn in range(1_000_000):
            await one(world, f"pkg_{round_}_{number}_{turn}", say)

    async with open_replica(url) as world:
        world.agent = await the_agent(world)
        await asyncio.gather(*(worker(number) for number in range(AT_ONCE)))


async def the_agent(world: World) -> Agent:
    only = select(agents.AGENTS.c.agent_id)
    agent_id = await world.read(lambda connection: connection.execute(only).scalar_one())
    agent = await world.read(lambda connection: agents.load_agent(connection, world.tenant_id, agent_id))
    if agent is None:
        raise RuntimeError("the agent was to be hired before")
    return agent


def main() -> None:
    asyncio.run(labour(sys.argv[1], sys.argv[2]))
