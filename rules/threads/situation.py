"""`ThreadSituation`: everything that a command for a thread depends on besides the thread. The caller passes it in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from rules.people.directory import Actor, Roster
from rules.policy.model import Policy
from rules.state.model import PackageState


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadSituation:
    """`packages`: the thread's packages, the newest first. `fresh_id`: the random part of the event's id.

    `recent_checkpoints`: when the agent reported checkpoints within the last minute, in any thread, oldest first.
    """

    roster: Roster
    now: datetime
    fresh_id: str
    actor: Actor
    packages: tuple[PackageState, ...] = ()
    recent_checkpoints: tuple[datetime, ...] = ()

    @property
    def policy(self) -> Policy:
        return self.roster.policy
