"""Roles of reviewers and their working hours."""

from __future__ import annotations

from datetime import time
from fnmatch import fnmatchcase
from typing import Literal, Self
from zoneinfo import ZoneInfo

from pydantic import model_validator

from rules.policy.types import ChannelId, Day, GroupId, Name, Pattern, TimeOfDay, UserId
from rules.scales import RiskLevel
from rules.values import CrossFieldError, Value


class WorkingHours(Value):
    """The working hours of a role. Silence counts only during these hours."""

    timezone: str = "UTC"
    days: tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...] = ("mon", "tue", "wed", "thu", "fri")
    start: TimeOfDay = time(9)
    end: TimeOfDay = time(17)
    holidays: tuple[Day, ...] = ()

    @model_validator(mode="after")
    def _check_hours(self) -> Self:
        try:
            ZoneInfo(self.timezone)
        except (KeyError, ValueError, OSError):
            raise CrossFieldError((("timezone",), "is unknown; write one such as Europe/Berlin")) from None
        if self.start >= self.end:
            raise CrossFieldError((("start",), f"must come before end, which is {self.end:%H:%M}"))
        return self


class Role(Value):
    """A role of reviewers: who holds it, for which action types, and up to which risk."""

    members: tuple[UserId, ...] = ()
    groups: tuple[GroupId, ...] = ()
    includes: tuple[Name, ...] = ()
    scopes: tuple[Pattern, ...] = ("*",)
    max_risk: RiskLevel = RiskLevel.MEDIUM
    channel: ChannelId | None = None
    hours: WorkingHours | None = None

    def covers(self, action_type: str) -> bool:
        """Whether the scopes match. Unlike the catalogue, case-sensitive: authority reaches no further than written."""
        return any(fnmatchcase(action_type, scope) for scope in self.scopes)
