"""How a terminal is written to: aligned columns, times in UTC, and no character that would move the cursor."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

WIDTH = 80
GAP = "  "


def iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ")


def plain(text: str) -> str:
    """What others wrote, without what a terminal would take for a command and a reader could not see."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"


def table(titles: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Columns as wide as they need; numbers stand to the right, and what is too long at the end is cut."""
    written = [[str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(titles, *written, strict=True)]
    right = [bool(rows) and all(isinstance(row[at], int) for row in rows) for at in range(len(titles))]
    lines = (GAP.join(map(_aligned, line, widths, right)) for line in (titles, *written))
    return "\n".join(cut(line.rstrip(), WIDTH) for line in lines)


def _aligned(cell: str, width: int, right: bool) -> str:  # noqa: FBT001 - one of three columns side by side
    return cell.rjust(width) if right else cell.ljust(width)


def as_json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
