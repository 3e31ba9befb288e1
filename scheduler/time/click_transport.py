"""`ClickTransport`: how clicks reach the service (HTTP or Socket Mode), and the proof that they can."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple, Protocol


class Proof(NamedTuple):
    """A moment at which a click could have arrived and been executed, by the business clock and by the real one."""

    at: datetime
    real: float


class ClickTransport(Protocol):
    @property
    def sockets(self) -> int:
        """The number of Socket Mode connections of this process."""

    @property
    def hears(self) -> bool | None:
        """Whether clicks can reach this process; None if it does not know."""

    async def prove(self, *, wanted: bool, again: bool, pending: bool) -> Proof | None:
        """Return the newest proof. `wanted`: a package waits for silence; `pending`: any package waits.

        `again`: even if a proof is new.
        """
