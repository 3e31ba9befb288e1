"""The two ways in which something is refused: by Slack's server, and by the client in a person's hand."""

from __future__ import annotations

from typing import Any


class RefusedError(Exception):
    """Slack's answer is `{"ok": false, "error": …}`."""

    def __init__(self, error: str, **fields: Any) -> None:
        super().__init__(error)
        self.error, self.fields = error, fields

    def answer(self) -> dict[str, Any]:
        return {"ok": False, "error": self.error, **self.fields}


class NotPossibleError(Exception):
    """A person cannot do this in their Slack: what they would press is not there, or the client does not let them."""


def invalid_arguments(*messages: str) -> RefusedError:
    return RefusedError("invalid_arguments", response_metadata={"messages": [f"[ERROR] {each}" for each in messages]})
