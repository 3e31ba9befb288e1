"""Models of the answers of `/healthz` and `/readyz`, as in `bot.api.description.shapes`.

They describe and do not serve: `bot.api.operations` builds the answers as plain objects. The text below a field becomes
its description in `/openapi.json`.
"""

from __future__ import annotations

from typing import Literal

from bot.api.description.shapes import Reply


class Health(Reply):
    """The process answers."""

    status: str


class Undelivered(Reply):
    """A place in Slack where cards cannot be shown until someone fixes it."""

    place: str
    error: str
    """Slack's error code."""


class Callbacks(Reply):
    """Undelivered callbacks. A waiting one comes after another callback of the same package."""

    due: int
    waiting: int
    dead: int
    closed_addresses: int
    """Addresses that answered 410. Nothing is sent there until an operator enables them."""


class Email(Reply):
    """Whether any process of the service sends mails, and how many are not sent yet."""

    on: bool
    waiting: int
    """News for people that is in no mail yet."""
    due: int
    """Mails to send, or to send again."""
    dead: int
    """Mails given up after too many failed attempts."""


class FeedState(Reply):
    """How far a receiver of the operators' feed is."""

    behind: int | None = None
    """Events that it has not taken yet. Like the other numbers, missing if the feed has not begun."""
    lag_seconds: int | None = None
    """How long ago the oldest of them occurred."""
    held: int | None = None
    """Packages and threads that wait, because it took other events and not their next one."""
    lost: int | None = None
    """Events that were given up, because it took others and not these."""
    trouble: str | None = None
    """Since when it takes nothing, and why."""


class Posture(Reply):
    """The policy in force, and what prevents approvals now."""

    policy_version: str
    soft_approval: bool
    frozen: bool
    tenant_id: str
    slack: str
    """`ok`, `not configured`, or why the last call to Slack failed."""
    socket: Literal["connected", "not connected"] | None = None
    """Only with Socket Mode."""
    socket_trouble: str | None = None
    """Why Slack refuses the connection, and what to do."""
    slack_away_since: str | None = None
    """Since when nobody can decide in Slack: it does not answer, no click arrives, or it takes no card."""
    silence: str | None = None
    """`counts` while objections provably arrive. Otherwise why not, and what to set."""
    directory_trouble: str | None = None
    """Why the people could not be read from Slack."""
    undelivered: list[Undelivered] | None = None
    callbacks: Callbacks
    email: Email
    feed: dict[str, FeedState]
    """By receiver, `webhook` and `file`; empty if the feed is off."""


class Readiness(Reply):
    """Whether the database answers and the policy in force can be read, and the posture."""

    ready: bool
    checks: dict[str, str]
    posture: Posture | None = None
