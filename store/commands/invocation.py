"""What goes down the road: a command, by whom and when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from rules.people.directory import AUTO, Actor
from rules.reasons import Refusal
from rules.state.commands import Command


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """A command and who gives it. `agent_id` is set for what an agent asks: it reaches only its own packages.

    A trial asks whether it could be given. Where not, that is answered and kept as for the command itself; else
    nothing happens: before somebody writes a reason, they learn whether they may decide at all.
    `barred` is a refusal that the edge has found before any rule: the command is recorded as refused, for that reason.
    `request` names the request that brought it, so that the same one sent again is known.
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
