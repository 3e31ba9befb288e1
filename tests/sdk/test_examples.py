"""Each example runs without a model and its key, and acts only as people decide."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from rules.state.commands import Verb
from rules.threads.commands import CancelThread, HoldThread, ResumeThread, ThreadCommand
from tests.bot.slack.office import RITA, SENTA, SUSI, Office
from tests.sdk.agents import Agent
from tests.sdk.processes import start_script
from tests.sdk.script_process import Script
from tests.store.world import fresh, reviewer

EXAMPLES = Path(__file__).parent.parent.parent / "examples"


class Example:
    def __init__(self, watcher: Agent) -> None:
        self._watcher, self._office = watcher, watcher.office

    def script(self, name: str, *arguments: object) -> Script:
        return start_script(self._office, self._watcher.network, EXAMPLES / name, *arguments)

    def start(self, name: str, *arguments: object) -> asyncio.Future[tuple[bytes, bytes]]:
        return asyncio.ensure_future(self.script(name, *arguments).communicate())

    async def approve(self, by: str = RITA) -> None:
        card = await self._watcher.card(await self._watcher.wait_for_package())
        await (self._office.approve(by, card) if by == SENTA else self._office.click(by, card, "approve"))

    async def give(self, verb: Verb, by: str = RITA, **words: Any) -> None:
        await self._office.give(by, await self._watcher.card(await self._watcher.wait_for_package()), verb, words)


@pytest.fixture
def example(watcher: Agent) -> Example:
    return Example(watcher)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("quickstart.py", b"receipt of order 456 sent to ada@example.com\n"),
        ("openai_agents.py", b"sent to ada@example.com: It comes today.\n"),
        ("pydantic_ai_agent.py", b"Ada is forgotten\n"),
    ],
)
async def test_an_agent_of_each_framework_acts_after_approval(example: Example, name: str, expected: bytes) -> None:
    running = example.start(name)
    await example.approve()
    out, err = await running
    assert out == expected, err


@pytest.mark.parametrize(
    ("name", "expected"),
    [("openai_agents.py", b"Not today."), ("pydantic_ai_agent.py", b"not done: A reviewer rejected this")],
)
async def test_an_agent_of_each_framework_tells_its_model_about_a_refusal(
    example: Example, name: str, expected: bytes
) -> None:
    running = example.start(name)
    await example.give(Verb.REJECT, comment="Not today.")
    out, err = await running
    assert expected in out, err


async def test_the_e_mail_is_sent_as_the_reviewer_edited_it(example: Example, watcher: Agent, office: Office) -> None:
    running = example.start("email_agent.py")
    edited = '{"email": {"to": "ada@example.com", "subject": "Hello", "body": "Shorter."}}'
    await office.edit(RITA, await watcher.card(await watcher.wait_for_package()), edited)
    await example.approve(by=SUSI)
    out, err = await running
    assert out == b"Email sent to ada@example.com: 'Shorter.'\n", err


async def test_the_e_mail_is_drafted_again_when_a_reviewer_asks_for_changes(example: Example) -> None:
    running = example.start("email_agent.py")
    await example.give(Verb.REVISE, instructions="We are sorry.")
    await example.approve()
    out, err = await running
    assert b"P.S. We are sorry." in out, err


async def test_a_rejected_e_mail_is_not_sent_and_that_is_logged(example: Example) -> None:
    running = example.start("email_agent.py")
    await example.give(Verb.REJECT, comment="Call instead.")
    out, err = await running
    assert out == b"Email rejected: Call instead.\n", err
    assert b"rejected" in err


async def test_an_undecided_e_mail_is_not_sent_and_not_called_rejected(example: Example) -> None:
    out, err = await example.start("email_agent.py", 0.2)
    assert out == b"Nobody decided in time; nothing was sent, and nobody said no\n", err


async def test_the_record_is_deleted_once_after_approval(example: Example, tmp_path: Path) -> None:
    running = example.start("database_writer.py", tmp_path / "data")
    await example.approve()
    assert (await running)[0] == b"Deleted record 42\n"
    assert (await example.start("database_writer.py", tmp_path / "data"))[0] == b"Deleted record 42\n"


async def test_the_record_stays_if_people_reject_its_deletion(example: Example, tmp_path: Path) -> None:
    running = example.start("database_writer.py", tmp_path / "data")
    await example.give(Verb.REJECT, comment="Keep it.")
    out, err = await running
    assert out.startswith(b"Not deleted. A reviewer rejected this"), err


async def test_the_notice_is_sent_once_after_changes_and_approval(example: Example) -> None:
    running = example.start("enforcement_notice.py", "run-1")
    await example.give(Verb.REQUEST_MORE_EVIDENCE, by=SENTA, instructions="Show May.")
    await example.give(Verb.REVISE, by=SENTA, instructions="Appeal within 7 days.")
    await example.approve(by=SENTA)
    out, err = await running
    assert b"Sent to ABC Foods: You are to correct" in out, err
    assert b"Appeal within 7 days." in out
    again = await example.start("enforcement_notice.py", "run-1")
    assert b"Sent to" not in again[0]
    assert b"It was sent before, and is not sent again." in again[0], again[1]


async def test_the_approval_manager_sends_what_a_reviewer_modified(
    example: Example, watcher: Agent, office: Office
) -> None:
    running = example.start("approval_manager.py")
    edited = '{"to": "ada@example.com", "subject": "Hello", "body": "Shorter."}'
    await office.edit(RITA, await watcher.card(await watcher.wait_for_package()), edited)
    await example.approve(by=SUSI)
    out, err = await running
    assert out == b"Email sent (modified): Shorter.\n", err


async def test_the_approval_manager_tells_a_rejection(example: Example) -> None:
    running = example.start("approval_manager.py")
    await example.give(Verb.REJECT, comment="Call instead.")
    out, err = await running
    assert out == b"Email not sent (rejected): Call instead.\n", err


async def test_the_durable_agent_is_corrected_sent_back_killed_and_goes_on(
    example: Example, watcher: Agent, office: Office, tmp_path: Path
) -> None:
    process = example.script("durable_agent.py", tmp_path / "data")
    await example.give(Verb.ALLOW_RETRY, by=SENTA, comment="It is back.")
    await example.give(Verb.ANSWER, answer_choice="other", answer="It comes soon.")
    send = await watcher.wait_for_package()
    process.kill()
    await process.communicate()
    await give(office, HoldThread, "parcel-456", reason="Wait.")
    running = example.start("durable_agent.py", tmp_path / "data")
    await give(office, ResumeThread, "parcel-456", checkpoint_id="draft", modified_state={"day": "on Friday"})
    await watcher.wait_for_package("cancelled")
    assert (await office.read(send)).body["status"] == "cancelled"
    await example.give(Verb.ANSWER, answer_choice="Yes")
    await example.approve()
    out, err = await running
    assert out == b"Sent to ada@example.com: Your parcel comes on Friday.\n", err


async def test_the_durable_agent_cleans_up_when_people_cancel_it(
    example: Example, watcher: Agent, office: Office, tmp_path: Path
) -> None:
    running = example.start("durable_agent.py", tmp_path / "data")
    await watcher.wait_for_package()
    await give(office, CancelThread, "parcel-456", reason="No.", rollback=True)
    out, err = await running
    assert "Cancelled at “read”, and rolled back.".encode() in out, err


async def test_the_controlled_agent_waits_while_it_is_held_and_goes_on_as_people_say(
    example: Example, watcher: Agent, office: Office
) -> None:
    running = example.start("agent_control.py", "inbox-8")
    await watcher.wait_for_package()
    await give(office, HoldThread, "inbox-8", reason="The auditor comes.")
    await example.approve()
    await give(office, ResumeThread, "inbox-8", instruction="Not the invoices.")
    await watcher.wait_for_package()
    await give(office, CancelThread, "inbox-8", reason="Enough.")
    out, err = await running
    assert out.startswith(b"archived Letters\n"), err
    assert (b"Stopped:" in out, b"thread.held, " in out) == (True, True)


async def give(office: Office, kind: type[ThreadCommand], thread_id: str, **fields: Any) -> None:
    command = kind(**{"command_id": fresh("thread"), "thread_id": thread_id, **fields})
    outcome = await office.running.service.threads.execute(command, reviewer(SENTA))
    assert outcome.refusal is None, outcome.refusal.sentence
