"""Slack's condition as chosen on the page: well, slow, rate limited or down."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from playground.api.socket_mode import Sockets
from playground.model.workspace import Workspace

SLOW = 2.0  # seconds before each answer
RATE_LIMITED_FOR = 30  # seconds during which every call gets a 429


class Condition(StrEnum):
    WELL = "well"
    SLOW = "slow"
    LIMITED = "limited"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class SlackCondition:
    """One condition at a time. It is read from the faults themselves, which tests may change too."""

    slack: Workspace
    sockets: Sockets

    def change(self, condition: Condition) -> None:
        faults = self.slack.faults
        faults.clear()
        faults.refusing = condition is Condition.DOWN
        match condition:
            case Condition.SLOW:
                faults.slow(None, seconds=SLOW, times=None)
            case Condition.LIMITED:
                faults.rate_limited(seconds=RATE_LIMITED_FOR)
            case Condition.DOWN:
                self.sockets.drop()
            case Condition.WELL:
                pass
        self.slack.changes.announce("condition.changed")


def condition_of(slack: Workspace) -> dict[str, Any]:
    """`left` is the number of seconds until the limit ends."""
    if slack.faults.refusing:
        return {"kind": Condition.DOWN}
    for fault in slack.faults:
        if fault.method is None and fault.until is not None and fault.until > slack.clock():
            return {"kind": Condition.LIMITED, "left": slack.faults.limited_for(fault)}
        if fault.method is None and fault.seconds:
            return {"kind": Condition.SLOW}
    return {"kind": Condition.WELL}
