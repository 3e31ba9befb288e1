"""An agent is killed and started again as a real process: it acts once, or reports its outcome as unknown."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.bot.service import Response
from tests.bot.slack.office import SENTA
from tests.sdk.agents import Agent
from tests.sdk.processes import HERE, start_script
from tests.sdk.script_process import Script


class Worker:
    """The worker process, and the orders that it has paid."""

    def __init__(self, watcher: Agent, ledger: Path) -> None:
        self._watcher, self.ledger = watcher, ledger
        ledger.touch()

    def start(self, *more: str) -> Script:
        return start_script(self._watcher.office, self._watcher.network, HERE / "worker.py", self.ledger, *more)

    @property
    def done(self) -> list[str]:
        return self.ledger.read_text().split()


@pytest.fixture
def worker(watcher: Agent, tmp_path: Path) -> Worker:
    return Worker(watcher, tmp_path / "ledger")


async def approve_newest(watcher: Agent) -> Response:
    package: Response = await watcher.wait_for_package()
    await watcher.office.approve(SENTA, await watcher.card(package))
    return package


async def test_an_agent_killed_while_waiting_acts_once_after_its_restart(worker: Worker, watcher: Agent) -> None:
    first = worker.start()
    before = await watcher.wait_for_package()
    first.kill()
    await first.communicate()
    second = worker.start()
    after = await approve_newest(watcher)
    out, _ = await second.communicate()
    assert (out, worker.done, after.id) == (b"paid 456\n", ["456"], before.id)


async def test_an_agent_killed_while_acting_reports_unknown_and_does_not_act_again(
    worker: Worker, watcher: Agent
) -> None:
    first = worker.start("and die")
    package = await approve_newest(watcher)
    await first.communicate()
    assert first.returncode == -signal.SIGKILL
    second = worker.start()
    out, err = await second.communicate()
    assert (out, second.returncode, worker.done) == (b"", 1, ["456"])
    assert b"has reported no outcome" in err
    assert (await watcher.office.read(package)).body["execution"]["state"] == "claimed"


async def test_two_agents_with_one_approval_act_once(worker: Worker, watcher: Agent) -> None:
    scripts = [worker.start(), worker.start()]
    await approve_newest(watcher)
    outputs = [await script.communicate() for script in scripts]
    assert sorted(out for out, _ in outputs) == [b"", b"paid 456\n"]
    assert worker.done == ["456"]
