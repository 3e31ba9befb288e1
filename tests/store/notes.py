"""The least that can be written down: a table of numbers, and somebody who holds up whoever comes by."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

from sqlalchemy import Connection, text

MAKE = "CREATE TABLE notes (number integer PRIMARY KEY)"
ADD = text("INSERT INTO notes VALUES (:number)")


def note(number: int) -> Any:
    return lambda connection: connection.execute(ADD, {"number": number}) and number


def notes(connection: Connection) -> list[int]:
    return list(connection.execute(text("SELECT number FROM notes ORDER BY number")).scalars())


class Hold:
    """Stops whoever comes by until they are let go: what stands behind them is then known to wait."""

    def __init__(self) -> None:
        self._reached, self._free = threading.Event(), threading.Event()

    def here(self, _: Any) -> int:
        self._reached.set()
        return int(self._free.wait(20))

    async def reached(self) -> None:
        assert await asyncio.to_thread(self._reached.wait, 20)

    def let_go(self) -> None:
        self._free.set()
