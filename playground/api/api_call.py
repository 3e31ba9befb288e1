"""One call of the Web API: its arguments, and the scopes it needs.

A method is a function of an `ApiCall` that returns the answer without `ok`, or raises `RefusedError` with Slack's error
code. Arguments arrive as a form or as JSON, so each is read with its type.
"""

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
MAX_PAGE = 1000


@dataclass(frozen=True, slots=True)
class ApiCall:
    slack: Workspace
    arguments: Mapping[str, Any]

    def text(self, name: str, default: str = "") -> str:
        value = self.arguments.get(name)
        return default if value is None else str(value)

    def required_text(self, name: str) -> str:
        value = self.text(name)
        if not value:
            raise invalid_arguments(f"missing required field: {name}")
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        value = self.arguments.get(name)
        return default if value is None else str(value).lower() in {"1", "true"}

    def number(self, name: str, default: int) -> int:
        value = self.text(name, str(default))
        if not value.isdigit():
            raise RefusedError("invalid_limit" if name == "limit" else "invalid_arguments")
        return int(value)

    def parse(self, name: str, error: str = "invalid_json") -> Any:
        """A structure. It is JSON text in a form, and sometimes also inside a JSON body."""
        value = self.arguments.get(name)
        if not isinstance(value, str):
            return value
        if not value:
            return None
        try:
            return json.loads(value)
        except ValueError:
            raise RefusedError(error) from None

    def need(self, *scopes: str) -> None:
        """Refuse the call unless the token has one of these scopes."""
        if not self.slack.scopes.intersection(scopes):
            provided = ",".join(sorted(self.slack.scopes))
            raise RefusedError("missing_scope", needed=",".join(scopes), provided=provided)

    def page(self, items: Sequence[Any], default: int = MAX_PAGE) -> tuple[list[Any], dict[str, Any]]:
        """One page of a list, and the metadata that names the next one. A limit of 0 means the default."""
        start, limit = _start(self.text("cursor")), min(self.number("limit", default) or default, MAX_PAGE)
        end = start + limit
        cursor = _cursor(end) if end < len(items) else ""
        return list(items[start:end]), {"next_cursor": cursor}


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
    """The function that answers a call, the rate tier, and the scopes (any one is enough). `public`: no token."""

    answer: Callable[[ApiCall], Answer]
    tier: str
    scopes: tuple[str, ...] = ()
    app_level: bool = False
    public: bool = False
