"""The table of a thread's verbs: one row for each command. Without a complete table the process does not start.

**How it works.** A thread is running, held or cancelled. A row says who may give the command, in which states, what it
requires of them, and to which state it leads. What follows for a package of the thread (`rules.threads.following`) is a
command of its own (`rules.verbs.threads`), carried out in the same transaction, so that the package's record shows it.

**Races.** The state is written only if the one that was read is still current; otherwise the command is decided again.
A claim that was committed before the hold is not undone: the action is already running.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from rules.people.directory import ActorKind, ReviewerAuthorization
from rules.reasons import Refusal
from rules.threads.authority import anyone, may_resume, may_stop, only_owner_agent
from rules.threads.checks import (
    check_hold,
    check_nothing,
    check_rate_of_checkpoints,
    check_rate_of_offers,
    check_resume,
)
from rules.threads.commands import (
    AcceptHandoff,
    CancelThread,
    DeclineHandoff,
    EndHandoff,
    HandoffCommand,
    HoldThread,
    OfferHandoff,
    ReportCheckpoint,
    ResumeThread,
    ReturnHandoff,
    ThreadCommand,
    ThreadVerb,
)
from rules.threads.events import ThreadEventType
from rules.threads.model import ThreadState, ThreadStatus
from rules.threads.situation import ThreadSituation

Requirement = Callable[[ThreadState, ThreadSituation], ReviewerAuthorization | Refusal | None]
Check = Callable[[ThreadState, Any, ThreadSituation], Refusal | None]
S = ThreadStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadVerbSpec:
    """A verb: its command, who may give it, in which statuses, where it leads, and the event that records it."""

    command: type[ThreadCommand]
    by: tuple[ActorKind, ...]
    requires: Requirement
    taken_in: tuple[ThreadStatus, ...]
    leads_to: ThreadStatus | None = None  # None: the status does not change
    event_type: ThreadEventType
    check: Check = check_nothing  # after authority and status

    @property
    def verb(self) -> ThreadVerb:
        return self.command.verb


def build_thread_table(rows: Iterable[ThreadVerbSpec]) -> Mapping[type[ThreadCommand], ThreadVerbSpec]:
    table = {row.command: row for row in rows}
    kinds = {*ThreadCommand.__subclasses__(), *HandoffCommand.__subclasses__()} - {HandoffCommand}
    if missing := kinds - table.keys():
        raise TypeError(f"the table of threads has no row for {', '.join(sorted(kind.__name__ for kind in missing))}")
    return table


# The service itself gives commands in the name of an operator, who works at the command line.
_PERSON, _AGENT = (ActorKind.PERSON, ActorKind.AUTO), (ActorKind.AGENT,)
THREAD_VERBS = build_thread_table([
    ThreadVerbSpec(
        command=HoldThread, by=_PERSON, requires=may_stop, taken_in=(S.RUNNING, S.HELD), leads_to=S.HELD,
        event_type=ThreadEventType.HELD, check=check_hold,
    ),
    ThreadVerbSpec(
        command=ResumeThread, by=_PERSON, requires=may_resume, taken_in=(S.HELD,), leads_to=S.RUNNING,
        event_type=ThreadEventType.RESUMED, check=check_resume,
    ),
    ThreadVerbSpec(
        command=CancelThread, by=_PERSON, requires=may_stop, taken_in=(S.RUNNING, S.HELD), leads_to=S.CANCELLED,
        event_type=ThreadEventType.CANCELLED,
    ),
    ThreadVerbSpec(
        command=ReportCheckpoint, by=_AGENT, requires=only_owner_agent, taken_in=(S.RUNNING, S.HELD),
        event_type=ThreadEventType.CHECKPOINT_REPORTED, check=check_rate_of_checkpoints,
    ),
    ThreadVerbSpec(
        command=OfferHandoff, by=_AGENT, requires=only_owner_agent, taken_in=(S.RUNNING,),
        event_type=ThreadEventType.HANDOFF_OFFERED, check=check_rate_of_offers,
    ),
    ThreadVerbSpec(
        command=AcceptHandoff, by=_AGENT, requires=anyone, taken_in=(S.RUNNING,),
        event_type=ThreadEventType.HANDOFF_ACCEPTED,
    ),
    ThreadVerbSpec(
        command=DeclineHandoff, by=_AGENT, requires=anyone, taken_in=(S.RUNNING, S.HELD),
        event_type=ThreadEventType.HANDOFF_DECLINED,
    ),
    ThreadVerbSpec(
        command=ReturnHandoff, by=_AGENT, requires=only_owner_agent, taken_in=(S.RUNNING,),
        event_type=ThreadEventType.HANDOFF_RETURNED,
    ),
    ThreadVerbSpec(
        command=EndHandoff, by=(ActorKind.AUTO,), requires=anyone, taken_in=(S.RUNNING,),
        event_type=ThreadEventType.HANDOFF_TIMED_OUT,
    ),
])  # fmt: skip
