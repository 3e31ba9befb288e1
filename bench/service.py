"""The service as a process that approves the packages whose ids it reads from standard input.

This replaces a reviewer's click: the approval is the same command, in the same process.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile

from bench.world import NO_LIMITS, POLICY, REVIEWER, SHOWN, now
from bot import logs
from bot.process.event_loop import run_in_event_loop
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
        async with run_service(settings) as service:
            await _approve_from_stdin(service)


async def _approve_from_stdin(service: RunningService) -> None:
    store = service.service.store
    people = [Person(user_id=f"U{number}") for number in range(1, 6)]
    await store.database.write(lambda connection: directory.replace_directory(connection, people, {}, now()))
    added = await store.database.write(
        lambda connection: agent_admin.add_agent(connection, fresh_id(), "U5", now(), rates=NO_LIMITS)
    )
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    print(json.dumps({"url": service.url, "key": added.key}), flush=True)
    async with asyncio.TaskGroup() as group:
        while line := await reader.readline():
            group.create_task(_approve(service, line.decode().strip()))


async def _approve(service: RunningService, package_id: str) -> None:
    command = Approve(
        command_id=f"approve {package_id}",
        decision_package_id=package_id,
        expected_package_version=1,
        rendering_id=SHOWN,
    )
    outcome = await service.service.store.execute(command, REVIEWER)
    if outcome.refusal:
        raise RuntimeError(outcome.refusal.sentence)


if __name__ == "__main__":
    run_in_event_loop(main(*sys.argv[1:]))
