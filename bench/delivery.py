"""A burst of cards into five channels, through a Slack with its real limits: how much of what they permit is used?

Slack's clock runs faster here, and our budget with it; the calls between us, and the work for each, take as long as
ever. All of it lies there when delivery begins, as after an hour without Slack; delivery runs in processes of its own.
"""

from __future__ import annotations

import asyncio
import math
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple, TypeVar

from bench.cards import SAID
from bench.load import rate
from bench.world import POLICY, World, body, fresh_database, now, world
from bot.metrics import Metrics
from bot.settings import read_settings
from bot.slack.outgoing.client import SlackClient, web_client
from playground.model import rates
from playground.slack import Message, Slack, stand_in
from rules.package.model import DecisionPackage
from rules.policy.parse import read_policy
from rules.verbs.submission import Submit
from scheduler.cards.reconciler import Reconciler
from store.installation.installation import fresh_id
from store.outbox.rate_budget import Rates, Window
from store.store import Store
from store.waiters import cancel_task

CARDS, SPEED = 1_000, 2.0
CHANNELS = [f"C{number}" for number in range(1, 6)]
RISKS = ["medium"] * 6 + ["high"] * 3 + ["critical"]  # of each ten cards
CRITICAL = CARDS // 10
ASKED_PERCENT = 95
Pipe = TypeVar("Pipe", asyncio.StreamReader, asyncio.StreamWriter)
_SENIORS = 'includes = ["reviewer"]'
_ROUTED = POLICY.replace(_SENIORS, f'{_SENIORS}\nmax_risk = "critical"') + "".join(
    f'[actions."notice.{channel.lower()}"]\nreversibility = "irreversible_low"\nchannel = "{channel}"\n'
    for channel in CHANNELS
)


class Result(NamedTuple):
    database: str
    processes: int
    cards: int
    seconds: float
    permitted: float
    refused: int
    last_critical: int  # which card it was; those of one batch arrive in any order

    @property
    def used_percent(self) -> float:
        return 100 * self.permitted / self.seconds


async def run(where: dict[str, str], told: Callable[[Result], None]) -> None:
    for kind in where:
        for processes in (1,) if kind == "sqlite" else (1, 3):
            told(await _measured(kind, processes, fresh_database(kind, where)))


async def _measured(kind: str, processes: int, url: str) -> Result:
    async with stand_in(rates=rates.Rates(SPEED)) as slack:
        _furnish(slack)
        async with world(url, _ROUTED) as its:
            await rate(range(CARDS), lambda job: _submitted(its, job), 16)
        async with _delivering(url, processes, slack):
            begun = time.perf_counter()
            await slack.until(lambda: len(_posted(slack)) >= CARDS, seconds=10 * permitted(CARDS))
            took = time.perf_counter() - begun
    calls = slack.calls
    refused = sum(call.error == "ratelimited" for call in calls)
    return Result(kind, processes, len(_posted(slack)), took, permitted(CARDS), refused, _last_critical(slack))


def permitted(cards: int) -> float:
    """Seconds from the first post to the last, if each is made the moment that Slack would take it."""
    by_channel = (math.ceil(cards / len(CHANNELS) / rates.BURST) - 1) * rates.BURST
    by_workspace = (math.ceil(cards / rates.POSTS) - 1) * rates.MINUTE
    return max(by_channel, by_workspace) / SPEED


def _furnish(slack: Slack) -> None:
    for user in ("U1", "U2", "U3", "U4", "U5"):
        slack.add_person(user, name=user)
    for channel in CHANNELS:
        slack.add_channel(channel, members=["U1", "U2", "U3"])


async def _submitted(its: World, job: int) -> None:
    kind = {"action_type": f"notice.{CHANNELS[job % 5].lower()}", "risk_level": RISKS[job // 5 % 10]}
    package = DecisionPackage.model_validate(body(job) | SAID | kind)
    package_id = f"pkg_{fresh_id()}"
    command = Submit(command_id=package_id, decision_package_id=package_id, package=package)
    answered = await its.store.execute_for_agent(its.agent, command)
    if answered.refusal:
        raise RuntimeError(answered.refusal.sentence)


def _posted(slack: Slack) -> list[Message]:
    return [message for channel in CHANNELS for message in slack.messages(channel)]


def _last_critical(slack: Slack) -> int:
    posted = sorted(_posted(slack), key=lambda message: float(message.ts))
    return max(place for place, message in enumerate(posted, 1) if message.text.startswith("Critical"))


@asynccontextmanager
async def _delivering(url: str, processes: int, slack: Slack) -> AsyncIterator[None]:
    """All begin at once, when they are all there."""
    command = (sys.executable, "-W", "ignore", "-m", "bench.delivery", url, slack.api_url, slack.bot_token)
    pipe, nowhere = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    running = [
        await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, stderr=nowhere)
        for _ in range(processes)
    ]
    try:
        for process in running:
            await _said(process)
        for process in running:
            _of(process.stdin).write(b"\n")
        yield
    finally:
        for process in running:
            _of(process.stdin).close()
            await process.wait()


def _of(pipe: Pipe | None) -> Pipe:
    if pipe is None:
        raise RuntimeError("the process has no pipes")
    return pipe


async def _said(process: asyncio.subprocess.Process) -> None:
    if not await _of(process.stdout).readline():
        raise RuntimeError("a process ended before it delivered anything")


async def _deliver(url: str, api_url: str, token: str) -> None:
    """One process of the service, as far as it delivers: until its line is closed."""
    line = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(line), sys.stdin)
    store = await Store.open(url, read_policy(_ROUTED), _ROUTED, now)
    async with web_client(read_settings(SLACK_BOT_TOKEN=token, SLACK_API_URL=api_url)) as web:
        reconciler = Reconciler(store, SlackClient(web, Metrics()), rates=_faster(Rates()))
        print("ready", flush=True)
        await line.readline()
        reconciler.notice()
        delivering = asyncio.create_task(reconciler.run_for_ever())
        await line.read()
        await cancel_task(delivering)
    await store.close()


def _faster(its: Rates) -> Rates:
    return Rates(_shorter(its.channel), _shorter(its.posts), _shorter(its.updates), its.apart / SPEED)


def _shorter(window: Window) -> Window:
    return Window(window.calls, window.seconds / SPEED)


if __name__ == "__main__":
    asyncio.run(_deliver(*sys.argv[1:]))
