"""The rate at which agents claim approvals, once for each package."""

from __future__ import annotations

from typing import NamedTuple

from bench.load import rate
from bench.world import World, fresh_database, package, world
from rules.package.model import action_digest
from rules.state.agent_commands import ClaimExecution

CONCURRENCY = (1, 16)


class Result(NamedTuple):
    database: str
    at_once: int
    rate: float


async def run(urls: dict[str, str], number: int) -> list[Result]:
    return [await _measure(kind, urls, number, at_once) for kind in urls for at_once in CONCURRENCY]


async def _measure(kind: str, urls: dict[str, str], number: int, at_once: int) -> Result:
    async with world(fresh_database(kind, urls)) as bench_world:
        approved: list[tuple[int, str]] = []

        async def approve(job: int) -> None:
            package_id = await bench_world.submit(job)
            await bench_world.approve(package_id)
            approved.append((job, package_id))

        async def claim_one(job: tuple[int, str]) -> None:
            await claim(bench_world, *job)

        await rate(range(number), approve, 16)
        return Result(kind, at_once, await rate(approved, claim_one, at_once))


async def claim(bench_world: World, number: int, package_id: str) -> None:
    command = ClaimExecution(
        command_id=f"claim {package_id}",
        decision_package_id=package_id,
        claim_id="worker-1",
        action_digest=action_digest(package(number)),
    )
    outcome = await bench_world.store.execute_for_agent(bench_world.agent, command)
    if outcome.refusal:
        raise RuntimeError(outcome.refusal.sentence)
