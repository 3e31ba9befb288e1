"""An agent is killed and started again as a real process: what it does is done once, or told as unknown."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.bot.service import Response
from tests.bot.slack.office import SENTA
from tests.sdk.agents import Agent
from tests.sdk.forked import Script
from tests.sdk.processes import HERE, started


class Worker:
    """The process, and what it has done for real."""

    def __init__(self, watcher: Agent, ledger: Path) -> None:
        self._watcher, self.ledger = watcher, ledger
        ledger.touch()

    def start(self, *more: str) -> Script:
        return started(self._watcher.office, self._watcher.network, HERE / "worker.py", self.ledger, *more)

    @property
    def done(self) -> list[str]:
        return self.ledger.read_text().split()


@pytest.fixture
def worker(watcher: Agent, tmp_path: Path) -> Worker:
    return Worker(watcher, tmp_path / "ledger")


async def approved(watcher: Agent) -> Response:
    package: Response = await watcher.proposed()
    await watcher.office.approve(SENTA, await watcher.card(package))
    return package


async def test_an_agent_that_was_killed_while_waiting_comes_back_and_does_it_once(
    worker: Worker, watcher: Agent
) -> None:
    first = worker.start()
    before = await watcher.proposed()
    first.kill()
    await first.communicate()
    second = worker.start()
    after = await approved(watcher)
    out, _ = await second.communicate()
    assert (out, worker.done, after.id) == (b"paid 456\n", ["456"], before.id)


async def test_an_agent_that_was_killed_in_the_act_says_unknown_and_does_not_do_it_again(
    worker: Worker, watcher: Agent
) -> None:
    first = worker.start("and die")
    package = await approved(watcher)
    await first.communicate()
    assert first.returncode == -signal.SIGKILL
    second = worker.start()
    out, err = await second.communicate()
    assert (out, second.returncode, worker.done) == (b"", 1, ["456"])
    assert b"whether it ran is unknown" in err
    assert (await watcher.office.read(package)).body["execution"]["state"] == "claimed"


async def test_two_agents_with_one_approval_do_it_once(worker: Worker, watcher: Agent) -> None:
    both = [worker.start(), worker.start()]
    await approved(watcher)
    told = [await each.communicate() for each in both]
    assert sorted(out for out, _ in told) == [b"", b"paid 456\n"]
    assert worker.done == ["456"]
