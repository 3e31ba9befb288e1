"""Lines of a CSV that a spreadsheet can open without running anything."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from typing import Any

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


class _LineReturner:
    """A file-like object that makes `csv.writer` return each line instead of writing it."""

    def write(self, line: str) -> str:
        return line


_WRITER = csv.writer(_LineReturner())  # default line endings: with others it leaves a carriage return unquoted


def csv_line(values: Iterable[Any]) -> str:
    line: str = _WRITER.writerow([_cell(value) for value in values])
    return line


def _cell(value: Any) -> str:
    if value is None:
        return ""
    text = json.dumps(value) if isinstance(value, dict | list) else str(value)
    # A spreadsheet would run such text as a formula.
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
