"""Each example runs against the demo with the demo's own policy and people."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from playground.model.messages import Message
from rules.state.commands import Verb
from tests.bot.demo.visitor import GRAVE, RITA, SENTA, SUSAN, Visitor, visiting
from tests.sdk.script_process import Script
from tests.sdk.test_examples import EXAMPLES


class Click(NamedTuple):
    """What a person does on the card with this title. `answer` is the button of an answer."""

    title: str
    user: str
    words: Any = None
    verb: Verb = Verb.APPROVE
    answer: str | None = None


# By example: what people do, and what the example then prints.
STORIES: dict[str, tuple[tuple[Click, ...], bytes]] = {
    "quickstart.py": (
        (Click("Send a receipt to a customer", RITA),),
        b"receipt of order 456 sent to ada@example.com\n",
    ),
    "email_agent.py": ((Click("E-mail to ada@example.com", RITA),), b"Email sent to ada@example.com"),
    "approval_manager.py": ((Click("To: ada@example.com", RITA),), b"Email sent (approved): Your parcel comes today."),
    "openai_agents.py": (
        (Click("Send an e-mail to a customer", RITA),),
        b"sent to ada@example.com: It comes today.\n",
    ),
    "pydantic_ai_agent.py": ((Click("Delete all that is known of a customer", SENTA),), b"Ada is forgotten\n"),
    "database_writer.py": ((Click("Delete customer record 42", SENTA),), b"Deleted record 42\n"),
    "durable_agent.py": (
        (
            Click("The list of parcels cannot be read", SENTA, {"comment": "It is back."}, Verb.ALLOW_RETRY),
            Click("Is this letter right?", RITA, answer="answer_1"),
            Click("Send the letter about parcel 456", RITA),
        ),
        b"Sent to ada@example.com: Your parcel comes on Tuesday.\n",
    ),
    "agent_control.py": (
        (Click("Letters", RITA), Click("Invoices", RITA)),
        b"archived Letters\narchived Invoices\n",
    ),
    "openai_handoff.py": ((Click("Send a letter to the customer", RITA),), b"sent: It comes today.\n"),
    "handoff_manager.py": ((Click("Publish a report", RITA),), b"returned: Published: 2 sources, for the supervisor\n"),
    "enforcement_notice.py": (
        (Click("Send enforcement notice 456", SENTA, GRAVE), Click("Send enforcement notice 456", SUSAN, GRAVE)),
        b"Sent to ABC Foods: You are to",
    ),
}


async def test_each_example_runs_against_the_demo(tmp_path: Path) -> None:
    assert sorted(STORIES) == sorted(path.name for path in EXAMPLES.glob("*.py"))
    async with visiting(tmp_path / "demo") as visitor:
        environment = os.environ | {"COUNTERSIGN_URL": visitor.demo.url}
        keys = {name: {"COUNTERSIGN_AGENT_KEY": await visitor.add_agent(name)} for name in ("newcomer", "writer")}
        environment["LETTER_WRITER_KEY"] = await visitor.add_agent("letter-writer")
        running = {
            name: asyncio.ensure_future(start_example(name, environment | keys["newcomer"], tmp_path).communicate())
            for name in STORIES
        }
        writer = Script(EXAMPLES / "handoff_manager.py", ["writer"], environment | keys["writer"])
        writing = asyncio.ensure_future(writer.communicate())
        for name, (clicks, expected) in STORIES.items():
            for click in clicks:
                await do(visitor, click)
            out, err = await running[name]
            assert expected in out, (name, err)
        assert (await writing)[0] == b"Published: 2 sources, for the supervisor\n"


async def do(visitor: Visitor, click: Click) -> None:
    card: Message = await visitor.card(click.title)
    await visitor.read(click.user, card)
    if click.answer:
        assert (await visitor.slack.click(click.user, card, click.answer)).ok
    else:
        await visitor.give(click.user, card, click.verb, click.words)


def start_example(name: str, environment: Mapping[str, str], folder: Path) -> Script:
    keeps_files = name in ("database_writer.py", "durable_agent.py")
    return Script(EXAMPLES / name, [str(folder / name)] if keeps_files else [], environment)
