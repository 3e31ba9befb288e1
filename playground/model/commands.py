"""A slash command as the app's manifest declares it."""

from __future__ import annotations

from typing import NamedTuple


class Command(NamedTuple):
    name: str
    hint: str = ""
    description: str = ""
