"""Claim an approval: once for each package, as the agent that is about to act does it."""

from __future__ import annotations

from typing import NamedTuple

from bench.load import rate
from bench.world import World, fresh_database, package, world
from rules.package.model import action_digest
from rules.state.commands import ClaimExecution

AT_ONCE = (1, 16)


class Result(NamedTuple):
    database: str
    at_once: int
    rate: float


async def run(where: dict[str, str], number: int) -> list[Result]:
    return [await _measured(kind, where, number, at_once) for kind in where for at_once in AT_ONCE]


async def _measured(kind: str, where: dict[str, str], number: int, at_once: int) -> Result:
    async with world(fresh_database(kind, where)) as its:
        approved: list[tuple[int, str]] = []

        async def approve(job: int) -> None:
            package_id = await its.submit(job)
            await its.approve(package_id)
            approved.append((job, package_id))

        async def claim_one(job: tuple[int, str]) -> None:
            await claim(its, *job)

        await rate(range(number), approve, 16)
        return Result(kind, at_once, await rate(approved, claim_one, at_once))


async def claim(its: World, number: int, package_id: str) -> None:
    command = ClaimExecution(
        command_id=f"claim {package_id}",
        decision_package_id=package_id,
        claim_id="worker-1",
        action_digest=action_digest(package(number)),
    )
    outcome = await its.store.execute_for_agent(its.agent, command)
    if outcome.refusal:
        raise RuntimeError(outcome.refusal.sentence)
