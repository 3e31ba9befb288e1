"""A calendar month in UTC, as a report names it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple, Self


class Month(NamedTuple):
    year: int
    number: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """A month such as 2026-11. Raises ValueError."""
        day = date.fromisoformat(f"{text}-01")
        if f"{day:%Y-%m}" != text or day.year in (date.min.year, date.max.year):
            raise ValueError(text)  # the months beside it must be in the calendar, too
        return cls(day.year, day.month)

    @property
    def begin(self) -> datetime:
        return datetime(self.year, self.number, 1, tzinfo=UTC)

    @property
    def end(self) -> datetime:
        """The first moment after it."""
        later = self.begin + timedelta(days=31)
        return later.replace(day=1)

    @property
    def before(self) -> Month:
        earlier = self.begin - timedelta(days=1)
        return Month(earlier.year, earlier.month)

    @property
    def name(self) -> str:
        return f"{self.begin:%B %Y}"

    def __str__(self) -> str:
        return f"{self.begin:%Y-%m}"
