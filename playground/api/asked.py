"""One call of the Web API: what was asked, by its names, and what it takes to be allowed."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from playground.model.refusals import RefusedError, invalid_arguments
from playground.model.workspace import Workspace

Answer = dict[str, Any]
MOST = 1000


@dataclass(frozen=True, slots=True)
class Asked:
    slack: Workspace
    arguments: Mapping[str, Any]

    def text(self, name: str, default: str = "") -> str:
        given = self.arguments.get(name)
        return default if given is None else str(given)

    def required(self, name: str) -> str:
        given = self.text(name)
        if not given:
            raise invalid_arguments(f"missing required field: {name}")
        return given

    def flag(self, name: str, *, default: bool = False) -> bool:
        given = self.arguments.get(name)
        return default if given is None else str(given).lower() in {"1", "true"}

    def number(self, name: str, default: int) -> int:
        given = self.text(name, str(default))
        if not given.isdigit():
            raise RefusedError("invalid_limit" if name == "limit" else "invalid_arguments")
        return int(given)

    def parsed(self, name: str, error: str = "invalid_json") -> Any:
        """A structure: JSON where it came in a form, and sometimes also within JSON."""
        given = self.arguments.get(name)
        if not isinstance(given, str):
            return given
        if not given:
            return None
        try:
            return json.loads(given)
        except ValueError:
            raise RefusedError(error) from None

    def need(self, *scopes: str) -> None:
        """One of these scopes."""
        if not self.slack.scopes.intersection(scopes):
            provided = ",".join(sorted(self.slack.scopes))
            raise RefusedError("missing_scope", needed=",".join(scopes), provided=provided)

    def page(self, items: Sequence[Any], default: int = MOST) -> tuple[list[Any], dict[str, Any]]:
        """A page of a list, and the metadata that names the next one. A limit of 0 is none."""
        start, limit = _start(self.text("cursor")), min(self.number("limit", default) or default, MOST)
        following = start + limit
        cursor = _cursor(following) if following < len(items) else ""
        return list(items[start:following]), {"next_cursor": cursor}


def _cursor(start: int) -> str:
    return base64.b64encode(f"next:{start}".encode()).decode()


def _start(cursor: str) -> int:
    if not cursor:
        return 0
    try:
        return int(base64.b64decode(cursor, validate=True).decode().removeprefix("next:"))
    except (ValueError, binascii.Error):
        raise RefusedError("invalid_cursor") from None


@dataclass(frozen=True, slots=True)
class Method:
    """How a call is answered, one of which scopes it needs before anything is looked at, and its tier."""

    answer: Callable[[Asked], Answer]
    tier: str
    scopes: tuple[str, ...] = ()
    app_level: bool = False
