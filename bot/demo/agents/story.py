"""A story: what an agent does, and its texts for people."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.demo.agents.agent import Agent


@dataclass(frozen=True, slots=True)
class Story:
    """`title` and `description` are for people; `agent` is the name on the cards, `helper` that of a second agent.

    `begins` is the person to act as first, and the channel of the card; None if nobody is asked. A story that `waits`
    starts only when a visitor opens it.
    """

    name: str
    agent: str
    title: str
    description: str
    run: Callable[[Agent], Awaitable[None]]
    begins: tuple[str, str] | None = None
    waits: bool = False
    helper: str | None = None

    @property
    def agents(self) -> tuple[str, ...]:
        return (self.agent, self.helper) if self.helper else (self.agent,)
