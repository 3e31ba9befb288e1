"""Models of the answers about handoffs, as in `bot.api.description.shapes`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bot.api.description.shapes import PackageId, Reply
from rules.threads.handoff import HandoffMode, HandoffStatus


class HandoffSummary(Reply):
    """A handoff of a thread, without its texts."""

    handoff_id: str
    status: HandoffStatus
    mode: HandoffMode
    from_agent: str | None
    """The name of the agent that gives the thread."""
    from_agent_id: str
    to_agent: str | None
    """The name of the agent that gets it."""
    to_agent_id: str
    offered_at: datetime
    due_at: datetime | None
    """Until when an offer must be answered, or a delegated thread returned."""
    decision_package_id: PackageId | None
    """The package by which people allowed it."""


class ListedHandoff(HandoffSummary):
    """A handoff in a list. Read it by its id for the states."""

    thread_id: str
    reason: str | None


class HandoffDocument(ListedHandoff):
    """A handoff: what the other agent must know, and its outcome. Retention may have erased its texts."""

    captured_state: dict[str, Any] | None
    user_context: dict[str, Any] | None
    decline_reason: str | None
    result: str | None
    result_state: dict[str, Any] | None


class HandoffList(Reply):
    """Handoffs: offers with the one first that waits longest; others with the newest first."""

    handoffs: list[ListedHandoff]
