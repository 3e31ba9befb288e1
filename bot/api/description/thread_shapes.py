"""Models of the answers about threads, as in `bot.api.description.shapes`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from bot.api.description.handoff_shapes import HandoffSummary
from bot.api.description.shapes import Count, PackageId, Reply
from rules.state.decisions import ExecutionState
from rules.state.model import Status


class ThreadPerson(Reply):
    """Who gave the last command."""

    reviewer_id: str
    name: str


class ThreadPackage(Reply):
    """A package of the thread."""

    decision_package_id: PackageId
    action_type: str
    status: Status
    execution: ExecutionState
    revision: Annotated[int, Field(ge=1)]


class ThreadDocument(Reply):
    """A thread: whether its agent may go on, and how."""

    thread_id: str
    state: Literal["running", "held", "cancelled", "taken_over"]
    """Go on only if it is `running`. `held` and `taken_over` end, `cancelled` does not."""
    owner_agent: str
    """The id of the agent that owns it."""
    reason: str | None
    """Why it was held or cancelled, in the person's words."""
    instruction: str | None
    """What the person who resumed it asks for."""
    modified_state: dict[str, Any] | None
    """The state from which to go on instead of the agent's own."""
    resume_checkpoint_id: str | None
    """The checkpoint from which to go on."""
    latest_checkpoint_id: str | None
    """The newest checkpoint that was reported."""
    rollback_requested: bool
    """Whether the person who cancelled it asks to undo what was done."""
    since: datetime | None
    by: ThreadPerson | None
    agent_message: str
    """What to do now, in one sentence."""
    packages: list[ThreadPackage]
    """The agent's packages in this thread, newest first."""
    handoffs: list[HandoffSummary]
    """The thread's handoffs, newest first: all that are open, and the latest 20."""
    revision: Count
    """It is also the `ETag`. 0 until the thread is given its first command."""


class ThreadHistory(Reply):
    """A page of the events of the thread and of the agent's packages in it, oldest first."""

    events: list[dict[str, Any]]
    next_cursor: str | None
    """Send it as `cursor` to get the next page. Null on the last page."""
