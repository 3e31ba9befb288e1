"""What a package must do to follow its thread: the command that brings it in line with the thread's state.

It depends only on the two states, so it can be asked again at any time: a package that follows already gets no command.
That covers packages that came in while the thread was being stopped. An action that is already running goes on: only
its record shows what happened.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rules.state.decisions import Hold
from rules.state.model import PackageState
from rules.state.service_commands import (
    CancelWithThread,
    HoldWithThread,
    ResumeWithThread,
    RevokeWithThread,
    ThreadConsequence,
)
from rules.threads.model import ThreadState, ThreadStatus


def commands_to_follow(state: ThreadState, packages: Iterable[PackageState]) -> Iterator[ThreadConsequence]:
    """The commands that bring these packages in line with the thread, each with an id of its own."""
    if state.since is None or state.by is None or state.event_id is None:
        return
    for package in packages:
        if kind := _command_to_follow(state, package):
            yield kind(
                command_id=f"{state.event_id}:{package.decision_package_id}",
                decision_package_id=package.decision_package_id,
                thread_key=state.thread_key,
                thread_event_id=state.event_id,
                since=state.since,
                role=state.role or state.by,
                **_fields_of(kind, state),
            )


def _fields_of(kind: type[ThreadConsequence], state: ThreadState) -> dict[str, bool]:
    if kind is RevokeWithThread:
        return {"for_good": state.status is ThreadStatus.CANCELLED}
    return {"new_plan": state.has_new_plan} if kind is ResumeWithThread else {}


def _command_to_follow(state: ThreadState, package: PackageState) -> type[ThreadConsequence] | None:
    if _has_followed(state, package):
        return None
    match state.status:
        case ThreadStatus.HELD:
            return HoldWithThread if package.hold is None or _is_held_by(state, package.hold) else None
        case ThreadStatus.CANCELLED:
            return RevokeWithThread if package.lets_through else CancelWithThread
        case ThreadStatus.RUNNING if state.has_new_plan and _is_of_old_plan(state, package):
            return RevokeWithThread
        case _ if package.hold:
            return ResumeWithThread if _is_held_by(state, package.hold) else None
        case _:
            return ResumeWithThread if package.is_running and package.followed else None


def _has_followed(state: ThreadState, package: PackageState) -> bool:
    """Also if it has ended. A retry that people allow after a failure is a new permission, which follows again."""
    if package.hold or package.is_running:
        return package.followed == state.event_id
    return not package.is_stoppable


def _is_held_by(state: ThreadState, hold: Hold) -> bool:
    """A package that names only a run may be held by another thread of this run."""
    return hold.thread_key in (None, state.thread_key)


def _is_of_old_plan(state: ThreadState, package: PackageState) -> bool:
    """Whether it lets something through that was decided before the resumption."""
    decided_at = package.decision.decided_at if package.decision and package.lets_through else None
    return decided_at is not None and state.since is not None and decided_at <= state.since
