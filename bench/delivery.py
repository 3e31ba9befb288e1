"""A burst of cards into five channels, with Slack's real rate limits: how much of the permitted rate is used?

Slack's clock runs faster here, and our budget with it; calls and the work for each take their usual time. All cards
wait when delivery begins, as after an hour without Slack. Delivery runs in processes of its own.
"""

from __future__ import annotations

import asyncio
import math
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple, TypeVar

from bench.cards import OPTIONAL_FIELDS
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
from store.commands.policies import PolicyFile
from store.installation.installation import fresh_id
from store.outbox.rate_budget import Rates, Window
from store.store import Store
from store.waiters import cancel_task

CARDS, SPEED = 1_000, 2.0
CHANNELS = [f"C{number}" for number in range(1, 6)]
RISKS = ["medium"] * 6 + ["high"] * 3 + ["critical"]  # of each ten cards
CRITICAL = CARDS // 10
TARGET_PERCENT = 95
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
    last_critical: int  # its position among the posts; cards of one batch arrive in any order

    @property
    def used_percent(self) -> float:
        return 100 * self.permitted / self.seconds


async def run(urls: dict[str, str], report: Callable[[Result], None]) -> None:
    for kind in urls:
        for processes in (1,) if kind == "sqlite" else (1, 3):
            report(await _measure(kind, processes, fresh_database(kind, urls)))


async def _measure(kind: str, processes: int, url: str) -> Result:
    async with stand_in(rates=rates.Rates(SPEED)) as slack:
        _furnish(slack)
        async with world(url, _ROUTED) as bench_world:
            await rate(range(CARDS), lambda job: _submit(bench_world, job), 16)
        async with _start_deliverers(url, processes, slack):
            start = time.perf_counter()
            await slack.until(lambda: len(_messages(slack)) >= CARDS, seconds=10 * permitted_seconds(CARDS))
            seconds = time.perf_counter() - start
    calls = slack.calls
    refused = sum(call.error == "ratelimited" for call in calls)
    return Result(
        kind, processes, len(_messages(slack)), seconds, permitted_seconds(CARDS), refused, _last_critical(slack)
    )


def permitted_seconds(cards: int) -> float:
    """The seconds from the first post to the last, if each is made as soon as Slack's limits allow it."""
    by_channel = (math.ceil(cards / len(CHANNELS) / rates.BURST) - 1) * rates.BURST
    by_workspace = (math.ceil(cards / rates.POSTS) - 1) * rates.MINUTE
    return max(by_channel, by_workspace) / SPEED


def _furnish(slack: Slack) -> None:
    for user in ("U1", "U2", "U3", "U4", "U5"):
        slack.add_person(user, name=user)
    for channel in CHANNELS:
        slack.add_channel(channel, members=["U1", "U2", "U3"])


async def _submit(bench_world: World, job: int) -> None:
    turn, channel = divmod(job, len(CHANNELS))
    kind = {"action_type": f"notice.{CHANNELS[channel].lower()}", "risk_level": RISKS[turn % len(RISKS)]}
    package = DecisionPackage.model_validate(body(job) | OPTIONAL_FIELDS | kind)
    package_id = f"pkg_{fresh_id()}"
    command = Submit(command_id=package_id, decision_package_id=package_id, package=package)
    answer = await bench_world.store.execute_for_agent(bench_world.agent, command)
    if answer.refusal:
        raise RuntimeError(answer.refusal.sentence)


def _messages(slack: Slack) -> list[Message]:
    return [message for channel in CHANNELS for message in slack.messages(channel)]


def _last_critical(slack: Slack) -> int:
    posted = sorted(_messages(slack), key=lambda message: float(message.ts))
    return max(place for place, message in enumerate(posted, 1) if message.text.startswith("Critical"))


@asynccontextmanager
async def _start_deliverers(url: str, processes: int, slack: Slack) -> AsyncIterator[None]:
    """Starts the processes; they all begin to deliver once all are ready."""
    command = (sys.executable, "-W", "ignore", "-m", "bench.delivery", url, slack.api_url, slack.bot_token)
    pipe, nowhere = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    deliverers = [
        await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, stderr=nowhere)
        for _ in range(processes)
    ]
    try:
        for process in deliverers:
            await _wait_ready(process)
        for process in deliverers:
            _require_pipe(process.stdin).write(b"\n")
        yield
    finally:
        for process in deliverers:
            _require_pipe(process.stdin).close()
            await process.wait()


def _require_pipe(pipe: Pipe | None) -> Pipe:
    if pipe is None:
        raise RuntimeError("the process has no pipes")
    return pipe


async def _wait_ready(process: asyncio.subprocess.Process) -> None:
    if not await _require_pipe(process.stdout).readline():
        raise RuntimeError("a process ended before it delivered anything")


async def _deliver(url: str, api_url: str, token: str) -> None:
    """Delivers as one process of the service does, until its standard input is closed."""
    line = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(line), sys.stdin)
    store = await Store.open(url, PolicyFile(read_policy(_ROUTED), _ROUTED), now)
    async with web_client(read_settings(SLACK_BOT_TOKEN=token, SLACK_API_URL=api_url)) as web:
        reconciler = Reconciler(store, SlackClient(web, Metrics()), rates=_faster(Rates()))
        print("ready", flush=True)
        await line.readline()
        reconciler.notice()
        delivering = asyncio.create_task(reconciler.run_for_ever())
        await line.read()
        await cancel_task(delivering)
    await store.close()


def _faster(budget: Rates) -> Rates:
    return Rates(_shorter(budget.channel), _shorter(budget.posts), _shorter(budget.updates), budget.apart / SPEED)


def _shorter(window: Window) -> Window:
    return Window(window.calls, window.seconds / SPEED)


if __name__ == "__main__":
    asyncio.run(_deliver(*sys.argv[1:]))
