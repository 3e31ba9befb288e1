"""What the doctor says of each thing: that it is well, what is wrong, or why it could not be looked at."""

from __future__ import annotations

from typing import NamedTuple

MISSING_SCOPE = "Slack does not show it without the scope that is missing"


class Finding(NamedTuple):
    """With a fault, what to do about it. `unseen` says why it was not looked at: then nothing is known of it."""

    what: str
    fault: str | None = None
    fix: str = ""
    unseen: str | None = None

    def lines(self) -> list[str]:
        if self.fault:
            return [f"fault  {self.what}: {self.fault}", f"fix:   {self.fix}"]
        return [f"skip   {self.what}: {self.unseen}" if self.unseen else f"ok     {self.what}"]
