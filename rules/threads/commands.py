"""The commands for a thread: people hold, resume and cancel it; its agent reports checkpoints."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator

from rules.canonical import NotCanonicalError, canonical_json_strict
from rules.package.model import MAX_OBJECT_DEPTH
from rules.state.commands import Id, Words
from rules.values import Value

MAX_STATE = 200 * 1024  # bytes of a checkpoint's or a modified state, as canonical JSON


def _checked(state: dict[str, Any]) -> dict[str, Any]:
    try:
        size = len(canonical_json_strict(state, max_depth=MAX_OBJECT_DEPTH))
    except NotCanonicalError as fault:
        raise ValueError(str(fault)) from None
    if size > MAX_STATE:
        raise ValueError(f"has {size:,} bytes; {MAX_STATE:,} are the most. Store it, and send its address")
    return state


StateData = Annotated[dict[str, Any], AfterValidator(_checked)]


class ThreadVerb(StrEnum):
    HOLD = "hold"
    RESUME = "resume"
    CANCEL = "cancel"
    CHECKPOINT = "checkpoint"


class ThreadCommand(Value):
    """Base class. `command_id` comes from the click or the request, so that one click is one command."""

    verb: ClassVar[ThreadVerb]
    command_id: Id
    thread_id: Id


class HoldThread(ThreadCommand):
    verb = ThreadVerb.HOLD
    reason: Words


class ResumeThread(ThreadCommand):
    """Go on. A modified state makes it another plan, so approvals that were given to the old one are revoked."""

    verb = ThreadVerb.RESUME
    seen_event_id: Id | None = None  # the hold that the sender saw
    instruction: Words | None = None
    modified_state: StateData | None = None
    checkpoint_id: Id | None = None


class CancelThread(ThreadCommand):
    verb = ThreadVerb.CANCEL
    reason: Words
    rollback: bool = False


class ReportCheckpoint(ThreadCommand):
    verb = ThreadVerb.CHECKPOINT
    checkpoint_id: Id
    summary: Words
    state: StateData | None = None
