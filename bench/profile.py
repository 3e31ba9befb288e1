"""The time of a submission and a decision by the part of the code that spends it."""

from __future__ import annotations

import asyncio
import cProfile
import pstats
from collections import defaultdict

from bench.world import REVIEWER, SHOWN, fresh_database, now, package, world
from rules.state.commands import Approve
from rules.verbs.submission import Submit
from store.commands.execute import execute
from store.commands.invocation import Invocation
from store.installation.installation import fresh_id

NUMBER = 500
_PARTS = {
    "/sqlalchemy/": "SQLAlchemy",
    "/pydantic": "pydantic",
    "/rules/canonical": "canonical JSON and digests",
    "/rules/": "rules",
    "/store/": "store",
    "sqlite3": "the database itself",
}


def run(urls: dict[str, str]) -> None:
    print(f"Time spent in each part for {NUMBER} submissions and decisions on SQLite, without HTTP and the commit")
    profile = asyncio.run(_profile(fresh_database("sqlite", urls)))
    seconds_by_part: dict[str, float] = defaultdict(float)
    for (file, _, name), (_, _, own, _, _) in pstats.Stats(profile).stats.items():  # type: ignore[attr-defined]
        seconds_by_part[_part(f"{file} {name}")] += own
    total = sum(seconds_by_part.values())
    for part, seconds in sorted(seconds_by_part.items(), key=lambda entry: -entry[1]):
        print(f"{part:<30}{seconds / total:>7.0%}{seconds / NUMBER * 1e6:>9.0f} us")


def _part(location: str) -> str:
    return next((part for mark, part in _PARTS.items() if mark in location), "Python itself")


async def _profile(url: str) -> cProfile.Profile:
    async with world(url) as bench_world:
        installation, profile = bench_world.store.installation, cProfile.Profile()

        def operation(connection) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
            profile.enable()
            for number in range(NUMBER):
                package_id = f"pkg_{fresh_id()}"
                submit = Submit(command_id=package_id, decision_package_id=package_id, package=package(number))
                approve = Approve(
                    command_id=f"a{package_id}",
                    decision_package_id=package_id,
                    expected_package_version=1,
                    rendering_id=SHOWN,
                )
                asked = Invocation(
                    command=submit, now=now(), actor=bench_world.agent.actor, agent_id=bench_world.agent.agent_id
                )
                execute(connection, installation, asked)
                execute(connection, installation, Invocation(command=approve, now=now(), actor=REVIEWER))
            profile.disable()

        await bench_world.store.database.write(operation)
    return profile
