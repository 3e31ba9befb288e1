"""`Handoff`: a thread that one agent offers to another. Its texts are in the content table, under its events."""

from __future__ import annotations

from rules.string_enum import StringEnum
from rules.values import Moment, Value


class HandoffMode(StringEnum):
    PEER = "peer"  # for good
    DELEGATE = "delegate"  # until it is returned with a result


class HandoffStatus(StringEnum):
    OFFERED = "offered"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    RETURNED = "returned"
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"  # with its thread


class Handoff(Value):
    """`due_at`: until when it must be answered or, once a delegate has accepted it, returned."""

    handoff_id: str
    from_agent: str
    to_agent: str
    mode: HandoffMode
    status: HandoffStatus = HandoffStatus.OFFERED
    offered_at: Moment
    due_at: Moment | None
    event_id: str  # of the offer: the reason, the captured state, the user's context
    answer_event_id: str | None = None  # of the latest answer: why it was declined, or the result
    decision_package_id: str | None = None  # the package in which people allowed it

    @property
    def event_ids(self) -> tuple[str, ...]:
        """The events under which its texts are stored."""
        return (self.event_id, *((self.answer_event_id,) if self.answer_event_id else ()))

    @property
    def is_lent(self) -> bool:
        """Whether a delegate has the thread and must still return it."""
        return self.status is HandoffStatus.ACCEPTED and self.mode is HandoffMode.DELEGATE

    @property
    def is_open(self) -> bool:
        return self.status is HandoffStatus.OFFERED or self.is_lent
