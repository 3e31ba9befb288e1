"""The service in a process of its own, with a line on which a bench says which package to approve.

The line stands in for a reviewer's click: it goes down the same road, in the same process.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile

from bench.world import NO_LIMITS, POLICY, REVIEWER, now
from bot import logs
from bot.running import RunningService, run_service
from bot.settings import LogFormat, read_settings
from rules.people.directory import Person
from rules.state.commands import Approve
from store.agents import agent_admin
from store.installation import directory
from store.installation.installation import fresh_id


async def main(url: str, channel: str | None = None) -> None:
    logs.set_up(LogFormat.JSON)
    with tempfile.NamedTemporaryFile("w", suffix=".toml") as policy:
        policy.write(POLICY + (f'[channels]\ndefault = "{channel}"\n' if channel else ""))
        policy.flush()
        settings = read_settings(COUNTERSIGN_DATABASE_URL=url, COUNTERSIGN_POLICY=policy.name, COUNTERSIGN_PORT=0)
        async with run_service(settings) as its:
            await _until_told(its)


async def _until_told(its: RunningService) -> None:
    store = its.service.store
    people = [Person(user_id=f"U{number}") for number in range(1, 6)]
    await store.database.write(lambda connection: directory.replace_directory(connection, people, {}, now()))
    made = await store.database.write(
        lambda connection: agent_admin.add_agent(connection, fresh_id(), "U5", now(), rates=NO_LIMITS)
    )
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    print(json.dumps({"url": its.url, "key": made.key}), flush=True)
    async with asyncio.TaskGroup() as group:
        while line := await reader.readline():
            group.create_task(_approve(its, line.decode().strip()))


async def _approve(its: RunningService, package_id: str) -> None:
    command = Approve(command_id=f"approve {package_id}", decision_package_id=package_id, expected_package_version=1)
    outcome = await its.service.store.execute(command, REVIEWER)
    if outcome.refusal:
        raise RuntimeError(outcome.refusal.sentence)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
