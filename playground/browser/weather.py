"""Slack's condition as chosen on the page: well, slow, rate limited or down."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from playground.api.socket_mode import Sockets
from playground.model.workspace import Workspace

SLOW = 2.0  # seconds before each answer
PATIENCE = 30  # seconds during which every call gets a 429


class Kind(StrEnum):
    WELL = "well"
    SLOW = "slow"
    LIMITED = "limited"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class Weather:
    """One condition at a time. It is read from the faults themselves, which tests may change too."""

    slack: Workspace
    sockets: Sockets

    def turn(self, kind: Kind) -> None:
        faults = self.slack.faults
        faults.clear()
        faults.refusing = kind is Kind.DOWN
        match kind:
            case Kind.SLOW:
                faults.slow(None, seconds=SLOW, times=None)
            case Kind.LIMITED:
                faults.rate_limited(seconds=PATIENCE)
            case Kind.DOWN:
                self.sockets.drop()
            case Kind.WELL:
                pass
        self.slack.changes.announce("weather.changed")


def weather_of(slack: Workspace) -> dict[str, Any]:
    """`left` is the number of seconds until the limit ends."""
    if slack.faults.refusing:
        return {"kind": Kind.DOWN}
    for fault in slack.faults:
        if fault.method is None and fault.until is not None and fault.until > slack.clock():
            return {"kind": Kind.LIMITED, "left": slack.faults.limited_for(fault)}
        if fault.method is None and fault.seconds:
            return {"kind": Kind.SLOW}
    return {"kind": Kind.WELL}
