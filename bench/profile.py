"""Where the time of a submission and a decision goes, by the part of the house that spends it."""

from __future__ import annotations

import asyncio
import cProfile
import pstats
from collections import defaultdict

from bench.world import REVIEWER, fresh_database, now, package, world
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


def run(where: dict[str, str]) -> None:
    print(f"Own time of {NUMBER} submissions and decisions on SQLite, without HTTP and without the commit")
    profile = asyncio.run(_profiled(fresh_database("sqlite", where)))
    spent: dict[str, float] = defaultdict(float)
    for (file, _, name), (_, _, own, _, _) in pstats.Stats(profile).stats.items():  # type: ignore[attr-defined]
        spent[_part(f"{file} {name}")] += own
    total = sum(spent.values())
    for part, seconds in sorted(spent.items(), key=lambda each: -each[1]):
        print(f"{part:<30}{seconds / total:>7.0%}{seconds / NUMBER * 1e6:>9.0f} us")


def _part(where: str) -> str:
    return next((part for mark, part in _PARTS.items() if mark in where), "Python itself")


async def _profiled(url: str) -> cProfile.Profile:
    async with world(url) as its:
        installation, profile = its.store.installation, cProfile.Profile()

        def operation(connection) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
            profile.enable()
            for number in range(NUMBER):
                its_id = f"pkg_{fresh_id()}"
                submit = Submit(command_id=its_id, decision_package_id=its_id, package=package(number))
                approve = Approve(command_id=f"a{its_id}", decision_package_id=its_id, expected_package_version=1)
                asked = Invocation(command=submit, now=now(), actor=its.agent.actor, agent_id=its.agent.agent_id)
                execute(connection, installation, asked)
                execute(connection, installation, Invocation(command=approve, now=now(), actor=REVIEWER))
            profile.disable()

        await its.store.database.write(operation)
    return profile
