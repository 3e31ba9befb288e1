"""A command together with who gives it and when."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime

from rules.people.directory import AUTO, Actor
from rules.reasons import Refusal
from rules.state.commands import Command
from rules.trace_context import TraceContext


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """A command and its context.

    `agent_id` is set if an agent gives the command: agents can access only their own packages.
    `content_digest` is that of the agent's request: another request with the same command id is refused.
    `chance` is a random number below 1 that picks packages for a second look. 1 picks none.
    `trial` only checks whether the command is allowed, so that people learn this before they write a reason. A refusal
    is recorded as usual; otherwise nothing is written.
    `barred` is a refusal by the API or Slack layer, before any rule runs. It is recorded like a refusal by a rule.
    `trace` is that of the agent's request, which a new package keeps.
    `request` identifies the HTTP or Slack request, so that a repeated one is recognized.
    """

    command: Command
    now: datetime
    actor: Actor = AUTO
    agent_id: str | None = None
    content_digest: str | None = None
    chance: float = 1.0
    trial: bool = False
    barred: Refusal | None = None
    request: str | None = None
    trace: TraceContext | None = None


def draw_chance() -> float:
    return random.random()  # noqa: S311 - picks packages for a second look: not a secret
