"""The models of a callback's body, as in `bot.api.description.shapes`: one for each thing that it can be about."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from bot.api.description.handoff_shapes import HandoffDocument
from bot.api.description.shapes import Reply, StatusDocument
from bot.api.description.thread_shapes import ThreadDocument


class CallbackBody(Reply):
    """The body of a callback about a package."""

    type: Annotated[str, Field(pattern=r"^package\.[a-z_]+$")]
    """`package.` and the new status, or `escalated`, `message`, `held`, `resumed`, `retry_allowed`, `closed` …"""
    timestamp: datetime
    """When it happened."""
    data: StatusDocument


class ThreadCallbackBody(Reply):
    """The body of a callback about a thread."""

    type: Annotated[str, Field(pattern=r"^thread\.[a-z_]+$")]
    """`thread.held`, `thread.resumed` or `thread.cancelled`."""
    timestamp: datetime
    """When it happened."""
    data: ThreadDocument


class HandoffCallbackBody(Reply):
    """The body of a callback about a handoff."""

    type: Annotated[str, Field(pattern=r"^handoff\.[a-z_]+$")]
    """`handoff.` and the new status."""
    timestamp: datetime
    """When it happened."""
    data: HandoffDocument
