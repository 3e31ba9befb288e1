"""Why someone gets a mail."""

from __future__ import annotations

from rules.string_enum import StringEnum


class MailReason(StringEnum):
    """The gravest first."""

    TAKEOVER = "takeover"
    LAST_RUNG = "last_rung"
    CRITICAL = "critical"
    FAILED = "failed"
    UNKNOWN = "unknown"
    WAITING = "waiting"
    UNINSTALLED = "uninstalled"
