"""The path of clicks into the service (HTTP or Socket Mode), and the proof that it works."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple, Protocol


class Proof(NamedTuple):
    """A moment at which a click could have arrived and been executed, by the business clock and by the real one."""

    at: datetime
    real: float


class WayIn(Protocol):
    @property
    def sockets(self) -> int:
        """The number of Socket Mode connections of this process."""

    async def look(self, *, wanted: bool, again: bool) -> Proof | None:
        """The newest proof. `wanted`: a package waits for silence. `again`: prove it again, however new it is."""
