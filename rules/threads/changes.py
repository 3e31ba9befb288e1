"""`ThreadStateChanges`: the fields of a thread's state that an event may change, checked by the type checker.

Nothing is validated at run time, as in `rules.state.changes`. `revision` and `updated_at` are set by `decide_thread`.
"""

from __future__ import annotations

from typing import TypedDict

from rules.people.lineage import Lineage
from rules.threads.handoff import Handoff
from rules.threads.model import Checkpoint, ThreadState, ThreadStatus
from rules.values import Moment


class ThreadStateChanges(TypedDict, total=False):
    owner_agent: str
    owner: str
    status: ThreadStatus
    by: str | None
    role: str | None
    since: Moment | None
    event_id: str | None
    resume_checkpoint_id: str | None
    rollback_requested: bool
    has_new_plan: bool
    stopped_names: tuple[str, ...]
    checkpoints: tuple[Checkpoint, ...]
    handoffs: tuple[Handoff, ...]
    lineage: Lineage | None


def apply_thread_changes(state: ThreadState, changes: ThreadStateChanges, at: Moment) -> ThreadState:
    """The state after an event with these changes."""
    return state.model_copy(update={**changes, "revision": state.revision + 1, "updated_at": at})
