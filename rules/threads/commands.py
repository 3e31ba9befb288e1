"""The commands for a thread: people hold, resume and cancel it; its agent reports checkpoints and hands it over.

`rules.threads.table` has a row for each class, as `rules.verbs.table` has for the commands of packages. The values are
checked when a command is parsed, at the edge.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator

from rules.canonical import NotCanonicalError, canonical_json_strict
from rules.package.fields import MAX_OBJECT_DEPTH
from rules.state.commands import FreeText, Id
from rules.string_enum import StringEnum
from rules.threads.handoff import HandoffMode
from rules.values import Value

MAX_STATE = 200 * 1024  # bytes of a checkpoint's or a modified state, as canonical JSON


def _check_state(state: dict[str, Any]) -> dict[str, Any]:
    try:
        size = len(canonical_json_strict(state, max_depth=MAX_OBJECT_DEPTH))
    except NotCanonicalError as fault:
        raise ValueError(str(fault)) from None
    if size > MAX_STATE:
        raise ValueError(f"has {size:,} bytes; {MAX_STATE:,} are the most. Store it, and send its address")
    return state


StateData = Annotated[dict[str, Any], AfterValidator(_check_state)]


class ThreadVerb(StringEnum):
    HOLD = "hold"
    RESUME = "resume"
    CANCEL = "cancel"
    CHECKPOINT = "checkpoint"
    OFFER_HANDOFF = "offer_handoff"
    ACCEPT_HANDOFF = "accept_handoff"
    DECLINE_HANDOFF = "decline_handoff"
    RETURN_HANDOFF = "return_handoff"
    END_HANDOFF = "end_handoff"


class ThreadCommand(Value):
    """Base class. `command_id` comes from the click or the request, so that one click is one command."""

    verb: ClassVar[ThreadVerb]
    command_id: Id
    thread_id: Id


class HoldThread(ThreadCommand):
    verb = ThreadVerb.HOLD
    reason: FreeText


class ResumeThread(ThreadCommand):
    """Go on. A modified state makes it another plan, so approvals that were given to the old one are revoked."""

    verb = ThreadVerb.RESUME
    seen_event_id: Id | None = None  # the hold that the sender saw
    instruction: FreeText | None = None
    modified_state: StateData | None = None
    checkpoint_id: Id | None = None


class CancelThread(ThreadCommand):
    verb = ThreadVerb.CANCEL
    reason: FreeText
    rollback: bool = False


class ReportCheckpoint(ThreadCommand):
    verb = ThreadVerb.CHECKPOINT
    checkpoint_id: Id
    summary: FreeText
    state: StateData | None = None


class OfferHandoff(ThreadCommand):
    """`to_agent` is the name or the id of an agent. `decision_package_id`: the package by which people allowed it."""

    verb = ThreadVerb.OFFER_HANDOFF
    to_agent: Id
    reason: FreeText
    mode: HandoffMode = HandoffMode.PEER
    captured_state: StateData | None = None
    user_context: StateData | None = None
    decision_package_id: Id | None = None


class HandoffCommand(ThreadCommand):
    """A command for a handoff that exists. Base class."""

    handoff_id: Id


class AcceptHandoff(HandoffCommand):
    verb = ThreadVerb.ACCEPT_HANDOFF


class DeclineHandoff(HandoffCommand):
    verb = ThreadVerb.DECLINE_HANDOFF
    reason: FreeText | None = None


class ReturnHandoff(HandoffCommand):
    """A delegate has done its part. `result` is for people and the agent; `result_state` only for the agent."""

    verb = ThreadVerb.RETURN_HANDOFF
    result: FreeText
    result_state: StateData | None = None


class EndHandoff(HandoffCommand):
    """The time to answer or to return it has passed. The service's clock gives this command."""

    verb = ThreadVerb.END_HANDOFF
