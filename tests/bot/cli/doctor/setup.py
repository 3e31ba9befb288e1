"""Runs the doctor on a healthy setup with a stand-in for Slack."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from playground.slack import Slack, stand_in
from tests.bot.process.serving import slack_settings
from tests.bot.terminal import POLICY, CommandResult, Terminal, make_terminal
from tests.rules.world import DORA, RITA, ROSS, SENTA, SUSI

ADDRESS = "https://countersign.example.org"
KEY = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="
Fault = tuple[str, str]

REVIEWS, SPARE, PRIVATE = "C0REVIEWS", "C0SPARE", "C0PRIVATE"
SENIORS = "S0SENIORS"
NAMED = POLICY.replace(f'members = ["{SENTA}"]', f'groups = ["{SENIORS}"]\nchannel = "{PRIVATE}"') + (
    f"""
[channels]
default = "{REVIEWS}"
fallback = "{SPARE}"
"""
)


@asynccontextmanager
async def workspace() -> AsyncIterator[Slack]:
    """A workspace with the people of the terminal's policy."""
    async with stand_in() as slack:
        for user in (RITA, ROSS, SENTA, SUSI, DORA):
            slack.add_person(user)
        yield slack


@asynccontextmanager
async def furnished_workspace() -> AsyncIterator[Slack]:
    """A workspace with the people, channels and groups of the policy `NAMED`."""
    async with workspace() as slack:
        slack.add_channel(REVIEWS, name="reviews")
        slack.add_channel(SPARE, name="spare")
        slack.add_channel(PRIVATE, name="seniors", private=True)
        slack.add_group(SENIORS, [SENTA])
        yield slack


def healthy_terminal(
    url: str, slack: Slack, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Terminal:
    """A terminal whose settings are all valid, with this workspace as Slack."""
    terminal = make_terminal(folder, url, monkeypatch, capsys)
    for name, value in {"COUNTERSIGN_KEY": KEY, "COUNTERSIGN_PUBLIC_URL": ADDRESS, **slack_settings(slack)}.items():
        monkeypatch.setenv(name, value)
    return terminal


async def run_doctor(terminal: Terminal) -> CommandResult:
    """Run in a thread, because the stand-in must answer meanwhile."""
    return await asyncio.to_thread(terminal, "doctor")


async def faults_found(terminal: Terminal) -> list[Fault]:
    """The faults, each with its fix."""
    result = await run_doctor(terminal)
    lines = result.out.splitlines()
    faults = [line.removeprefix("fault").strip() for line in lines if line.startswith("fault")]
    fixes = [line.removeprefix("fix:").strip() for line in lines if line.startswith("fix:")]
    assert (result.code, result.err) == (1 if faults else 0, "")
    return list(zip(faults, fixes, strict=True))


async def only_fault(terminal: Terminal) -> Fault:
    (one,) = await faults_found(terminal)
    return one
