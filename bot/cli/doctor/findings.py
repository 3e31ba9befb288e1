"""The result of one check of the doctor: ok, a warning, a fault, or skipped."""

from __future__ import annotations

from typing import NamedTuple

MISSING_SCOPE = "Slack does not show it without the scope that is missing"


class Finding(NamedTuple):
    """`fix` says what to do about the `fault` or the `warning`. `unseen` says why the check was skipped.

    The service works in spite of a `warning`.
    """

    subject: str
    fault: str | None = None
    fix: str = ""
    unseen: str | None = None
    warning: str | None = None

    def lines(self) -> list[str]:
        if self.fault:
            return [f"fault  {self.subject}: {self.fault}", f"fix:   {self.fix}"]
        if self.warning:
            return [f"warn   {self.subject}: {self.warning}", f"fix:   {self.fix}"]
        return [f"skip   {self.subject}: {self.unseen}" if self.unseen else f"ok     {self.subject}"]
