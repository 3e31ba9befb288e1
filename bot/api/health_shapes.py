"""Models of the answers of `/healthz` and `/readyz`, as in `bot.api.shapes`."""

from __future__ import annotations

from typing import Literal

from bot.api.shapes import Reply


class Health(Reply):
    """The process answers."""

    status: str


class Undelivered(Reply):
    """A place in Slack where nothing can be shown until somebody mends it."""

    place: str
    error: str
    """In Slack's own word."""


class Callbacks(Reply):
    """What agents were to be told and were not. What waits does so for one of the same package that goes before it."""

    due: int
    waiting: int
    dead: int
    closed_addresses: int
    """That answered 410, and to which nothing is sent until an operator says so."""


class Posture(Reply):
    """By which policy, and what holds back approvals now."""

    policy_version: str
    soft_approval: bool
    frozen: bool
    tenant_id: str
    slack: str
    """`ok`, `not configured`, or what kept Slack from answering the last call."""
    socket: Literal["connected", "not connected"] | None = None
    """Only in Socket Mode."""
    socket_trouble: str | None = None
    """Why Slack refuses the connection, if it does, and what to do."""
    silence: str | None = None
    """`counts` while an objection can be proven to arrive; else why it cannot, and what to set."""
    directory_trouble: str | None = None
    """Why Slack's people could not be read, if they could not."""
    undelivered: list[Undelivered] | None = None
    callbacks: Callbacks


class Readiness(Reply):
    """Whether the database answers and the policy in force can be read, and how things stand."""

    ready: bool
    checks: dict[str, str]
    posture: Posture | None = None
