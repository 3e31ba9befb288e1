"""The two kinds of refusal: by Slack's server, and by a person's client."""

from __future__ import annotations

from typing import Any


class RefusedError(Exception):
    """Slack answers `{"ok": false, "error": …}`."""

    def __init__(self, error: str, **fields: Any) -> None:
        super().__init__(error)
        self.error, self.fields = error, fields

    def answer(self) -> dict[str, Any]:
        return {"ok": False, "error": self.error, **self.fields}


class NotPossibleError(Exception):
    """A person cannot do this in their Slack: the element is missing, or the client does not allow it."""


def invalid_arguments(*messages: str) -> RefusedError:
    return RefusedError(
        "invalid_arguments", response_metadata={"messages": [f"[ERROR] {message}" for message in messages]}
    )
