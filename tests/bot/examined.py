"""What the doctor says of a house, with a stand-in for Slack beside it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playground.slack import Slack, stand_in
from tests.bot.terminal import Said, Terminal
from tests.rules.world import DORA, RITA, ROSS, SENTA, SUSI

KEY = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="
Fault = tuple[str, str]


@asynccontextmanager
async def workspace() -> AsyncIterator[Slack]:
    """With the people of the terminal's policy."""
    async with stand_in() as slack:
        for user in (RITA, ROSS, SENTA, SUSI, DORA):
            slack.add_person(user)
        yield slack


async def asked(terminal: Terminal) -> Said:
    """In a thread of its own: the stand-in has to answer meanwhile."""
    return await asyncio.to_thread(terminal, "doctor")


async def found(terminal: Terminal) -> list[Fault]:
    """The faults, each with its fix."""
    said = await asked(terminal)
    lines = said.out.splitlines()
    faults = [line.removeprefix("fault").strip() for line in lines if line.startswith("fault")]
    fixes = [line.removeprefix("fix:").strip() for line in lines if line.startswith("fix:")]
    assert (said.code, said.err) == (1 if faults else 0, "")
    return list(zip(faults, fixes, strict=True))


async def the_one(terminal: Terminal) -> Fault:
    (one,) = await found(terminal)
    return one
