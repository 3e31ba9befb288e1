"""A parsed `/reviews` command."""

from __future__ import annotations

import re
from dataclasses import dataclass

USER = re.compile(r"<@([UW][A-Z0-9]{1,20})(?:\|[^>]*)?>")


@dataclass(frozen=True, slots=True)
class Request:
    """The words after `/reviews`, and who typed them. `request_id` is unique to this command."""

    user_id: str
    words: tuple[str, ...]
    request_id: str

    @property
    def first(self) -> str:
        return self.words[0] if self.words else ""

    @property
    def user(self) -> str | None:
        """The first person mentioned."""
        return next((match[1] for word in self.words if (match := USER.fullmatch(word))), None)
