"""The document of a thread, which its agents read and callbacks carry.

A pure function of the thread, its packages and the texts of its last command. The names are wire names: fields may be
added, and none may change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from rules.people.directory import Roster
from rules.record.chain import rfc3339
from rules.record.handoff_document import handoff_summary
from rules.record.status_document import Document, display_name
from rules.state.model import PackageState
from rules.state.transition import Words
from rules.threads.model import ThreadState, ThreadStatus

TAKEN_OVER = "taken_over"
_MESSAGES: Mapping[str, str] = {
    ThreadStatus.RUNNING: "Go on.",
    ThreadStatus.HELD: "A person has put this thread on hold. Do not act. Wait until it is resumed.",
    ThreadStatus.CANCELLED: "A person has cancelled this thread. Stop. It stays cancelled.",
    TAKEN_OVER: "A person has taken this thread over. Do not act until it is handed back.",
}
_RESUMED_WITH_WORDS = "A person has resumed this thread. First read instruction, modified_state, resume_checkpoint_id."
_ROLLBACK = "A person has cancelled this thread and asks for a rollback. Undo what was done, report it, and stop."


class OwnPackages(NamedTuple):
    """The packages of the thread's owner. The last two fields are about all of them, also those that are not shown."""

    shown: Sequence[PackageState]
    revisions: int
    hold_thread: bool


def thread_document(
    state: ThreadState,
    packages: OwnPackages,
    words: Words | None,
    roster: Roster,
    agent_names: Mapping[str, str],
) -> Document:
    """`words`: the texts of the last hold, resumption or cancellation. Retention may have erased them."""
    texts = words or {}
    taken_over = state.status is ThreadStatus.RUNNING and packages.hold_thread
    status = TAKEN_OVER if taken_over else state.status.value
    return {
        "thread_id": state.thread_id,
        "state": status,
        "owner_agent": state.owner_agent,
        "reason": texts.get("reason"),
        "instruction": texts.get("instruction"),
        "modified_state": texts.get("modified_state"),
        "resume_checkpoint_id": state.resume_checkpoint_id,
        "latest_checkpoint_id": state.latest_checkpoint,
        "rollback_requested": state.rollback_requested,
        "since": rfc3339(state.since) if state.since else None,
        "by": {"reviewer_id": state.by, "name": display_name(roster, state.by)} if state.by else None,
        "agent_message": _message(state, status, texts),
        "packages": [_package(package) for package in packages.shown],
        "handoffs": [
            handoff_summary(handoff, agent_names)
            for handoff in reversed(state.handoffs)
            if state.owner_agent in (handoff.from_agent, handoff.to_agent)
        ],
        "revision": state.revision + packages.revisions,
    }


def _message(state: ThreadState, status: str, texts: Words) -> str:
    if status == ThreadStatus.RUNNING and (
        texts.keys() & {"instruction", "modified_state"} or state.resume_checkpoint_id
    ):
        return _RESUMED_WITH_WORDS
    return _ROLLBACK if state.rollback_requested else _MESSAGES[status]


def _package(package: PackageState) -> Document:
    return {
        "decision_package_id": package.decision_package_id,
        "action_type": package.action_type,
        "status": package.status.value,
        "execution": package.execution.state.value,
        "revision": package.revision,
    }
