"""What the agents say and which turn each story has reached, kept for the page and for a restart."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable
from datetime import datetime
from typing import Literal

from bot.demo.journal import Entry, Journal
from playground.model.changes import Changes
from rules.record.chain import rfc3339

Kind = Literal["sent", "received", "did", "error"]
MAX_LINES = 200  # of each agent


class Diary:
    def __init__(self, journal: Journal, clock: Callable[[], datetime]) -> None:
        self._journal, self._clock = journal, clock
        self.changes = Changes()
        self._lines: dict[str, deque[Entry]] = defaultdict(lambda: deque(maxlen=MAX_LINES))
        self._turns: dict[str, Entry] = {}
        for entry in journal.entries():
            self._add(entry)
        journal.shorten(self._all_entries())

    def lines(self, agent: str) -> list[Entry]:
        """Oldest first: time, kind and text."""
        return [{name: line[name] for name in ("at", "kind", "text")} for line in self._lines[agent]]

    def turn(self, story: str) -> tuple[int, bool]:
        """The number of the latest turn, and whether it is over."""
        entry = self._turns.get(story, {"turn": 0, "over": True})
        return entry["turn"], entry["over"]

    def tell(self, agent: str, kind: Kind, text: str) -> None:
        self._write({"agent": agent, "at": rfc3339(self._clock()), "kind": kind, "text": text})

    def mark_turn(self, story: str, turn: int, *, over: bool) -> None:
        self._write({"story": story, "turn": turn, "over": over})

    def _write(self, entry: Entry) -> None:
        self._add(entry)
        self._journal.append(entry)
        self.changes.announce("diary.written")

    def _add(self, entry: Entry) -> None:
        if "story" in entry:
            self._turns[entry["story"]] = entry
        else:
            self._lines[entry["agent"]].append(entry)

    def _all_entries(self) -> list[Entry]:
        return [*self._turns.values(), *(line for lines in self._lines.values() for line in lines)]
