"""Text for a terminal: aligned tables, times in UTC, and no control characters.

Text that agents or people wrote must pass through `plain`: it could otherwise control the terminal.
"""

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
    """Replace control and invisible characters in text from outside."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"


def table(titles: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Align the columns, numbers to the right. Lines are cut to the width of a terminal."""
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(titles, *cells, strict=True)]
    right = [bool(rows) and all(isinstance(row[column], int) for row in rows) for column in range(len(titles))]
    lines = (GAP.join(map(_align, line, widths, right)) for line in (titles, *cells))
    return "\n".join(cut(line.rstrip(), WIDTH) for line in lines)


def _align(cell: str, width: int, right: bool) -> str:  # noqa: FBT001 - one of three columns side by side
    return cell.rjust(width) if right else cell.ljust(width)


def as_json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
