"""Runs `countersign doctor --live` against the stand-in, with a person who presses what it asks for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from playground.slack import Message, Slack
from store.waiters import cancel_task
from tests.bot.cli.doctor.setup import NAMED, REVIEWS, furnished_workspace, healthy_terminal
from tests.bot.terminal import CommandResult, Terminal
from tests.rules.world import RITA, ROSS

LONG = 60.0
REPORT = "countersign-live-report.md"
AtBegin = Callable[[], Awaitable[None]]


@asynccontextmanager
async def live_workspace() -> AsyncIterator[Slack]:
    """A workspace with two people in the channel of the run."""
    async with furnished_workspace() as slack:
        slack.change_channel(REVIEWS, members=(RITA, ROSS))
        yield slack


def live_terminal(
    url: str, slack: Slack, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Terminal:
    """A healthy setup in Socket Mode."""
    terminal = healthy_terminal(url, slack, folder, monkeypatch, capsys)
    terminal.file("policy.toml", NAMED)
    monkeypatch.setenv("SLACK_APP_TOKEN", slack.app_token)
    return terminal


class LiveResult(NamedTuple):
    command: CommandResult
    report: str

    @property
    def steps(self) -> list[str]:
        """The lines of the steps, between Begin and the summary."""
        return self.command.out.splitlines()[3:-1]

    @property
    def only_step(self) -> str:
        (line,) = self.steps
        return line


class Operator:
    """Answers the run's messages in turn. `saw` are the words for questions that contain one of its keys."""

    def __init__(self, slack: Slack, saw: Mapping[str, str] | None = None, at_begin: AtBegin | None = None) -> None:
        self.slack, self.saw, self._at_begin = slack, saw or {}, at_begin
        self._done: set[str] = set()

    async def answer_for_ever(self) -> None:
        while True:
            await self.answer(await self.next_question())

    async def next_question(self) -> Message:
        message = await self.slack.until(self._newest, LONG)
        self._done.add(message.ts)
        return message

    def _newest(self) -> Message | None:
        waiting = (message for message in self.slack.messages(REVIEWS) if message.ts not in self._done)
        return next((one for one in waiting if any(name.startswith("live_") for name in one.action_ids)), None)

    async def answer(self, message: Message) -> None:
        labels = message.labels
        if "/reviews live" in message.shown:
            await self.slack.command(RITA, "/reviews", "live @uross", channel=REVIEWS)
        elif "As described" in labels:
            await self._judge(message)
        else:
            if labels == ["Begin"] and self._at_begin:
                await self._at_begin()
            await self.press(message, labels[0])
            if "Next" in message.shown:
                await self._through_the_views()

    async def press(self, message: Message, label: str) -> None:
        action_id = message.action_ids[message.labels.index(label)]
        await self.slack.click(RITA, message, action_id)

    async def _judge(self, message: Message) -> None:
        words = next((words for part, words in self.saw.items() if part in message.shown), None)
        if words is None:
            await self.press(message, "As described")
            return
        await self.press(message, "Different")
        await self.slack.until(lambda: "What did you see" in self._top())
        await self.slack.submit(RITA, {"seen": words})

    def _top(self) -> str:
        view = self.slack.modal(RITA)
        return view.shown if view else ""

    async def _through_the_views(self) -> None:
        for number in (1, 2):
            await self.slack.until(lambda number=number: f"View {number} of" in self._top())  # type: ignore[misc]
            view = self.slack.modal(RITA)
            assert view is not None
            await self.slack.click_modal(RITA, view.action_ids[0])
        await self.slack.until(lambda: "View 3 of 3, changed" in self._top())
        await self.slack.until(lambda: any(call.error for call in self.slack.calls_to("views.update")))
        await self.slack.submit(RITA)


async def run_live(
    terminal: Terminal,
    slack: Slack,
    *steps: str,
    saw: Mapping[str, str] | None = None,
    at_begin: AtBegin | None = None,
    more: tuple[str, ...] = (),
) -> LiveResult:
    """Run it to its end. The terminal runs in a thread, because the stand-in must answer meanwhile."""
    operating = asyncio.create_task(Operator(slack, saw, at_begin).answer_for_ever())
    chosen = [word for step in steps for word in ("--step", step)]
    try:
        result = await asyncio.to_thread(terminal, "doctor", "--live", REVIEWS, *chosen, *more)
    finally:
        await cancel_task(operating)
    report = terminal.folder / REPORT
    return LiveResult(result, report.read_text() if report.exists() else "")
