"""How clicks come in: what proves that one could have, and when."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple, Protocol


class Proof(NamedTuple):
    """A moment at which a click could have come in and been carried out, by the business clock and by the real one."""

    at: datetime
    real: float


class WayIn(Protocol):
    @property
    def sockets(self) -> int:
        """How many connections of Slack's Socket Mode this process holds."""

    async def look(self, *, wanted: bool, again: bool) -> Proof | None:
        """The newest proof. `wanted`: a package waits for silence. `again`: prove it once more, however new it is."""
