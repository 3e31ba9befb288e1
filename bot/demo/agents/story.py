"""A story: what an agent sets out to do, and the agent that does it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.demo.agents.agent import Agent


@dataclass(frozen=True, slots=True)
class Story:
    """`title` and `what` are for people; `agent` is the name that stands on the cards.

    `begins` is the person as whom one tries it first, and the channel of its card; None where nobody is asked.
    """

    name: str
    agent: str
    title: str
    what: str
    run: Callable[[Agent], Awaitable[None]]
    begins: tuple[str, str] | None = None
