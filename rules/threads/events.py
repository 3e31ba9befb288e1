"""The names of the events in a thread's record. `rules.state.events` has the grammar and the rule: never rename one."""

from __future__ import annotations

from rules.string_enum import StringEnum


class ThreadEventType(StringEnum):
    CHECKPOINT_REPORTED = "thread.checkpoint_reported"
    HELD = "thread.held"
    RESUMED = "thread.resumed"
    CANCELLED = "thread.cancelled"
    HANDOFF_OFFERED = "handoff.offered"
    HANDOFF_ACCEPTED = "handoff.accepted"
    HANDOFF_DECLINED = "handoff.declined"
    HANDOFF_RETURNED = "handoff.returned"
    HANDOFF_TIMED_OUT = "handoff.timed_out"
