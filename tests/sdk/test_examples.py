"""Each example runs as it stands, with no key and no model, as far as people let it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from rules.state.commands import Verb
from tests.bot.slack.office import RITA, SENTA, SUSI, Office
from tests.sdk.agents import Agent
from tests.sdk.processes import started

EXAMPLES = Path(__file__).parent.parent.parent / "examples"


class Example:
    def __init__(self, watcher: Agent) -> None:
        self._watcher, self._office = watcher, watcher.office

    def runs(self, name: str, *arguments: object) -> asyncio.Future[tuple[bytes, bytes]]:
        process = started(self._office, self._watcher.network, EXAMPLES / name, *arguments)
        return asyncio.ensure_future(process.communicate())

    async def approve(self, by: str = RITA) -> None:
        card = await self._watcher.card(await self._watcher.proposed())
        await (self._office.approve(by, card) if by == SENTA else self._office.click(by, card, "approve"))

    async def give(self, verb: Verb, by: str = RITA, **words: Any) -> None:
        await self._office.give(by, await self._watcher.card(await self._watcher.proposed()), verb, words)


@pytest.fixture
def example(watcher: Agent) -> Example:
    return Example(watcher)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("quickstart.py", b"receipt of order 456 sent to ada@example.com\n"),
        ("openai_agents.py", b"sent to ada@example.com: It comes today.\n"),
        ("pydantic_ai_agent.py", b"Ada is forgotten\n"),
    ],
)
async def test_an_agent_of_any_make_acts_after_approval(example: Example, name: str, said: bytes) -> None:
    running = example.runs(name)
    await example.approve()
    out, err = await running
    assert out == said, err


@pytest.mark.parametrize(
    ("name", "said"),
    [("openai_agents.py", b"Not today."), ("pydantic_ai_agent.py", b"not done: A reviewer rejected this")],
)
async def test_and_its_model_is_told_when_people_refuse(example: Example, name: str, said: bytes) -> None:
    running = example.runs(name)
    await example.give(Verb.REJECT, comment="Not today.")
    out, err = await running
    assert said in out, err


async def test_the_e_mail_is_sent_as_the_reviewer_edited_it(example: Example, watcher: Agent, office: Office) -> None:
    running = example.runs("email_agent.py")
    edited = '{"email": {"to": "ada@example.com", "subject": "Hello", "body": "Shorter."}}'
    await office.edit(RITA, await watcher.card(await watcher.proposed()), edited)
    await example.approve(by=SUSI)
    out, err = await running
    assert out == b"Email sent to ada@example.com: 'Shorter.'\n", err


async def test_the_e_mail_is_drafted_anew_when_a_reviewer_asks_for_it(example: Example) -> None:
    running = example.runs("email_agent.py")
    await example.give(Verb.REVISE, instructions="We are sorry.")
    await example.approve()
    out, err = await running
    assert b"P.S. We are sorry." in out, err


async def test_a_rejected_e_mail_is_not_sent_and_that_is_logged(example: Example) -> None:
    running = example.runs("email_agent.py")
    await example.give(Verb.REJECT, comment="Call instead.")
    out, err = await running
    assert out == b"Email rejected: Call instead.\n", err
    assert b"rejected" in err


async def test_an_e_mail_that_nobody_decides_on_is_not_sent_and_not_called_rejected(example: Example) -> None:
    out, err = await example.runs("email_agent.py", 0.2)
    assert out == b"Nobody decided in time; nothing was sent, and nobody said no\n", err


async def test_the_record_is_deleted_after_approval_and_not_a_second_time(example: Example, tmp_path: Path) -> None:
    running = example.runs("database_writer.py", tmp_path / "data")
    await example.approve()
    assert (await running)[0] == b"Deleted record 42\n"
    assert (await example.runs("database_writer.py", tmp_path / "data"))[0] == b"Deleted record 42\n"


async def test_the_record_stays_if_people_say_so(example: Example, tmp_path: Path) -> None:
    running = example.runs("database_writer.py", tmp_path / "data")
    await example.give(Verb.REJECT, comment="Keep it.")
    out, err = await running
    assert out.startswith(b"Not deleted. A reviewer rejected this"), err


async def test_the_notice_is_sent_after_changes_and_approval_and_never_again(example: Example) -> None:
    running = example.runs("enforcement_notice.py", "run-1")
    await example.give(Verb.REQUEST_MORE_EVIDENCE, by=SENTA, instructions="Show May.")
    await example.give(Verb.REVISE, by=SENTA, instructions="Appeal within 7 days.")
    await example.approve(by=SENTA)
    out, err = await running
    assert b"Sent to ABC Foods: You are to correct" in out, err
    assert b"Appeal within 7 days." in out
    again = await example.runs("enforcement_notice.py", "run-1")
    assert b"Sent to" not in again[0]
    assert b"It was sent before, and is not sent again." in again[0], again[1]
