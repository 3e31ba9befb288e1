"""`ThreadState`, the present state of a thread: the sum of its events. Its texts are in the content table.

A thread is named by the agents (`thread_id` of a package), so it exists as soon as a package names it. Its own record
begins with the first command that it is given. Names are compared without regard to spelling.
"""

from __future__ import annotations

from hashlib import sha256

from rules.people.lineage import Lineage
from rules.spelling import normalize_name
from rules.string_enum import StringEnum
from rules.threads.handoff import Handoff, HandoffStatus
from rules.values import Moment, Value

KEY_PREFIX = "thr_"
CHECKPOINTS_KEPT = 20  # in the state; the record holds all of them
HANDOFFS_KEPT = 20  # in the state, where open ones always stay; the record holds all of them


def thread_key(thread_id: str) -> str:
    """The id of the thread's record, the same for every spelling of its name."""
    return KEY_PREFIX + sha256(normalize_name(thread_id).encode()).hexdigest()[:26]


def is_thread(chain_id: str) -> bool:
    """Whether the id of a chain of events is that of a thread, and not of a package."""
    return chain_id.startswith(KEY_PREFIX)


class ThreadStatus(StringEnum):
    RUNNING = "running"
    HELD = "held"
    CANCELLED = "cancelled"


class Checkpoint(Value):
    """A point from which the agent can go on. Its summary and state are stored under the event."""

    checkpoint_id: str
    event_id: str
    at: Moment


class ThreadState(Value):
    """`event_id`: the event of the last hold, resumption or cancellation, under which its texts are stored.

    `by`, `role` and `since`: who gave that command, in which role, and when.
    """

    tenant_id: str
    thread_key: str
    thread_id: str
    owner_agent: str
    owner: str
    revision: int = 0
    status: ThreadStatus = ThreadStatus.RUNNING
    by: str | None = None
    role: str | None = None
    since: Moment | None = None
    event_id: str | None = None
    resume_checkpoint_id: str | None = None
    rollback_requested: bool = False
    has_new_plan: bool = False  # resumed with a modified state
    stopped_names: tuple[str, ...] = ()  # of the thread and its runs, as long as it is held or cancelled
    checkpoints: tuple[Checkpoint, ...] = ()
    handoffs: tuple[Handoff, ...] = ()
    lineage: Lineage | None = None  # None until the thread is handed over
    updated_at: Moment | None = None

    @property
    def mention(self) -> str:
        """Who gave the last command, for a sentence. An operator is no user of the workspace."""
        return "an operator" if self.by == "operator" else f"<@{self.by}>"

    @property
    def latest_checkpoint(self) -> str | None:
        return self.checkpoints[-1].checkpoint_id if self.checkpoints else None

    @property
    def agents(self) -> frozenset[str]:
        """Those that have or had the thread."""
        return frozenset([self.owner_agent, *(self.lineage.agents if self.lineage else ())])

    @property
    def owners(self) -> frozenset[str]:
        """The owners of these agents."""
        return frozenset([self.owner, *(self.lineage.owners if self.lineage else ())])

    @property
    def offered(self) -> Handoff | None:
        """The offer that waits for an answer. A thread has at most one."""
        return next((handoff for handoff in self.handoffs if handoff.status is HandoffStatus.OFFERED), None)

    @property
    def lent(self) -> tuple[Handoff, ...]:
        """The delegations that are not returned yet, the first one first: each was given by the one before it."""
        return tuple(handoff for handoff in self.handoffs if handoff.is_lent)
