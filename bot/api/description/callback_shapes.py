"""The model of a callback's body, as in `bot.api.description.shapes`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from bot.api.description.handoff_shapes import HandoffDocument
from bot.api.description.shapes import Reply, StatusDocument
from bot.api.description.thread_shapes import ThreadDocument


class CallbackBody(Reply):
    """The body of a callback."""

    type: Annotated[str, Field(pattern=r"^(package|thread|handoff)\.[a-z_]+$")]
    """`package.` and the new status, or `escalated`, `message`, `held`, `resumed`, `retry_allowed`, `closed` …;
    `thread.held`, `.resumed`, `.cancelled`; `handoff.` and its status."""
    timestamp: datetime
    """When it happened."""
    data: StatusDocument | ThreadDocument | HandoffDocument
