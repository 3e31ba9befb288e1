"""`Statistics`: what waits, and the measures of a period. The store counts; Slack and the terminal show them.

`store.oversight` fills it, from counts by group. The weeks of a period are computed here, so that all places cut them
alike: Monday to Sunday, in UTC.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from rules.oversight.measures import Figures
from rules.scales import HITLLevel
from rules.string_enum import StringEnum
from rules.values import Moment, Value

_WEEK = timedelta(days=7)
MAX_WEEKS = 53


class Age(StringEnum):
    """How long a package has been waiting since it was submitted."""

    UNDER_1H = "<1h"
    UNDER_4H = "1h-4h"
    UNDER_24H = "4h-24h"
    UNDER_3D = "1d-3d"
    OLDER = ">3d"


class Waiting(Value):
    """The number of packages of this level and age that wait for people."""

    level: HITLLevel
    age: Age
    count: int


class Grouping(StringEnum):
    """By what the measures of a period can be divided. `tier`: by risk; `reviewer`: by the people who decided."""

    AGENT = "agent"
    TYPE = "type"
    ROLE = "role"
    TIER = "tier"
    WEEK = "week"
    REVIEWER = "reviewer"


NAMES_ARE_OFF = (
    "The policy does not let reports name reviewers. Whoever decides on the policy can set `names = true` in "
    "`[oversight]`. Each such report is then recorded with its reader."
)


class Group(Value):
    """The measures of one agent, action type, role, tier, week or reviewer."""

    name: str
    figures: Figures


class Statistics(Value):
    """What was waiting at `until`, and the measures of the packages that ended after `since` and up to `until`."""

    since: Moment
    until: Moment
    pending: tuple[Waiting, ...] = ()
    figures: Figures = Figures()
    by: Grouping | None = None
    groups: tuple[Group, ...] = ()

    @property
    def waiting(self) -> int:
        return sum(waiting.count for waiting in self.pending)


class Week(NamedTuple):
    """A week from Monday to Sunday in UTC, by its number in ISO 8601, such as 2026-W48. It ends before `end`."""

    name: str
    end: datetime


EARLIER = "earlier"  # stands for all weeks before the last `MAX_WEEKS`


def weeks_between(since: datetime, until: datetime) -> list[Week]:
    """The weeks that the period touches, oldest first."""
    monday = _monday(until)
    weeks: list[Week] = []
    while len(weeks) < MAX_WEEKS and monday + _WEEK > since:
        year, number, _ = monday.isocalendar()
        weeks.append(Week(f"{year}-W{number:02d}", monday + _WEEK))
        monday -= _WEEK
    earlier = [Week(EARLIER, monday + _WEEK)] if monday + _WEEK > since else []
    return [*earlier, *reversed(weeks)]


def _monday(moment: datetime) -> datetime:
    midnight = moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight - timedelta(days=midnight.weekday())
