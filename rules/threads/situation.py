"""`ThreadSituation`: everything that a command for a thread depends on besides the thread. The caller passes it in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from rules.people.directory import Actor, Agent, Roster
from rules.policy.model import Policy
from rules.state.model import PackageState


class Permit(NamedTuple):
    """A package, the parameters of its present version, and the handoff that it allowed already."""

    state: PackageState
    parameters: Mapping[str, Any]
    used_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadSituation:
    """`packages`: the thread's packages, the newest first. `fresh_id`: the random part of the event's id.

    `recent_checkpoints`: when the agent reported checkpoints within the last minute, in any thread, oldest first.
    For handoffs: `agents` are those that take part, by id; `target` is the one to which the thread is offered; `permit`
    is the package by which people allowed it; `parties` are named in the packages of the thread's agents;
    `open_packages` is how many the agent has that accepts; `recent_offers`: when the agent offered, within the minute.
    """

    roster: Roster
    now: datetime
    fresh_id: str
    actor: Actor
    packages: tuple[PackageState, ...] = ()
    recent_checkpoints: tuple[datetime, ...] = ()
    agents: Mapping[str, Agent] = field(default_factory=dict)
    target: Agent | None = None
    permit: Permit | None = None
    parties: tuple[str, ...] = ()
    open_packages: int = 0
    recent_offers: tuple[datetime, ...] = ()

    @property
    def policy(self) -> Policy:
        return self.roster.policy
