"""A story: what an agent sets out to do, and the agent that does it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.demo.agent import Agent


@dataclass(frozen=True, slots=True)
class Story:
    """`title` and `what` are for people; `agent` is the name that stands on the cards."""

    name: str
    agent: str
    title: str
    what: str
    run: Callable[[Agent], Awaitable[None]]
