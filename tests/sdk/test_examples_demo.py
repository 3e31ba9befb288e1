"""Each example runs against the demo with the demo's own policy and people."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rules.state.commands import Verb
from tests.bot.demo.visitor import GRAVE, RITA, SENTA, SUSAN, visiting
from tests.sdk.script_process import Script
from tests.sdk.test_examples import EXAMPLES

# By example: the title of its card, who approves it, what they enter, and what the example then prints.
STORIES: dict[str, tuple[str, tuple[str, ...], Any, bytes]] = {
    "quickstart.py": ("Send a receipt to a customer", (RITA,), None, b"receipt of order 456 sent to ada@example.com\n"),
    "email_agent.py": ("E-mail to ada@example.com", (RITA,), None, b"Email sent to ada@example.com"),
    "openai_agents.py": ("Send an e-mail to a customer", (RITA,), None, b"sent to ada@example.com: It comes today.\n"),
    "pydantic_ai_agent.py": ("Delete all that is known of a customer", (SENTA,), None, b"Ada is forgotten\n"),
    "database_writer.py": ("Delete customer record 42", (SENTA,), None, b"Deleted record 42\n"),
    "enforcement_notice.py": ("Send enforcement notice 456", (SENTA, SUSAN), GRAVE, b"Sent to ABC Foods: You are to"),
}


async def test_each_example_runs_against_the_demo(tmp_path: Path) -> None:
    assert sorted(STORIES) == sorted(path.name for path in EXAMPLES.glob("*.py"))
    async with visiting(tmp_path / "demo") as visitor:
        environment = os.environ | {
            "COUNTERSIGN_URL": visitor.demo.url,
            "COUNTERSIGN_AGENT_KEY": await visitor.add_agent(),
        }
        running = {
            name: asyncio.ensure_future(start_example(name, environment, tmp_path).communicate()) for name in STORIES
        }
        for name, (title, reviewers, words, expected) in STORIES.items():
            for user in reviewers:
                card = await visitor.card(title)
                await visitor.read(user, card)
                await visitor.give(user, card, Verb.APPROVE, words)
            out, err = await running[name]
            assert expected in out, (name, err)


def start_example(name: str, environment: Mapping[str, str], folder: Path) -> Script:
    return Script(EXAMPLES / name, [str(folder / "data")] if name == "database_writer.py" else [], environment)
