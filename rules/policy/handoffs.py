"""`[handoffs]`: which agents may hand a thread over to which others, and what a person must allow first."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from rules.policy.types import PositiveDuration
from rules.values import Value

ANY_AGENT = "*"
AgentName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]


class AllowedHandoff(Value):
    """`agent` may hand over to each of `to`: names of agents, or `*` for every agent."""

    agent: AgentName
    to: tuple[AgentName, ...] = Field(min_length=1)
    modes: tuple[Literal["peer", "delegate"], ...] = ("peer", "delegate")
    needs_person: bool = False

    def covers(self, giver: str, target: str, mode: str) -> bool:
        names_both = self.agent in (giver, ANY_AGENT) and not {target, ANY_AGENT}.isdisjoint(self.to)
        return names_both and mode in self.modes


class Handoffs(Value):
    """Agents of one owner may always hand over to each other; other agents only by one of these lines.

    `answer_within`: how long an offer waits. `return_within`: how long a delegate may keep a thread.
    """

    allow: tuple[AllowedHandoff, ...] = ()
    answer_within: PositiveDuration = timedelta(hours=1)
    return_within: PositiveDuration = timedelta(days=7)

    def lines(self, giver: str, target: str, mode: str) -> tuple[AllowedHandoff, ...]:
        return tuple(line for line in self.allow if line.covers(giver, target, mode))
